"""The form of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wtforms.fields import StringField
from wtforms.validators import InputRequired, Length

from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

if TYPE_CHECKING:
    from onegov_auth.models import UserGroup

__all__ = ["UserGroupForm"]


class UserGroupForm(Form):
    """A generic form of a group; an application adds what its own groups have."""

    name = StringField(_("Name"), [InputRequired(_("Please enter a name.")), Length(max=200)])

    def update_model(self, model: UserGroup) -> None:
        """Write what was typed to *model*."""
        model.name = (self.name.data or "").strip()

    def apply_model(self, model: UserGroup) -> None:
        """Fill in what *model* has."""
        self.name.data = model.name
