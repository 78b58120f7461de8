from __future__ import annotations

import pytest
from webob.multidict import MultiDict

from onegov_auth.forms import LoginForm


def form(**fields: str) -> LoginForm:
    """The form as posted."""
    return LoginForm(MultiDict(fields))


def test_login_data_has_what_auth_takes() -> None:
    """The password stays as typed, and the code loses the spaces around it."""
    assert form(username="ann", password=" x ", yubikey=" cccc ").login_data == {
        "username": "ann",
        "password": " x ",
        "second_factor": "cccc",
    }


@pytest.mark.parametrize("code", ["", "   "])
def test_empty_code_is_none(code: str) -> None:
    """A code of nothing but spaces is no code."""
    assert form(username="ann", password="x", yubikey=code).login_data["second_factor"] is None


def test_deleted_code_is_none() -> None:
    """Where no YubiKey is configured, the field is gone and the code None."""
    login = form(username="ann", password="x", yubikey="cccc")
    del login.yubikey

    assert login.login_data["second_factor"] is None


@pytest.mark.parametrize("missing", ["username", "password"])
def test_username_and_password_are_needed(missing: str) -> None:
    """Neither may be left out."""
    login = form(**({"username": "ann", "password": "x"} | {missing: ""}))

    assert not login.validate()
    assert list(login.errors) == [missing]


def test_labels_and_hints_for_browsers() -> None:
    """The first seed's label, and the tokens by which password managers know the fields (ASVS 6.2.7)."""
    login = form()

    assert login.username.label.text == "E-Mail Address"
    assert 'autocomplete="username"' in login.username()
    assert 'autocomplete="current-password"' in login.password()
    assert "value=" not in form(password="typed").password().replace('value=""', "")
