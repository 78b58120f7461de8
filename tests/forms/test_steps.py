from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.forms import AcceptTermsForm, NewPasswordForm, step_form
from onegov_auth.web.fields import FormFields


@pytest.mark.parametrize(
    ("step", "values", "good"),
    [
        ("change_password", {"password": "new", "confirm": "new"}, True),
        ("change_password", {"password": "new", "confirm": "other"}, False),
        ("change_password", {}, False),
        ("accept_terms", {"accept": "yes"}, True),
        ("accept_terms", {}, False),
    ],
)
def test_own_steps(step: str, values: dict[str, str], good: bool) -> None:
    """A new password is asked for twice, and terms have to be accepted."""
    form = step_form(step, {}, FormFields(values), language="en")

    assert isinstance(form, NewPasswordForm | AcceptTermsForm)
    assert form.validate() is good


def test_profile_step() -> None:
    """The fields that are missing are texts, with what is there already and the hints for browsers."""
    shown: Any = {"fields": ["realname", "shoe_size"], "values": {"realname": "Ann"}}
    form = step_form("complete_profile", shown, language="en")

    assert [(field.name, field.label.text, field.data) for field in form] == [
        ("realname", "Name", "Ann"),
        ("shoe_size", "shoe_size", None),
    ]
    assert 'autocomplete="name"' in form["realname"]()
    assert not step_form("complete_profile", shown, FormFields({"realname": "Ann"}), language="en").validate()


def test_step_of_an_application() -> None:
    """A step of an application names its fields itself, or has none."""
    form = step_form(
        "badge", {"fields": {"number": "Number of your badge"}}, FormFields({"number": "7"}), language="en"
    )

    assert form.validate()
    assert form["number"].label.text == "Number of your badge"
    assert [*step_form("hello", {}, language="en")] == []
