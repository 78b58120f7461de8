"""Queueing, and who sends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.errors import RegistryError
from onegov_auth.mail import Delivered, Mailer, Spool
from onegov_auth.mail.mailer import GIVE_UP
from onegov_auth.models import OutboxMessage
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import Smtp

MakeMailer = Callable[..., Mailer]
Queue = Callable[..., None]
Rows = Callable[[], list[OutboxMessage]]


def test_a_rollback_sends_nothing(make_mailer: MakeMailer, database: Database, smtp: Smtp) -> None:
    """A mail about something that was taken back is not sent."""
    mailer = make_mailer(smtp.url)
    with pytest.raises(RuntimeError), database.unit() as db:
        mailer.queue(db, "reset", "ann@example.org", {"url": "https://app.example.org/x"})
        raise RuntimeError

    assert mailer.deliver() == Delivered()


@pytest.mark.sec("ENUM-04", "LOG-06")
def test_wake(make_mailer: MakeMailer, queue: Queue, smtp: Smtp) -> None:
    """A thread sends what was committed; what comes later is sent by the same thread."""
    mailer = make_mailer(smtp.url)
    queue(mailer, "ann@example.org")
    mailer.wake()
    assert smtp.wait_for(1)[0]["To"] == "ann@example.org"
    queue(mailer, "bob@example.org")
    mailer.wake()

    assert smtp.wait_for(2)[1]["To"] == "bob@example.org"


def test_the_thread_comes_back(make_mailer: MakeMailer, queue: Queue, smtp: Smtp, clock: FakeClock, rows: Rows) -> None:
    """What could not be sent is sent by the thread when its time has come and the server is back."""
    mailer = make_mailer(smtp.url)
    smtp.stop()
    queue(mailer)
    assert mailer.deliver() == Delivered(waiting=1)
    assert mailer._work() == rows()[0].due - clock()
    smtp.start()
    clock.advance(timedelta(hours=1))
    mailer.wake()

    assert smtp.wait_for(1)


@pytest.mark.sec("LOG-06")
def test_many_deliver_at_once(make_mailer: MakeMailer, queue: Queue, smtp: Smtp) -> None:
    """Of six mailers that deliver at the same time, each mail is sent by one."""
    mailers = [make_mailer(smtp.url) for _ in range(6)]
    for number in range(12):
        queue(mailers[0], f"user{number}@example.org")
    begin = threading.Barrier(len(mailers))

    def work(mailer: Mailer) -> None:
        begin.wait()
        mailer.deliver()

    threads = [threading.Thread(target=work, args=[mailer]) for mailer in mailers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message["To"] for message in smtp.messages) == sorted(f"user{n}@example.org" for n in range(12))


def test_progress(make_mailer: MakeMailer, queue: Queue) -> None:
    """Whoever waits for a long delivery is told of each message."""
    mailer, told = make_mailer(), []
    queue(mailer)
    queue(mailer)

    assert mailer.waiting == 2
    mailer.deliver(lambda: told.append(1))
    assert (len(told), mailer.waiting) == (2, 0)


def test_language(make_mailer: MakeMailer, database: Database, smtp: Smtp) -> None:
    """A mail is in the receiver's language, or else in that of the settings."""
    mailer = make_mailer(smtp.url, settings={"language": "de"})
    with database.unit() as db:
        for language in ("fr", None):
            mailer.queue(db, "reset", "ann@example.org", {"url": "https://app.example.org/x"}, language)
    mailer.deliver()

    bodies = [message.get_body(("html",)) for message in smtp.messages]
    assert {str(body.get_content())[22:31] for body in bodies if body} == {'lang="fr"', 'lang="de"'}


@pytest.mark.sec("HOST-01", "HOST-06", "ASVS-1.3.11")
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "gone"}, "there is no template mail/gone"),
        ({"kind": "../x"}, "there is no template"),
        ({"to": "ann@example.org\r\nBcc: eve@example.org"}, "is not an e-mail address"),
        ({"to": "ann"}, "is not an e-mail address"),
        ({"url": "https://evil.example/reset"}, "must begin with base_url"),
        ({"url": "https://app.example.org.evil.example/"}, "must begin with base_url"),
        ({"url": "https://app.example.org@evil.example/"}, "must begin with base_url"),
        ({"url": "javascript:alert(1)"}, "must begin with base_url"),
    ],
)
def test_what_is_not_queued(make_mailer: MakeMailer, queue: Queue, rows: Rows, change: Any, fault: str) -> None:
    """An unknown kind, another receiver than one address, and a link to elsewhere are refused at once."""
    with pytest.raises(ValueError, match=fault):
        queue(make_mailer(), **change)

    assert rows() == []


def test_when_it_is_given_up(make_mailer: MakeMailer, queue: Queue, clock: FakeClock, rows: Rows) -> None:
    """A mail is given up when its link runs out, and after five days in any case."""
    mailer = make_mailer()
    queue(mailer)
    queue(mailer, until=clock() + timedelta(hours=1))
    queue(mailer, until=clock() + timedelta(days=30))

    assert sorted(row.expires - clock() for row in rows()) == [timedelta(hours=1), GIVE_UP, GIVE_UP]


def test_cleanup(make_mailer: MakeMailer, queue: Queue, database: Database, clock: FakeClock) -> None:
    """What nobody sent in time is deleted."""
    mailer = make_mailer()
    queue(mailer)
    clock.advance(GIVE_UP)
    with database.unit() as db:
        assert mailer.cleanup(db) == 1

    assert mailer.deliver() == Delivered()


@pytest.mark.sec("SMS-05")
def test_text_messages_that_are_not_queued(make_mailer: MakeMailer, database: Database, tmp_path: Path) -> None:
    """Without a sender, to what is no number, and too long, no text message is queued."""
    minute = timedelta(minutes=1)
    with database.unit() as db:
        with pytest.raises(ValueError, match="sms: is not configured"):
            make_mailer().queue_sms(db, "tan", "+41791234567", "x", minute)
        mailer = make_mailer(sms=Spool(tmp_path, ""))
        with pytest.raises(ValueError, match=r"E\.164"):
            mailer.queue_sms(db, "tan", "079 123 45 67", "x", minute)
        with pytest.raises(ValueError, match="at most 1530 characters"):
            mailer.queue_sms(db, "tan", "+41791234567", "x" * 1531, minute)


def test_the_sender_of_the_settings(make_mailer: MakeMailer, tmp_path: Path) -> None:
    """``sms.url`` names the sender; one that isn't installed stops the start."""
    sender = make_mailer(settings={"sms": {"url": f"spool:{tmp_path}"}}).sms

    assert isinstance(sender, Spool)
    with pytest.raises(RegistryError, match="pigeon"):
        make_mailer(settings={"sms": {"url": "pigeon:x"}})
