"""Tests of transactions as rows."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import LoginTransaction, User
from onegov_auth.testing.clock import FakeClock


def transaction(clock: FakeClock, **values: object) -> LoginTransaction:
    """A transaction with what is obligatory."""
    required = {
        "id_hash": "0" * 64,
        "kind": "redirect",
        "browser_hash": "1" * 64,
        "created": clock(),
        "expires": clock(),
    }
    return LoginTransaction(**{**required, **values})


def test_a_transaction_needs_no_user(session: Session, clock: FakeClock) -> None:
    """Who somebody is may be open until the end."""
    session.add(transaction(clock))
    session.commit()
    row = session.scalars(select(LoginTransaction)).one()
    assert (row.user_id, row.provider, row.to, row.data) == (None, None, "/", {})


def test_a_transaction_goes_with_its_user(session: Session, user: User, clock: FakeClock) -> None:
    """What a deleted user had begun can't be finished."""
    session.add(transaction(clock, user_id=user.id))
    session.commit()
    session.delete(user)
    session.commit()
    assert session.scalars(select(LoginTransaction)).all() == []


def test_an_id_is_used_once(session: Session, clock: FakeClock) -> None:
    """Two transactions never have the same id."""
    session.add(transaction(clock))
    session.commit()
    session.expunge_all()
    session.add(transaction(clock))
    with pytest.raises(IntegrityError):
        session.flush()
