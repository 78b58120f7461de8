"""The form to make an API token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wtforms.fields import RadioField, StringField
from wtforms.validators import InputRequired, Length

from onegov_auth.api_tokens import MAX_NAME
from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

__all__ = ["ApiTokenForm"]

#: How long a token may be good, in days, and how that is called.
AGES: Mapping[int, str] = {
    7: _("A week"),
    30: _("30 days"),
    90: _("90 days"),
    365: _("A year"),
}


class ApiTokenForm(Form):
    """
    Name and age of a token. What it is good for are boxes of the page's own.

    Args:
        longest: How long one may be good.
        args: As for :class:`Form`.
        kwargs: As for :class:`Form`.
    """

    name = StringField(
        _("Name"),
        [InputRequired(), Length(max=MAX_NAME)],
        render_kw={"maxlength": str(MAX_NAME), "autocomplete": "off"},
    )
    age = RadioField(_("How long is it good?"), [InputRequired()])

    def __init__(self, *args: Any, longest: timedelta, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ages = {days: name for days, name in AGES.items() if timedelta(days=days) <= longest}
        choices = [(str(days), self.translate(name)) for days, name in ages.items()]
        self.age.choices = choices or [("", self.translate(_("As long as the settings allow")))]
        if self.age.data is None:
            self.age.data = "90" if 90 in ages else self.age.choices[-1][0]

    @property
    def valid(self) -> timedelta | None:
        """The age; ``None`` for as long as the settings allow."""
        return timedelta(days=int(self.age.data)) if self.age.data else None
