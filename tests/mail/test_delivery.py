"""Sending what waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from onegov_auth.database import Database
from onegov_auth.mail import Delivered, Mailer, SMSSender, Spool, Transport
from onegov_auth.mail.transports import Send
from onegov_auth.models import OutboxMessage
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import Smtp

Queue = Callable[..., None]
MakeMailer = Callable[..., Mailer]
Rows = Callable[[], list[OutboxMessage]]


def receivers(smtp: Smtp) -> list[str]:
    """Who got something, in the order it came."""
    return [str(message["X-Envelope-To"]) for message in smtp.messages]


def test_what_waits_is_sent(make_mailer: MakeMailer, queue: Queue, smtp: Smtp, rows: Rows) -> None:
    """Everything that is due leaves over one connection, in order, and nothing is left."""
    mailer = make_mailer(smtp.url)
    for name in ("ann", "bob", "eve"):
        queue(mailer, f"{name}@example.org")

    assert mailer.deliver() == Delivered(sent=3)
    assert receivers(smtp) == ["ann@example.org", "bob@example.org", "eve@example.org"]
    assert smtp.messages[0]["Subject"] == "New login at Govikon"
    assert rows() == []
    assert mailer.deliver() == Delivered()


def test_a_server_that_was_down(
    make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock, events: Callable[[], list[Any]]
) -> None:
    """While the server is down nothing is lost and nothing is given up; when it is back, everything arrives."""
    mailer = make_mailer(smtp.url)
    smtp.stop()
    queue(mailer, "ann@example.org")
    queue(mailer, "bob@example.org")

    assert mailer.deliver() == Delivered(waiting=2)
    clock.advance(60)
    assert mailer.deliver() == Delivered(waiting=2)
    smtp.start()
    clock.advance(timedelta(hours=1))
    assert mailer.deliver() == Delivered(sent=2)
    assert sorted(receivers(smtp)) == ["ann@example.org", "bob@example.org"]
    assert events() == []


def test_others_are_not_held_up(
    make_mailer: MakeMailer, queue: Queue, smtp: Smtp, events: Callable[[], list[Any]], rows: Rows
) -> None:
    """A mail to nobody is given up and noted, one that is refused for now waits, and the others arrive."""
    mailer = make_mailer(smtp.url)
    for name in ("nobody", "ann", "later", "denied", "bob"):
        queue(mailer, f"{name}@example.org")

    assert mailer.deliver() == Delivered(sent=2, failed=1, waiting=2)
    assert receivers(smtp) == ["ann@example.org", "bob@example.org"]
    assert events() == [("mail_failed", "recipient")]
    assert [row.code for row in rows()] == ["recipient", "recipient"]


def test_days_without_a_server(
    make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock, events: Callable[[], list[Any]]
) -> None:
    """After five days a mail is given up, and the event says why and how often it was tried."""
    mailer = make_mailer(smtp.url)
    smtp.stop()
    queue(mailer)
    tries = 0
    while mailer.deliver().waiting:
        clock.advance(timedelta(hours=12))
        tries += 1

    assert tries == 10
    assert events() == [("mail_failed", "unreachable")]


def test_links_that_ran_out(make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock) -> None:
    """A mail whose link works no longer is not sent any more."""
    mailer = make_mailer(smtp.url)
    queue(mailer, kind="reset", until=clock() + timedelta(hours=1))
    clock.advance(timedelta(hours=1))

    assert mailer.deliver() == Delivered(failed=1)
    assert smtp.messages == []


def test_the_last_try(
    make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock, events: Callable[[], list[Any]]
) -> None:
    """A mail whose time runs out while it is tried is given up with the reason of that try."""

    class Slow(Transport):
        def connected(self) -> AbstractContextManager[Send]:
            clock.advance(timedelta(minutes=1))
            return transport.connected()

    smtp.stop()
    transport = make_mailer(smtp.url)._way_out()
    mailer = make_mailer(transport=Slow())
    queue(mailer, kind="reset", until=clock() + timedelta(seconds=30))

    assert mailer.deliver() == Delivered(failed=1)
    assert events() == [("mail_failed", "unreachable")]


@pytest.mark.sec("LOG-06")
def test_a_crash_between(make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock) -> None:
    """Who dies before noting that a mail was sent has it sent again, with the same Message-ID."""

    class Dying(Transport):
        @contextmanager
        def connected(self) -> Any:
            with transport.connected() as send:

                def dies(message: EmailMessage) -> None:
                    send(message)
                    raise KeyboardInterrupt

                yield dies

    transport = make_mailer(smtp.url)._way_out()
    queue(make_mailer())
    with pytest.raises(KeyboardInterrupt):
        make_mailer(transport=Dying()).deliver()

    assert make_mailer(smtp.url).deliver() == Delivered(waiting=1)
    clock.advance(timedelta(minutes=5))
    assert make_mailer(smtp.url).deliver() == Delivered(sent=1)
    assert len({message["Message-ID"] for message in smtp.messages}) == 1
    assert len(smtp.messages) == 2


def test_a_secret_that_is_gone(
    make_mailer: MakeMailer, queue: Queue, smtp: Smtp, events: Callable[[], list[Any]]
) -> None:
    """What can't be read any more is given up; an older secret in the settings still opens it."""
    old, new = "a secret for tests only, of more than 32 characters", "another secret, of more than 32 characters too"
    queue(make_mailer(smtp.url))
    assert make_mailer(smtp.url, settings={"secrets": [new, old]}).deliver() == Delivered(sent=1)

    queue(make_mailer(smtp.url))
    assert make_mailer(smtp.url, settings={"secrets": [new]}).deliver() == Delivered(failed=1)
    assert events() == [("mail_failed", "key")]


def test_a_template_that_does_not_work(
    make_mailer: MakeMailer,
    queue: Queue,
    smtp: Smtp,
    clock: FakeClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A mail whose template is broken waits until somebody puts it right, and the log says where it is broken."""
    template = tmp_path / "mail" / "new_device.jinja2"
    template.parent.mkdir()
    template.write_text("{{ nothing.at.all }}{% block subject %}x{% endblock %}")
    mailer = make_mailer(smtp.url, directories=[tmp_path])
    queue(mailer)
    queue(mailer, "bob@example.org", kind="reset")

    assert mailer.deliver() == Delivered(sent=1, waiting=1)
    assert "The template of the mail new_device does not work" in caplog.messages
    template.write_text("fine{% block subject %}x{% endblock %}")
    clock.advance(timedelta(hours=1))
    assert make_mailer(smtp.url, directories=[tmp_path]).deliver() == Delivered(sent=1)


@pytest.mark.sec("LOG-02", "ASVS-16.2.5")
def test_the_log_tells_no_secret(
    make_mailer: MakeMailer,
    queue: Queue,
    smtp: Smtp,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    database: Database,
) -> None:
    """Neither the log nor the event has the link, the address or a word of the mail."""
    caplog.set_level(logging.DEBUG)
    mailer = make_mailer(smtp.url)
    link = "https://app.example.org/auth/reset-password?token=CANARY"
    for name in ("nobody", "later"):
        queue(mailer, f"{name}@example.org", kind="reset", url=link)
    mailer.deliver()

    with database.read() as db:
        told = f"{caplog.text}{db.execute(text('SELECT * FROM auth_events')).all()}"
    assert "is given up: recipient" in told
    assert "is tried again later: recipient" in told
    assert not [word for word in ("CANARY", "nobody@", "later@") if word in told]


def test_text_messages(make_mailer: MakeMailer, database: Database, tmp_path: Path, clock: FakeClock) -> None:
    """Text messages wait beside the mails, and leave by a way of their own until their time is over."""
    mailer = make_mailer(sms=Spool(tmp_path / "sms", "Govikon"))
    with database.unit() as db:
        mailer.queue_sms(db, "tan", "+41791234567", "K7QX2M is your code", timedelta(minutes=10))
    assert mailer.deliver() == Delivered(sent=1)

    (file,) = (tmp_path / "sms").iterdir()
    assert "K7QX2M is your code" in file.read_text()
    with database.unit() as db:
        mailer.queue_sms(db, "tan", "+41791234567", "Too late", timedelta(minutes=10))
    clock.advance(600)
    assert mailer.deliver() == Delivered(failed=1)
    assert len(list((tmp_path / "sms").iterdir())) == 1


@pytest.mark.sec("SMS-06")
def test_a_gateway_that_is_down(make_mailer: MakeMailer, database: Database, tmp_path: Path, clock: FakeClock) -> None:
    """A text message is tried again as long as its code works, and mails are not held up by it."""
    (tmp_path / "sms").write_text("no folder")
    sender: SMSSender = Spool(tmp_path / "sms", "Govikon")
    mailer = make_mailer(sms=sender)
    with database.unit() as db:
        mailer.queue_sms(db, "tan", "+41791234567", "K7QX2M", timedelta(minutes=10))
        mailer.queue(db, "reset", "ann@example.org", {"url": "https://app.example.org/x"})

    assert mailer.deliver() == Delivered(sent=1, waiting=1)
    (tmp_path / "sms").unlink()
    clock.advance(60)
    assert mailer.deliver() == Delivered(sent=1)
