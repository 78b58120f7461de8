"""Fields and validators that several forms have."""

from __future__ import annotations

from typing import Any

from wtforms.fields import PasswordField, StringField
from wtforms.validators import InputRequired, ValidationError

from onegov_auth.addresses import as_address
from onegov_auth.i18n import _

__all__ = ["Address", "address_field", "new_password_field"]


class Address:
    """The field is an e-mail address (:func:`onegov_auth.addresses.as_address`)."""

    def __call__(self, form: Any, field: Any) -> None:
        """
        Look at it.

        Raises:
            ValidationError: If it is none.
        """
        del form
        if as_address(str(field.data or "")) is None:
            raise ValidationError(_("Please enter a valid e-mail address."))


def address_field(label: str, **keywords: str | bool) -> StringField:
    """A field for an e-mail address; keyboards of phones show the @ for it."""
    keys: dict[str, str | bool] = {"type": "email", "autocomplete": "email", "autocapitalize": "none", **keywords}
    required = InputRequired(_("Please enter your e-mail address."))
    return StringField(label, [required, Address()], render_kw={"spellcheck": "false", **keys})


def new_password_field(label: str, *validators: Any) -> PasswordField:
    """A field for a password to come, for which password managers offer one."""
    required = InputRequired(_("Please enter a password."))
    return PasswordField(label, [required, *validators], render_kw={"autocomplete": "new-password"})
