"""Fields and validators that several forms have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wtforms.fields import PasswordField, SelectMultipleField, StringField
from wtforms.utils import unset_value
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from onegov_auth.addresses import as_address
from onegov_auth.i18n import _

__all__ = ["Address", "ChecksField", "address_field", "new_password_field"]


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


def new_password_field(label: str, *validators: Any, missing: str = _("Please enter a password.")) -> PasswordField:
    """A field for a password to come, for which password managers offer one."""
    return PasswordField(label, [InputRequired(missing), *validators], render_kw={"autocomplete": "new-password"})


class ChecksField(SelectMultipleField):
    """
    Several things of a list, each with a box to check; what is checked is a list of values.

    Every box has a field name of its own, such as ``groups.7``: one name for all of them would be a field that was sent
    several times, which is refused (ASVS 15.3.7).
    """

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Take what is checked, or the value the form begins with."""
        super().process(None, data, extra_filters)
        if formdata is not None:
            self.data = [value for value, _label, *_more in self.iter_choices() if f"{self.name}.{value}" in formdata]

    def __iter__(self) -> Iterator[Any]:
        """The boxes."""
        for number, (value, label, checked, *_more) in enumerate(self.iter_choices()):
            box = self._Option(
                label=label,
                id=f"{self.id}-{number}",
                name=f"{self.name}.{value}",
                widget=self.option_widget,
                validators=None,
                _form=None,
                _meta=self.meta,
            )
            box.process(None, value)
            box.checked = checked
            yield box
