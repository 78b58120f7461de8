"""What all self-service has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Step
from onegov_auth.models import OutboxMessage, User
from onegov_auth.outcomes import Done, Refused
from onegov_auth.self_service.mailing import told


@pytest.mark.sec("ASVS-2.3.3", "ASVS-16.2.1")
def test_a_refusal_leaves_nothing_but_its_event(
    make_auth: Callable[..., Auth], add: Callable[..., User], client: Client, database: Database, mails: Any
) -> None:
    """What was begun is rolled back, mails included, and the event and the attempt say why."""
    add("ann@example.org")
    auth = make_auth()
    event = auth.event("something", client, "ann@example.org")

    def work(db: Any) -> tuple[Done | Refused, Any]:
        user = auth.named(db, "Ann@example.org")[0]
        user.realname = "changed"
        auth.notices.tell(db, user, "password_changed", client)
        return Refused("no", (Step("why", "because"),)), auth.event("something", client, user=user)

    assert auth.do(event, work) == Refused("no", (Step("why", "because"),))
    assert mails(auth) == []
    with database.read() as db:
        assert db.scalars(select(User.realname)).one() is None
        (row,) = auth.activity(db, db.scalars(select(User.id)).one())
        assert (row.type, row.code, [list(step) for step in row.steps]) == ("something", "no", [["why", "because"]])


def test_nobody_has_a_name_that_is_none(make_auth: Callable[..., Auth], database: Database) -> None:
    """What can't be a name is nobody's."""
    auth = make_auth()
    with database.unit() as db:
        assert auth.named(db, "\x00") == []
        assert auth.locked(db, "nonsense") is None


@pytest.mark.sec("ENUM-04")
def test_nothing_is_sent_to_nobody(
    make_auth: Callable[..., Auth], client: Client, database: Database, mails: Any
) -> None:
    """The work of a mail leaves none behind."""
    auth = make_auth()
    with database.unit() as db:
        auth.send_nothing(db, "reset", client)
    assert mails(auth) == []
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_steps_are_put_into_an_event(make_auth: Callable[..., Auth], client: Client) -> None:
    """With the code; everything else stays."""
    event = make_auth().event("something", client, "ann")
    more = told(event, Step("a", "b"), code="c")
    assert (more.type, more.username, more.steps, more.code) == ("something", "ann", (Step("a", "b"),), "c")
