"""
What happened, who did it and why: rows in ``auth_events`` and lines in the log.

Three forms of one event: a row for people who search, a JSON line on the logger
``onegov_auth.events`` for machines (ASVS 16.2), and for logins the line fail2ban rules are written
for, on the logger ``onegov_auth``. No form ever holds a password, a code or a token.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, not_, or_

from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Step
from onegov_auth.models import DEFAULT
from onegov_auth.statements import Prepared

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.models import Entities

__all__ = ["KEEP", "Ending", "Event", "EventLog", "ended", "ending", "neutral"]

log = logging.getLogger("onegov_auth")
json_log = logging.getLogger("onegov_auth.events")

#: How long events are kept by ``onegov-auth cleanup`` unless told otherwise.
KEEP = timedelta(days=365)

#: Longer names are cut; nobody's real name or address needs more in a log.
MAX_TEXT = 256

#: The codes of a login that goes on once something else was done.
_WAITING = frozenset({"prove", "factor_required", "enrolment_required", "step"})

#: Types whose code says what was done, or why; with the codes by which nothing was.
_NOT_DONE = {
    "session_ended": frozenset({"not_allowed", "unknown_session", "unknown_user"}),
    "sync": frozenset({"running", "unavailable", "empty", "max_drop", "lost"}),
}


class Ending(StrEnum):
    """How an event ended, as far as its type and code tell."""

    #: What its type says was done.
    GOOD = "good"
    #: It was not done.
    REFUSED = "refused"
    #: It was begun: something else has to be done first.
    OPEN = "open"


def ending(type_: str, code: str | None) -> Ending:
    """How an event of that type and code ended."""
    if code in {None, "ok", type_}:
        return Ending.GOOD
    if type_ in _NOT_DONE:
        return Ending.REFUSED if code in _NOT_DONE[type_] else Ending.GOOD
    return Ending.OPEN if type_ == "login" and code in _WAITING else Ending.REFUSED


def ended(rows: Any, how: Ending) -> ColumnElement[bool]:
    """The condition for the *rows* (the mapped class of events) of which :func:`ending` says *how*."""
    waiting = and_(rows.type == "login", rows.code.in_(sorted(_WAITING)))
    told = [and_(rows.type == type_, rows.code.not_in(sorted(codes))) for type_, codes in _NOT_DONE.items()]
    good = or_(rows.code.is_(None), rows.code == "ok", rows.code == rows.type, *told)
    if how is Ending.OPEN:
        return waiting
    return good if how is Ending.GOOD else and_(rows.code.is_not(None), not_(good), not_(waiting))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    Something that happened to somebody's way in.

    Attributes:
        type: What, such as ``"login"``, ``"logout"``, ``"deactivated"``.
        client: From where.
        code: The outcome; ``"ok"`` or a refusal's code.
        user_id: Whom it is about, if that is a user.
        username: The name as typed, or the user's own.
        provider: The provider that was asked.
        factor: The second factor that was used.
        steps: What was decided on the way.
        failed: Whether somebody was refused; not so when nobody could be asked, or a step is missing.
    """

    type: str
    client: Client
    code: str = "ok"
    user_id: UUID | None = None
    username: str | None = None
    provider: str | None = None
    factor: str | None = None
    steps: Sequence[Step] = ()
    failed: bool = False


class EventLog:
    """
    Writes events.

    Args:
        database: Where they are kept.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(self, database: Database, *, clock: Clock = utcnow, entities: Entities = DEFAULT) -> None:
        self._clock = clock
        self._rows: Any = entities.event
        table: Any = self._rows.__table__
        columns = [column.key for column in table.c if column.key != "id"]
        self._insert = Prepared(database.engine.dialect, insert(table), columns)

    def record(self, db: Session, event: Event) -> None:
        """
        Write the row in the unit of work *db*.

        It is committed together with what it tells of. Call :meth:`announce` after the commit, so that
        no line tells of something that was rolled back.
        """
        self._insert.later(db, **self._row(event))

    def record_all(self, db: Session, events: Sequence[Event]) -> None:
        """As :meth:`record`, for many at once."""
        if events:
            db.execute(insert(self._rows.__table__), [self._row(event) for event in events])

    def announce(self, event: Event) -> None:
        """Write the log lines of an event that was committed."""
        if json_log.isEnabledFor(logging.INFO):
            json_log.info("%s", json.dumps(self._line(event), ensure_ascii=True))
        if event.type == "login":
            address, name = neutral(event.client.address), neutral(event.username or "")
            if event.code == "ok":
                log.info("Successful login by %s (%s)", address, name)
            elif event.failed:
                log.warning("Failed login by %s (%s)", address, name)

    def cleanup(self, db: Session, keep: timedelta = KEEP) -> int:
        """Delete events older than *keep*; returns how many."""
        result = db.execute(delete(self._rows).where(self._rows.created < self._clock() - keep))
        return int(getattr(result, "rowcount", 0))

    def _row(self, event: Event) -> dict[str, Any]:
        client = event.client
        return {
            "type": event.type,
            "user_id": event.user_id,
            "username": _text(event.username),
            "provider": _text(event.provider),
            "factor": event.factor,
            "code": event.code,
            "address": _text(client.address),
            "request_id": _text(client.request_id),
            "user_agent": _text(client.user_agent),
            "created": self._clock(),
            "steps": _steps(event.steps),
        }

    def _line(self, event: Event) -> dict[str, object]:
        values = {
            "time": self._clock().isoformat(),
            "type": event.type,
            "code": event.code,
            "user": None if event.user_id is None else str(event.user_id),
            "username": _text(event.username),
            "provider": _text(event.provider),
            "factor": event.factor,
            "address": _text(event.client.address),
            "request": _text(event.client.request_id),
            "steps": _steps(event.steps),
        }
        return {key: value for key, value in values.items() if value is not None}


#: What may need an escape; looking at each character of a text costs more than all else.
_DOUBTFUL = re.compile(r"[^ !-'*-\[\]-~]", re.ASCII)


def neutral(text: str) -> str:
    """
    *text* as it may stand in a log line.

    Control, format and surrogate characters and line separators become escapes (ASVS 16.4.1), and so
    do brackets: a username can't complete a line and begin another one that bans somebody else.
    """
    return _DOUBTFUL.sub(_escape, text[:MAX_TEXT])


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in "()\\" or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        point = ord(character)
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
    return character


def _text(text: str | None) -> str | None:
    return None if text is None else neutral(text)


def _steps(steps: Sequence[Step]) -> list[list[str]]:
    return [[neutral(step.name), neutral(step.detail)] for step in steps]
