from __future__ import annotations

from datetime import timedelta
from typing import Any

from onegov_auth.forms import ApiTokenForm


def test_ages_that_are_allowed() -> None:
    """No age is offered that is longer than the settings allow; a shorter end is suggested."""
    form: Any = ApiTokenForm(None, longest=timedelta(days=40))
    assert [value for value, _ in form.age.choices] == ["7", "30"]
    assert form.age.data == "30"
    assert ApiTokenForm(None, longest=timedelta(days=365)).valid == timedelta(days=90)


def test_hardly_any_time() -> None:
    """Where the settings allow less than a week, there is one choice."""
    form: Any = ApiTokenForm(None, longest=timedelta(hours=1))
    assert len(form.age.choices) == 1
    assert form.valid is None
