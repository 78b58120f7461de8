from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from webob.multidict import MultiDict

from onegov_auth.forms import RegistrationForm
from onegov_auth.outcomes import Done

GOOD = {"username": "ann@example.org", "password": "a long sentence", "confirm": "a long sentence", "roboter_falle": ""}


def form(**changes: str) -> RegistrationForm:
    return RegistrationForm(MultiDict({**GOOD, **changes}), language="en")


def test_a_form_that_is_filled_in_is_good() -> None:
    """An address, a password twice, and nothing in the trap."""
    assert form().validate()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "ann"}, "username"),
        ({"username": ""}, "username"),
        ({"password": ""}, "password"),
        ({"confirm": "another sentence"}, "confirm"),
        ({"confirm": ""}, "confirm"),
        ({"roboter_falle": "x"}, "roboter_falle"),
    ],
)
def test_everything_else_is_told(changes: dict[str, str], field: str) -> None:
    """The one field that is wrong says so, in a sentence."""
    wrong = form(**changes)
    assert not wrong.validate()
    assert field in wrong.errors


def test_what_is_missing_is_told_apart() -> None:
    """Two empty fields are two things to do, each with a sentence of its own."""
    wrong = form(password="", confirm="")
    assert not wrong.validate()
    assert wrong.errors["password"] != wrong.errors["confirm"]


def test_password_managers_are_told_what_is_what() -> None:
    """Username and new password (WCAG 1.3.5, NIST-12)."""
    marks = {name: getattr(form(), name).render_kw["autocomplete"] for name in ("username", "password", "confirm")}
    assert marks == {"username": "username", "password": "new-password", "confirm": "new-password"}


def test_it_registers_who_filled_it_in() -> None:
    """By the application of the request, with its signup token."""
    calls: list[Any] = []

    def register(*arguments: Any) -> Done:
        calls.append(arguments)
        return Done("registered")

    core = SimpleNamespace(register=register)
    request: Any = SimpleNamespace(auth=SimpleNamespace(core=core, signup_token="token"), client="client")
    filled = form()
    assert filled.register_user(request) == Done("registered")
    assert calls == [(filled, "client", "token")]
