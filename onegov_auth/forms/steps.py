"""The forms of the steps that may be asked for at a login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms.fields import BooleanField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired

from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

__all__ = ["AcceptTermsForm", "NewPasswordForm", "step_form"]

#: What the attributes of a user are called.
LABELS = {"realname": _("Name"), "email": _("E-mail address"), "phone_number": _("Phone number")}

_AUTOCOMPLETE = {"realname": "name", "email": "email", "phone_number": "tel"}


class NewPasswordForm(Form):
    """A new password, twice."""

    password = PasswordField(
        _("New password"),
        [InputRequired(_("Please enter a new password."))],
        render_kw={"autocomplete": "new-password", "autofocus": True},
    )
    confirm = PasswordField(
        _("New password, once more"),
        [EqualTo("password", _("Both new passwords have to be the same."))],
        render_kw={"autocomplete": "new-password", "required": True},
    )


class AcceptTermsForm(Form):
    """A box to tick."""

    accept = BooleanField(
        _("I accept the terms of use"),
        [InputRequired(_("Please accept the terms, or cancel."))],
        render_kw={"value": "yes"},
    )


def step_form(step: str, shown: Mapping[str, Any], formdata: Any = None, *, language: str | None = None) -> Form:
    """
    The form of a step.

    Args:
        step: Its name.
        shown: What it wants to show; ``fields`` are names of texts, or map names to labels, and ``values`` what is in
            them already.
        formdata: The posted values, if some were.
        language: The reader's.
    """
    if step == "change_password":
        return NewPasswordForm(formdata, language=language)
    if step == "accept_terms":
        return AcceptTermsForm(formdata, language=language)
    fields = shown.get("fields", ())
    labels: Mapping[str, str] = (
        fields if isinstance(fields, Mapping) else {name: LABELS.get(name, name) for name in fields}
    )
    members = {name: _text(name, label) for name, label in labels.items()}
    made: type[Form] = type("StepForm", (Form,), members)
    return made(formdata, language=language, data=shown.get("values"))


def _text(name: str, label: str) -> StringField:
    hints = {"autocomplete": _AUTOCOMPLETE[name]} if name in _AUTOCOMPLETE else {}
    return StringField(label, [InputRequired(_("Please fill this in."))], render_kw=hints)
