from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from onegov_auth.domain import SessionInfo, UserInfo
from onegov_auth.outcomes import LoggedIn, Redirect, Refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_outcomes_are_values() -> None:
    """Two refusals for the same reason are equal, and none can be changed."""
    refused = Refused("no")

    assert refused == Refused("no") != Refused("other")
    with pytest.raises(FrozenInstanceError):
        refused.code = "yes"  # type: ignore[misc]  # that it is frozen is the test


@pytest.mark.sec("LOG-05")
def test_an_outcome_prints_no_secret() -> None:
    """Neither the session's token, nor where a provider leads to, nor what it remembers is in a repr."""
    session = SessionInfo(uuid4(), uuid4(), "local", None, NOW, NOW, NOW)
    outcome = LoggedIn(UserInfo(uuid4(), "ann", "member"), session, "canary")

    assert "canary" not in repr(outcome)
    assert "canary" not in repr(Redirect("https://example.org?id_token_hint=canary", {"verifier": "canary"}))
