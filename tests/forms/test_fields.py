from __future__ import annotations

from onegov_auth.forms import RequestPasswordResetForm
from onegov_auth.forms.base import Form
from onegov_auth.forms.fields import address_field, new_password_field


class Both(Form):
    """One of each."""

    email = address_field("Address", autofocus=True)
    password = new_password_field("Password")


def test_an_address_is_typed_on_a_fitting_keyboard() -> None:
    """Phones show the @, and don't capitalise or correct."""
    html = str(Both().email())
    assert 'type="email"' in html
    assert 'autocapitalize="none"' in html
    assert "autofocus" in html
    assert "autofocus" not in str(Both().password())
    assert 'autocomplete="username"' in str(RequestPasswordResetForm().email())
