from __future__ import annotations

import json
import logging
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.domain import Client, Step
from onegov_auth.events import Ending, Event, EventLog, ended, ending, neutral
from onegov_auth.models import AuthEvent
from onegov_auth.testing.clock import FakeClock

CLIENT = Client(address="192.0.2.7", user_agent="A Browser", request_id="r-7")


@pytest.fixture(name="events")
def _events(clock: FakeClock, database: Database) -> EventLog:
    return EventLog(database, clock=clock)


@pytest.mark.sec("LOG-01", "ASVS-16.2.1")
def test_an_event_is_stored_with_who_what_when_and_where(
    events: EventLog, database: Database, clock: FakeClock
) -> None:
    """A row has type, user, provider, factor, code, address, request id, time and steps."""
    user = uuid4()
    event = Event(
        type="login",
        client=CLIENT,
        code="no_role",
        user_id=user,
        username="ann",
        provider="staff",
        factor="totp",
        steps=(Step("bind", "ok"),),
    )
    with database.unit() as db:
        events.record(db, event)

    with database.read() as db:
        row = db.scalars(select(AuthEvent)).one()
    assert (row.type, row.code, row.user_id, row.username) == ("login", "no_role", user, "ann")
    assert (row.provider, row.factor, row.address, row.request_id) == ("staff", "totp", "192.0.2.7", "r-7")
    assert (row.created, row.steps) == (clock(), [["bind", "ok"]])


def test_the_row_goes_with_its_transaction(events: EventLog, database: Database) -> None:
    """An event of something that was rolled back is not told."""
    with pytest.raises(RuntimeError), database.unit() as db:
        events.record(db, Event(type="login", client=CLIENT))
        raise RuntimeError

    with database.read() as db:
        assert db.scalars(select(AuthEvent)).all() == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("ok", "Successful login by 192.0.2.7 (ann)"),
        ("wrong_password", "Failed login by 192.0.2.7 (ann)"),
        ("locked", "Failed login by 192.0.2.7 (ann)"),
    ],
)
def test_a_login_writes_the_line_that_fail2ban_rules_match(
    events: EventLog, caplog: pytest.LogCaptureFixture, code: str, line: str
) -> None:
    """The logger onegov_auth says who logged in from where, or failed to, in these very words."""
    with caplog.at_level(logging.INFO, "onegov_auth"):
        events.announce(Event(type="login", client=CLIENT, username="ann", code=code, failed=code != "ok"))

    assert line in [record.getMessage() for record in caplog.records if record.name == "onegov_auth"]


def test_what_nobody_failed_at_bans_nobody(events: EventLog, caplog: pytest.LogCaptureFixture) -> None:
    """A directory that is down writes no line of a failed login."""
    with caplog.at_level(logging.INFO, "onegov_auth"):
        events.announce(Event(type="login", client=CLIENT, username="ann", code="timeout"))

    assert [record.name for record in caplog.records] == ["onegov_auth.events"]


@pytest.mark.sec("ASVS-16.2.4", "ASVS-16.2.2")
def test_the_machine_reads_one_json_object_per_event(
    events: EventLog, caplog: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    """The line on onegov_auth.events is JSON, with the time in UTC."""
    with caplog.at_level(logging.INFO, "onegov_auth.events"):
        events.announce(Event(type="logout", client=CLIENT, username="ann", steps=(Step("a", "b"),)))

    line = json.loads(caplog.records[0].getMessage())
    assert line["type"] == "logout"
    assert line["steps"] == [["a", "b"]]
    assert line["time"] == clock().isoformat()
    assert line["time"].endswith("+00:00")


@pytest.mark.sec("LOG-03", "ASVS-16.4.1")
@pytest.mark.parametrize(
    "name",
    [
        "ann\nFailed login by 203.0.113.9 (root)",
        "ann\r\n\x1b[2J",
        "ann) Failed login by 203.0.113.9 (root",
        "ann\u202eevil",
        "ann\x00",
        "ann\u2028x",
        "ann\udc80",
    ],
    ids=["line feed", "escape sequence", "a second line in one", "right to left", "NUL", "separator", "surrogate"],
)
def test_a_username_cant_write_log_lines(events: EventLog, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """Control and format characters and brackets in a name are escaped in every line."""
    with caplog.at_level(logging.INFO, "onegov_auth"):
        events.announce(Event(type="login", client=CLIENT, username=name, code="unknown_user", failed=True))

    line = next(record.getMessage() for record in caplog.records if record.name == "onegov_auth")
    assert line.startswith("Failed login by 192.0.2.7 (ann\\")
    assert line.isprintable()
    assert line.count("(") == line.count(")") == 1


def test_neutral_text_is_short_and_keeps_ordinary_letters() -> None:
    """Letters of any script stay; what is longer than 256 characters is cut."""
    assert neutral("Zoë Müller 李") == "Zoë Müller 李"
    assert len(neutral("x" * 1_000_000)) == 256


def test_cleanup_deletes_old_events_only(events: EventLog, database: Database, clock: FakeClock) -> None:
    """Retention deletes what is older than asked for."""
    with database.unit() as db:
        events.record(db, Event(type="login", client=CLIENT, code="old"))
    clock.advance(timedelta(days=31))
    with database.unit() as db:
        events.record(db, Event(type="login", client=CLIENT, code="new"))

    with database.unit() as db:
        assert events.cleanup(db, timedelta(days=30)) == 1
    with database.read() as db:
        assert [row.code for row in db.scalars(select(AuthEvent))] == ["new"]


def test_the_table_and_the_program_agree_on_what_was_refused(events: EventLog, database: Database) -> None:
    """Every event has one ending, and is found by it."""
    told: dict[tuple[str, str | None], Ending] = {
        ("login", "ok"): Ending.GOOD,
        ("login", "wrong_password"): Ending.REFUSED,
        ("login", "factor_required"): Ending.OPEN,
        ("login", "step"): Ending.OPEN,
        ("factor", "factor_required"): Ending.REFUSED,
        ("api_token_created", "empty_scope"): Ending.REFUSED,
        ("deactivated", "deactivated"): Ending.GOOD,
        ("session_ended", "invalid_grant"): Ending.GOOD,
        ("session_ended", "not_allowed"): Ending.REFUSED,
        ("sync", "deactivated"): Ending.GOOD,
        ("sync", "max_drop"): Ending.REFUSED,
    }
    with database.unit() as db:
        events.record_all(db, [Event(type=type_, code=code or "ok", client=CLIENT) for type_, code in told])
        db.add(AuthEvent(type="logout", code=None))
    told["logout", None] = Ending.GOOD

    assert {pair: ending(*pair) for pair in told} == told
    with database.read() as db:
        found = {
            (row.type, row.code): how
            for how in Ending
            for row in db.scalars(select(AuthEvent).where(ended(AuthEvent, how)))
        }
        assert db.query(AuthEvent).count() == len(found)
    assert found == told
