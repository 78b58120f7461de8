from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from webob.multidict import MultiDict

from onegov_auth.forms import PasswordResetForm, RequestPasswordResetForm
from onegov_auth.outcomes import Done, Refused


@pytest.mark.parametrize(("email", "good"), [("ann@example.org", True), ("ann", False), ("", False)])
def test_a_link_is_sent_to_an_address(email: str, good: bool) -> None:
    """Anything else is told as none."""
    assert RequestPasswordResetForm(MultiDict(email=email)).validate() == good


@pytest.mark.parametrize(("outcome", "done"), [(Done("password_reset"), True), (Refused("invalid_token"), False)])
def test_the_password_is_updated_or_not(outcome: Done | Refused, done: bool) -> None:
    """The first seed's method says whether it was done."""
    calls: list[Any] = []

    def reset(*arguments: Any) -> Done | Refused:
        calls.append(arguments)
        return outcome

    core = SimpleNamespace(reset=reset)
    request: Any = SimpleNamespace(auth=SimpleNamespace(core=core), client="client")
    form = PasswordResetForm(MultiDict(email="ann@example.org", password=" a sentence ", token="token"))
    assert form.validate()
    assert form.update_password(request) is done
    assert calls == [("token", "ann@example.org", " a sentence ", "client")]
