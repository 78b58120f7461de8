"""What waits to be sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from onegov_auth.database import Database
from onegov_auth.errors import DecryptionError
from onegov_auth.keys import Keys
from onegov_auth.mail.outbox import LEASE, SLOWEST_RETRY, Outbox, Taken
from onegov_auth.models import OutboxMessage
from onegov_auth.settings import Secret
from onegov_auth.testing.clock import FakeClock

Rows = Callable[[], list[OutboxMessage]]


@pytest.fixture(name="outbox")
def _outbox(database: Database, keys: Keys, clock: FakeClock) -> Outbox:
    return Outbox(database, keys, clock=clock, chance=lambda: 1.0)


def add(outbox: Outbox, database: Database, clock: FakeClock, channel: str = "mail", **body: Any) -> None:
    """Queue a message that is good for a day."""
    with database.unit() as db:
        outbox.add(db, channel, "reset", body, clock() + timedelta(days=1))


def take(outbox: Outbox, channel: str = "mail") -> Taken:
    """The next message, which has to be there."""
    taken = outbox.take(channel)
    assert taken is not None
    return taken


def test_what_is_queued_is_read(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """Texts, numbers, times and lists come back as they were."""
    body: dict[str, Any] = {
        "to": "ann@example.org",
        "n": 3,
        "at": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "list": ["a", None],
    }
    add(outbox, database, clock, **body)

    taken = take(outbox)
    assert outbox.read(taken) == body
    assert (taken.channel, taken.kind, taken.tries, taken.created) == ("mail", "reset", 1, clock())


def test_what_can_not_be_kept(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """A value that JSON has no form for is refused at once, by whoever queues it."""
    with pytest.raises(TypeError, match="object"):
        add(outbox, database, clock, value=object())


def test_a_rollback_takes_it_back(outbox: Outbox, database: Database, clock: FakeClock, rows: Rows) -> None:
    """What was not committed is not sent."""
    with pytest.raises(RuntimeError), database.unit() as db:
        outbox.add(db, "mail", "reset", {}, clock())
        raise RuntimeError

    assert rows() == []


@pytest.mark.sec("PWD-10", "ASVS-14.2.1")
def test_the_table_tells_nothing(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """Neither the address nor the link stands in the table, and another secret does not open it."""
    add(outbox, database, clock, to="ann@example.org", url="https://app.example.org/auth/reset?token=CANARY")

    with database.read() as db:
        raw = str(db.execute(text("SELECT * FROM outbox")).all())
    assert "ann@" not in raw
    assert "CANARY" not in raw
    stranger = Outbox(database, Keys([Secret("another secret of more than 32 characters")], "main/app"), clock=clock)
    with pytest.raises(DecryptionError):
        stranger.read(take(outbox))


def test_the_oldest_first(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """Messages leave in the order they came, each channel by itself."""
    for number in range(3):
        add(outbox, database, clock, n=number)
        clock.advance(1)
    add(outbox, database, clock, channel="sms", n=9)

    assert [outbox.read(take(outbox))["n"] for _ in range(3)] == [0, 1, 2]
    assert outbox.take("mail") is None
    assert outbox.read(take(outbox, "sms"))["n"] == 9


def test_who_takes_has_it_alone(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """A taken message is nobody else's, until sending it would have ended long ago: then it is tried again."""
    add(outbox, database, clock)
    taken = take(outbox)

    clock.advance(LEASE - timedelta(seconds=1))
    assert outbox.take("mail") is None
    clock.advance(1)
    again = take(outbox)
    assert (again.id, again.tries) == (taken.id, 2)


@pytest.mark.sec("LOG-06")
def test_many_at_once(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """Of ten messages, eight threads take each exactly once."""
    for number in range(10):
        add(outbox, database, clock, n=number)
    begin, got = threading.Barrier(8), []

    def work() -> None:
        begin.wait()
        while (taken := outbox.take("mail")) is not None:
            got.append(outbox.read(taken)["n"])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(10))


def test_done(outbox: Outbox, database: Database, clock: FakeClock, rows: Rows) -> None:
    """Of what was sent, nothing is kept."""
    add(outbox, database, clock)
    taken = take(outbox)
    with database.unit() as db:
        outbox.done(db, taken)

    assert rows() == []


@pytest.mark.parametrize(("chance", "pauses"), [(1.0, (30, 60, 120, 240)), (0.0, (15, 30, 60, 120))])
def test_retries_slow_down(
    database: Database, keys: Keys, clock: FakeClock, rows: Rows, chance: float, pauses: tuple[int, ...]
) -> None:
    """Each pause is twice as long as the one before, and chance takes up to half of it away."""
    outbox = Outbox(database, keys, clock=clock, chance=lambda: chance)
    add(outbox, database, clock)
    found = []
    for _ in pauses:
        taken = take(outbox)
        with database.unit() as db:
            outbox.postpone(db, taken, "timeout")
        (row,) = rows()
        found.append((row.due - clock()).total_seconds())
        clock.advance(row.due - clock())

    assert tuple(found) == pauses
    assert row.code == "timeout"


def test_retries_do_not_stop(outbox: Outbox, database: Database, clock: FakeClock, rows: Rows) -> None:
    """No pause is longer than the longest, however many there were."""
    add(outbox, database, clock)
    with database.unit() as db:
        db.execute(text("UPDATE outbox SET tries = 2000000"))
    taken = take(outbox)
    with database.unit() as db:
        outbox.postpone(db, taken, "timeout")

    assert rows()[0].due == clock() + SLOWEST_RETRY


def test_waiting(outbox: Outbox, database: Database, clock: FakeClock) -> None:
    """How many wait, and until when there is nothing to do."""
    assert outbox.waiting() == (0, None)
    add(outbox, database, clock)
    add(outbox, database, clock)
    take(outbox)

    assert outbox.waiting() == (2, clock())


def test_cleanup(outbox: Outbox, database: Database, clock: FakeClock, rows: Rows) -> None:
    """What nobody sent in time is deleted, the rest stays."""
    add(outbox, database, clock)
    clock.advance(timedelta(hours=23))
    add(outbox, database, clock)
    clock.advance(timedelta(hours=1))
    with database.unit() as db:
        assert outbox.cleanup(db) == 1

    assert len(rows()) == 1
