"""That what works once is used once, and whose factor is whose."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.factors import Enrolment, Used
from onegov_auth.models import User, UserFactor
from onegov_auth.outcomes import Refused


@pytest.fixture(name="row")
def _row(ann: User, database: Database) -> UserFactor:
    with database.read() as db:
        return db.scalars(select(UserFactor)).one()


def _use(auth: Auth, used: Used) -> str:
    refused = auth.database.once(lambda db: auth.factor_store.use(db, used))
    return "ok" if refused is None else refused.code


@pytest.mark.sec("OTP-02", "OTP-12")
def test_a_counter_only_grows(auth: Auth, row: UserFactor) -> None:
    """The same one, an earlier one, and one of a factor that is gone are refused."""
    uses = [Used(row.id, counter=5), Used(row.id, counter=5), Used(row.id, counter=4), Used(row.id, counter=6)]

    assert [_use(auth, used) for used in uses] == ["ok", "code_used", "code_used", "ok"]
    assert _use(auth, Used(uuid4(), counter=9)) == "code_used"


@pytest.mark.sec("RECOV-03", "NIST-19")
def test_a_mark_is_set_once(auth: Auth, row: UserFactor) -> None:
    """Each is told apart from the others, whatever letters it has; nothing of it is stored in clear."""
    marks = ["a", "a", "%", "_", "%", "a%", "\ud800"]

    assert [_use(auth, Used(row.id, once=mark)) for mark in marks] == [
        "ok",
        "code_used",
        "ok",
        "ok",
        "code_used",
        "ok",
        "ok",
    ]


def test_data_that_changes(auth: Auth, row: UserFactor, database: Database) -> None:
    """It is merged into what is there, and when it was used is written; not so of what is refused."""
    assert _use(auth, Used(row.id, counter=1, refused="clock_off")) == "ok"
    with database.read() as db:
        assert db.scalars(select(UserFactor)).one().last_used is None
    assert _use(auth, Used(row.id, counter=2, data={"a": 1})) == "ok"
    assert _use(auth, Used(row.id, counter=3, data={"b": 2})) == "ok"
    with database.read() as db:
        stored = db.scalars(select(UserFactor)).one()
        assert (stored.data, stored.last_used) == ({"a": 1, "b": 2}, auth.clock())


@pytest.mark.sec("YUBI-05", "WAN-12")
def test_a_key_is_one_users(auth: Auth, ann: User, add: Callable[..., User], database: Database) -> None:
    """Nobody can set up what somebody has already."""
    eve = add("eve@example.org")
    factor = auth.factors["totp"]
    with database.unit() as db:
        first = auth.factor_store.add(db, db.get_one(User, ann.id), factor, Enrolment(key="k"), "a\x00name")
        second = auth.factor_store.add(db, db.get_one(User, eve.id), factor, Enrolment(key="k"), None)
        found = auth.factor_store.find(db, "totp", "k")

    assert isinstance(first, UserFactor)
    assert (first.name, found) == ("aname", first)
    assert second == Refused("factor_taken")


def test_somebody_who_is_gone(auth: Auth, database: Database) -> None:
    """There is no state that a trusted browser could hang on, and no factor."""
    with database.read() as db:
        assert auth.factor_store.state(db, uuid4()) is None
        assert auth.factor_store.own(db, uuid4(), "nonsense") is None
