from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.forms import ChangeEmailForm, ChangePasswordForm, ConfirmForm, ProfileForm
from onegov_auth.i18n import LANGUAGES
from onegov_auth.web.fields import FormFields


def filled(form: Any, **values: str) -> Any:
    return form(FormFields(values), language="en")


def test_profile() -> None:
    """A name may be left empty, and the language be the browser's or one of ours, each in its own words."""
    form = filled(ProfileForm, realname="", language="")

    assert form.validate()
    assert form.language.choices == [("", "As the browser says"), *LANGUAGES.items()]
    assert filled(ProfileForm, realname="Ann", language="rm").validate()


@pytest.mark.parametrize(
    ("values", "wrong"), [({"language": "tlh"}, "language"), ({"realname": "x" * 201, "language": ""}, "realname")]
)
def test_profile_refuses(values: dict[str, str], wrong: str) -> None:
    """A language we don't speak and a name that no page could show are refused."""
    form = filled(ProfileForm, **values)

    assert not form.validate()
    assert list(form.errors) == [wrong]


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"password": "new", "confirm": "new"}, ["old"]),
        ({"old": "old", "password": "new", "confirm": "other"}, ["confirm"]),
        ({"old": "old"}, ["password"]),
        ({"old": "old", "password": "new", "confirm": "new"}, []),
    ],
)
def test_change_password(values: dict[str, str], wrong: list[str]) -> None:
    """The old password is asked for, and the new one twice."""
    form = filled(ChangePasswordForm, **values)

    assert form.validate() is not bool(wrong)
    assert list(form.errors) == wrong


def test_password_managers_know_the_fields() -> None:
    """Old, new and repeated passwords, names and addresses are marked as such (WCAG 2.2 SC 1.3.5)."""
    hints = {
        (form.__name__, field.name): field.render_kw["autocomplete"]
        for form in (ChangePasswordForm, ChangeEmailForm, ConfirmForm)
        for field in form()
    }

    assert hints == {
        ("ChangePasswordForm", "old"): "current-password",
        ("ChangePasswordForm", "password"): "new-password",
        ("ChangePasswordForm", "confirm"): "new-password",
        ("ChangeEmailForm", "email"): "email",
        ("ConfirmForm", "password"): "current-password",
    }


def test_change_email() -> None:
    """An address has to be there, and not to be longer than addresses are."""
    assert filled(ChangeEmailForm, email="ann@example.org").validate()
    assert not filled(ChangeEmailForm, email="").validate()
    assert not filled(ChangeEmailForm, email="a" * 250 + "@b.ch").validate()
