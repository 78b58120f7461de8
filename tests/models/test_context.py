"""Tests of what a session knows besides the database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from onegov_auth.clock import utcnow
from onegov_auth.errors import MissingSecretKeyError
from onegov_auth.models import DEFAULT, User, clock_of, entities_of, keys_of, maybe_keys_of
from onegov_auth.models.context import CONTEXT, session_of


def test_a_session_without_context_has_the_defaults() -> None:
    """An application's own session works with the default classes, the system's clock and no keys."""
    session = Session()
    assert entities_of(session) is DEFAULT
    assert clock_of(session) is utcnow
    assert clock_of(None) is utcnow
    assert maybe_keys_of(session) is None


def test_a_session_has_what_its_context_says() -> None:
    """Entities, clock and keys are those of the application the session belongs to."""
    context = SimpleNamespace(entities="entities", clock="clock", keys="keys")
    session = Session(info={CONTEXT: context})
    found: tuple[object, ...] = (entities_of(session), clock_of(session), keys_of(session))
    assert found == ("entities", "clock", "keys")


def test_a_missing_key_is_an_error() -> None:
    """Whoever needs a key and has none is told which setting is missing."""
    with pytest.raises(MissingSecretKeyError, match="configure `secrets`"):
        keys_of(Session())


def test_an_object_outside_of_a_session_is_an_error() -> None:
    """What needs the database says so for an object that is in none."""
    with pytest.raises(ValueError, match="the User is in no session"):
        session_of(User(username="ann"))
