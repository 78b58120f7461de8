"""What the tests of the mail room share: a mailer without a thread, and what it left in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.models import AuthEvent, OutboxMessage
from onegov_auth.settings import Settings
from onegov_auth.testing.clock import FakeClock

URL = "https://app.example.org/auth/account"


@pytest.fixture(name="keys")
def _keys(make_settings: Callable[..., Settings]) -> Keys:
    settings = make_settings()
    return Keys(settings.secrets, settings.application)


@pytest.fixture(name="make_mailer")
def _make_mailer(
    database: Database, clock: FakeClock, make_settings: Callable[..., Settings], tmp_path: Any
) -> Iterator[Callable[..., Mailer]]:
    made: list[Mailer] = []

    def make(url: str | None = None, **options: Any) -> Mailer:
        changes = options.pop("settings", {})
        mail = {"url": url or f"maildir:{tmp_path}/mail", "sender": "Example <auth@example.org>"}
        settings = make_settings(**{"mail": mail, "title": "Govikon", **changes})
        keys = Keys(settings.secrets, settings.application)
        mailer = Mailer(settings, database, keys, clock=clock, chance=lambda: 1.0, **options)
        made.append(mailer)
        return mailer

    yield make
    for mailer in made:
        mailer.close()


@pytest.fixture(name="queue")
def _queue(database: Database) -> Callable[..., None]:
    """``queue(mailer, "bob@example.org")`` queues a mail, in a unit of work of its own."""

    def queue(mailer: Mailer, to: str = "ann@example.org", kind: str = "new_device", **values: Any) -> None:
        with database.unit() as db:
            mailer.queue(db, kind, to, {"url": URL, **values}, "en")

    return queue


@pytest.fixture(name="rows")
def _rows(database: Database) -> Callable[[], list[OutboxMessage]]:
    def rows() -> list[OutboxMessage]:
        with database.read() as db:
            return list(db.scalars(select(OutboxMessage).order_by(OutboxMessage.created, OutboxMessage.id)))

    return rows


@pytest.fixture(name="events")
def _events(database: Database) -> Callable[[], list[tuple[str, str | None]]]:
    def events() -> list[tuple[str, str | None]]:
        with database.read() as db:
            return [(row.type, row.code) for row in db.scalars(select(AuthEvent).order_by(AuthEvent.id))]

    return events


@pytest.fixture(name="in_an_hour")
def _in_an_hour(clock: FakeClock) -> Any:
    return clock() + timedelta(hours=1)
