"""
A run: read everything first, look whether it can be true, then write.

A run that is killed leaves no half of a person, because each batch is one transaction, and is made whole by the next
run: what was written is found unchanged, and who is missing was missing in both.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from onegov_auth.accounts.roles import match_grants
from onegov_auth.accounts.rules import NO_ROLE, usable_id
from onegov_auth.accounts.sync.lease import Lease
from onegov_auth.accounts.sync.missing import Missing
from onegov_auth.accounts.sync.people import People
from onegov_auth.accounts.sync.report import Finding, Progress, Report, State, Tell
from onegov_auth.accounts.sync.stage import Gone, Stage, Told
from onegov_auth.clock import Clock, utcnow
from onegov_auth.domain import Client, Step
from onegov_auth.errors import DirectoryUnavailableError, SyncLostError
from onegov_auth.events import Event, EventLog
from onegov_auth.models import DEFAULT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.accounts.resolve import Accounts
    from onegov_auth.database import Database
    from onegov_auth.domain import VerifiedIdentity
    from onegov_auth.models import Entities
    from onegov_auth.providers import Directory, ProviderSettings

__all__ = ["BATCH", "Sync"]

T = TypeVar("T")

#: People in one transaction: on SQLite, a login waits for no more.
BATCH = 500

#: Who does it, where nobody says.
NOBODY = Client(address="sync")

#: What is done with a batch, and the way to do it: in a transaction of its own, or in one that is rolled back.
Work: TypeAlias = "Callable[[Session], list[Finding]]"
Writer: TypeAlias = "Callable[[Work], list[Finding]]"


@dataclass(frozen=True, slots=True)
class _Told:
    """Who is told what."""

    finding: Tell
    progress: Progress


class Sync:
    """
    Brings the users up to what a directory says.

    Args:
        database: Where the users are.
        accounts: The rules of a login, and the application's hooks.
        events: Where it is recorded.
        source: The provider's name.
        directory: The provider.
        settings: Its block of the configuration.
        clock: The time.
        entities: The mapped classes.
    """

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        database: Database,
        accounts: Accounts,
        events: EventLog,
        *,
        source: str,
        directory: Directory,
        settings: ProviderSettings,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._events = events
        self._source = source
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._entities = entities

    def run(
        self,
        *,
        dry_run: bool = False,
        force: bool = False,
        client: Client = NOBODY,
        tell: Tell = lambda _: None,
        progress: Progress = lambda *_: None,
    ) -> Report:
        """
        Read the directory, and write what is different.

        Args:
            dry_run: Write nothing: say what would become of everybody.
            force: Believe the directory also when it tells of nobody, or drops more than ``max_drop``.
            client: Who runs it, for events and hooks.
            tell: Is told of everybody who is not unchanged, once it is committed.
            progress: Is told how far it is.

        Returns:
            What was found. Unless its code is ``ok`` or ``lost``, nothing was changed.
        """
        report, told = Report(self._source, dry_run), _Told(tell, progress)
        if dry_run:
            self._rehearse(report, told, client, force=force)
            return report
        lease = Lease(self._database, self._entities, self._clock, self._source, secrets.token_hex(16))
        if not lease.take():
            report.code = "running"
            return report
        try:
            self._run(lease, report, told, client, force=force)
        finally:
            lease.release()
        self._record(report, client)
        return report

    def _run(self, lease: Lease, report: Report, told: _Told, client: Client, *, force: bool) -> None:
        try:
            with Stage(self._source) as stage:
                if self._believe(stage, report, told, lease.beat, force=force):
                    writer = partial(self._commit, lease, client)
                    self._write(stage, report, told, self._accounts, client, writer)
        except SyncLostError:
            report.code = "lost"

    def _rehearse(self, report: Report, told: _Told, client: Client, *, force: bool) -> None:
        accounts = copy(self._accounts)
        accounts.hooks = accounts.hooks.silent()
        with Stage(self._source) as stage, self._rehearsal() as writer:
            # Who is told that too many would be missing wants to see who.
            if self._believe(stage, report, told, lambda: None, force=force) or report.code == "max_drop":
                self._write(stage, report, told, accounts, client, writer)

    def _believe(self, stage: Stage, report: Report, told: _Told, beat: Callable[[], None], *, force: bool) -> bool:
        """Read everything; says whether it may be written, or notes in the report why not."""
        try:
            for batch in _batches(self._directory.people(), BATCH):
                stage.add([self._told_of(identity) for identity in batch])
                told.progress("read", stage.told, 0)
                beat()
        except DirectoryUnavailableError as error:
            report.code, report.detail = "unavailable", str(error)
            return False
        if not stage.told and not force:
            report.code = "empty"
            return False
        self._compare(stage, report)
        # Groups that can't be found any more shut people out like people who can't.
        dropped = report.gone + report.roleless + report.rightless
        if dropped > report.known * self._directory.sync_settings.largest_drop and not force:
            report.code = "max_drop"
        return report.ok

    def _told_of(self, identity: VerifiedIdentity) -> Told:
        mapped, code = self._mapped(identity)
        role = self._accounts.rules.role("", self._source, mapped, self._settings)
        wanted = match_grants(self._settings, mapped.groups)
        return Told(mapped, code, roleless=role in {None, NO_ROLE}, rightless=wanted.fits({}) and not wanted.keep)

    def _mapped(self, identity: VerifiedIdentity) -> tuple[VerifiedIdentity, str]:
        """An identity as the application wants it, and why it is nobody who may be a user."""
        if not usable_id(identity):
            return identity, "no_source_id"
        mapped = self._accounts.map(identity)
        if mapped is None:
            return identity, "not_a_user"
        return mapped, identity.barred or ""

    def _compare(self, stage: Stage, report: Report) -> None:
        missing = self._missing(self._accounts, NOBODY)
        with self._database.read() as db:
            mapped = self._accounts.grants.any(db, self._source)
            for known in missing.known(db, BATCH):
                here = stage.here(known)
                gone = [Gone(id_, here.get(id_, "")) for id_ in known if here.get(id_) != ""]
                stage.add_gone(gone)
                report.known += len(known)
                report.gone += len(gone)
                roleless = stage.roleless(known)
                report.roleless += missing.holders(db, roleless)
                if mapped:
                    report.rightless += missing.entitled(db, stage.rightless(known), but=roleless)

    def _write(
        self,
        stage: Stage,
        report: Report,
        told: _Told,
        accounts: Accounts,
        client: Client,
        writer: Writer,
    ) -> None:
        people = People(
            accounts,
            self._entities,
            self._settings,
            after=self._directory.sync_settings.after,
            source=self._source,
            client=client,
            clock=self._clock,
        )
        missing = self._missing(accounts, client)
        done = 0
        for batch in stage.people(BATCH):
            _tell(writer(partial(_apply, people, batch)), report, told)
            done += len(batch)
            told.progress("apply", done, stage.told)
        done = 0
        for gone in stage.gone(BATCH):
            _tell(writer(partial(_apply, missing, gone)), report, told)
            done += len(gone)
            told.progress("missing", done, report.gone)

    def _missing(self, accounts: Accounts, client: Client) -> Missing:
        settings = self._directory.sync_settings
        return Missing(accounts, self._entities, settings, source=self._source, client=client)

    def _commit(self, lease: Lease, client: Client, work: Work) -> list[Finding]:
        """Do *work* in a transaction of its own, with its events."""

        def once(db: Session) -> tuple[list[Finding], list[Event]]:
            # First of all: who lost the right waits here for the other's transaction, and then writes nothing.
            lease.keep(db)
            findings = work(db)
            events = [self._event(finding, client) for finding in findings if finding.written]
            self._events.record_all(db, events)
            return findings, events

        findings, events = self._database.once(once)
        for event in events:
            self._events.announce(event)
        return findings

    @contextmanager
    def _rehearsal(self) -> Iterator[Writer]:
        """A way to do everything as it would be done, and to leave nothing of it."""
        db = self._database.session()

        def writer(work: Work) -> list[Finding]:
            findings = work(db)
            db.flush()
            db.expunge_all()
            return findings

        try:
            yield writer
        finally:
            db.rollback()
            db.close()

    def _event(self, finding: Finding, client: Client) -> Event:
        return Event(
            type="sync",
            client=client,
            code=finding.state.value,
            user_id=finding.user_id,
            username=finding.username,
            provider=self._source,
            steps=(Step("sync", finding.code),) if finding.code else (),
        )

    def _record(self, report: Report, client: Client) -> None:
        counts = [Step(state.value, str(count)) for state, count in report.counts.items()]
        sums = [Step(name, str(getattr(report, name))) for name in ("known", "gone", "roleless", "rightless")]
        event = Event(type="sync", client=client, code=report.code, provider=self._source, steps=(*sums, *counts))
        with self._database.unit() as db:
            self._events.record(db, event)
        self._events.announce(event)


def _apply(room: Any, batch: Sequence[Any], db: Session) -> list[Finding]:
    findings: list[Finding] = room.apply(db, batch)
    return findings


def _tell(findings: Sequence[Finding], report: Report, told: _Told) -> None:
    report.add(findings)
    for finding in findings:
        if finding.state is not State.UNCHANGED:
            told.finding(finding)


def _batches(people: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(people)
    while batch := list(islice(rest, size)):
        yield batch
