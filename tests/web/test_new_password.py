from __future__ import annotations

from typing import Any

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import ChangePasswordForm
from onegov_auth.i18n import Text
from onegov_auth.web.new_password import ask_for_password, say_why


def test_rules_are_told(ask: Any) -> None:
    """People read the length, password managers too, and no browser cuts what is pasted (ASVS 6.2.9)."""
    form = ChangePasswordForm(language="en")
    hint = ask(lambda request: ask_for_password(request, form.password))

    assert hint.startswith("At least 15 characters.")
    html = form.password()
    assert 'passwordrules="minlength: 15; maxlength: 256; allowed: unicode;"' in html
    assert 'autocomplete="new-password"' in html
    assert " maxlength=" not in html
    assert "passwordrules" not in form.confirm()
    assert "passwordrules" not in ChangePasswordForm(language="en").password()


def test_reasons_are_told(ask: Any) -> None:
    """Everything that is wrong with a password stands beside its field, values filled in."""
    form = ChangePasswordForm(language="en")
    error = InsecurePasswordError(Text("At least {n}.", n=15), "Not the username.")
    ask(lambda request: say_why(request, form.password, error))
    assert form.password.errors == ["At least 15.", "Not the username."]

    ask(lambda request: say_why(request, form.password, InvalidPasswordError("a NUL")))
    assert "can't be used" in form.password.errors[0]
