"""The forms of what gives rights: groups and bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms.fields import StringField
from wtforms.validators import DataRequired, Length

from onegov_auth.forms.base import Form
from onegov_auth.forms.fields import ChecksField
from onegov_auth.i18n import _

__all__ = ["BundleForm", "GroupForm"]


class BundleForm(Form):
    """
    A name, and permissions.

    Args:
        choices: What there is to choose from: the name of a field to keys and what they are called. A field without
            anything to choose is left out.
        args: As for :class:`Form`.
        kwargs: As for :class:`Form`.
    """

    name = StringField(_("Name"), [DataRequired(_("Please enter a name.")), Length(max=200)])
    permissions = ChecksField(_("Permissions"))

    def __init__(self, *args: Any, choices: Mapping[str, Mapping[str, str]], **kwargs: Any) -> None:
        self._choices = choices
        super().__init__(*args, **kwargs)
        for name, things in choices.items():
            if not things:
                del self[name]

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Fill in the fields."""
        for name, things in self._choices.items():
            field: Any = self[name]
            field.choices = list(things.items())
        super().process(*args, **kwargs)

    @property
    def wanted(self) -> dict[str, Any]:
        """What was chosen, by attribute."""
        return {field.name: field.data for field in self}


class GroupForm(BundleForm):
    """A name, bundles and single permissions."""

    name = StringField(_("Name"), [DataRequired(_("Please enter a name.")), Length(max=200)])
    bundles = ChecksField(_("Bundles"))
    permissions = ChecksField(_("Permissions"))
