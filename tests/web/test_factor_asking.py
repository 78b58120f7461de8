from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.domain import Transaction
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Refused, Unavailable
from onegov_auth.testing.clock import FakeClock
from onegov_auth.web.factor_asking import after_factor
from onegov_auth.web.factor_asking import ask as ask_for


@pytest.fixture(name="pending")
def _pending(clock: FakeClock) -> Transaction:
    return Transaction("id-1", "factor", None, "/open", {}, clock() + timedelta(minutes=5))


@pytest.mark.parametrize("kind", [FactorRequired, EnrolmentRequired])
def test_nothing_to_choose_from(ask: Any, pending: Transaction, kind: type[FactorRequired]) -> None:
    """Without a type to begin with, the page to choose on says what there is."""
    response = ask(lambda request: after_factor(request, kind(pending, ())))

    assert response.location == "https://app.example.org/auth/second-factor?transaction=id-1"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Refused("too_many_messages"), "Too many messages"),
        (Refused("locked", retry_after=60), "in a minute"),
        (Unavailable("mtan"), "be checked right now"),
        (Refused("unknown_transaction"), None),
    ],
)
def test_what_can_not_be_asked_for(ask: Any, app: Any, answer: Any, told: str | None) -> None:
    """The page to choose on says why; what is too old says so itself."""
    app.auth.challenge = lambda *_: answer

    def begin(request: Any) -> Any:
        return ask_for(request, "id-1", "mtan"), [message.text for message in request.consume_messages()]

    response, messages = ask(begin)
    assert response.location.endswith("/auth/second-factor?transaction=id-1")
    assert [told in text for text in messages] == ([] if told is None else [True])
