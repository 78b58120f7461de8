"""``onegov-auth distrust``: a provider turned out not to be trustworthy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from pydantic import TypeAdapter, ValidationError

from onegov_auth.accounts.distrust import Affected, Distrust
from onegov_auth.cli.failures import NO, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import progress, shown
from onegov_auth.clock import utcnow
from onegov_auth.domain import Step
from onegov_auth.events import Event
from onegov_auth.settings.types import Duration

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["distrust"]


def moment(_context: click.Context, _parameter: click.Parameter, value: str) -> datetime:
    """A moment on the command line: a date and time (UTC unless it says otherwise), or how long ago it was."""
    try:
        given = datetime.fromisoformat(value)
    except ValueError:
        try:
            ago: timedelta = TypeAdapter(Duration).validate_python(value)
            return utcnow() - ago
        except (ValidationError, OverflowError) as error:
            text = f"{value!r} is neither a date and time such as 2026-11-21T08:00, nor a duration such as 2h or 3d"
            raise click.BadParameter(text) from error
    since = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    if since > utcnow():
        # It would end the sessions and freeze nothing.
        raise click.BadParameter(f"{value!r} is still to come; times are UTC unless they say otherwise")
    return since


@click.command(cls=Command)
@click.argument("provider")
@click.option(
    "--since",
    required=True,
    callback=moment,
    metavar="TIME",
    help="Links made since then are frozen: a time such as 2026-11-21T08:00 (UTC), or how long ago, such as 2h or 3d.",
)
@click.option("--dry-run", is_flag=True, help="Print whom it would concern, and change nothing.")
@click.option(
    "--undo", is_flag=True, help="Free the links made since then; sessions, tokens and rights don't come back."
)
@pass_operator
def distrust(operator: Operator, *, provider: str, since: datetime, dry_run: bool, undo: bool) -> None:
    """
    End all sessions by PROVIDER, take away the rights its groups gave, and freeze the links it made since a time.

    API tokens that people who came by it made since are revoked as well.

    Nobody gets in by a frozen link. The provider itself stays as it is in the settings.
    """
    what = Distrust(provider, since, entities=operator.entities)
    with operator.database.read() as db:
        if not what.is_known(db) and provider not in operator.settings.providers:
            raise Failure(f"Nobody ever came by a provider {shown(provider)}.", NO)
        people = what.frozen(db) if undo else what.affected(db)
    if not dry_run:
        people = operator.change(lambda unit: _apply(unit, what, undo=undo))
    _tell(operator, what, people, dry_run=dry_run, undo=undo)


def _apply(unit: Work, what: Distrust, *, undo: bool) -> list[Affected]:
    people = what.undo(unit.db) if undo else what.apply(unit.db)
    type_ = "provider_trusted" if undo else "provider_distrusted"
    since = Step("since", what.since.isoformat())
    event = Event(type=type_, client=unit.client, provider=what.provider)
    unit.events = [replace(event, steps=(since,))]
    with progress(people, "Writing events") as going:
        unit.events += [
            replace(event, user_id=person.user_id, username=person.username, steps=_steps(person, undo=undo))
            for person in going
        ]
    return people


def _steps(person: Affected, *, undo: bool) -> tuple[Step, ...]:
    sessions = (Step("sessions", f"ended: {person.sessions}"),) if person.sessions else ()
    link = (Step("link", "freed" if undo else "frozen"),) if person.linked is not None else ()
    grants = (Step("grants", f"taken away: {person.grants}"),) if person.grants else ()
    tokens = (Step("tokens", f"revoked: {person.tokens}"),) if person.tokens else ()
    return (*sessions, *tokens, *grants, *link)


def _tell(operator: Operator, what: Distrust, people: Sequence[Affected], *, dry_run: bool, undo: bool) -> None:
    sessions, links = sum(one.sessions for one in people), sum(one.linked is not None for one in people)
    grants, tokens = sum(one.grants for one in people), sum(one.tokens for one in people)
    rows: list[dict[str, Any]] = [asdict(person) for person in people]
    if not operator.output.as_json:
        operator.output.rows(rows, _lines(people))
    done = f"{'links freed' if undo else 'links frozen'}: {links}"
    done = (
        done
        if undo
        else f"sessions ended: {sessions}; API tokens revoked: {tokens}; rights taken away: {grants}; {done}"
    )
    sentence = f"{what.provider} since {what.since:%Y-%m-%d %H:%M} UTC: {done}."
    if dry_run:
        sentence = f"Nothing was changed. It would be: {sentence}"
    data = {"provider": what.provider, "since": what.since, "dry_run": dry_run, "undo": undo}
    counts = {"sessions": sessions, "tokens": tokens, "grants": grants, "links": links}
    operator.output.done(sentence, **data, **counts, people=rows)


def _lines(people: Sequence[Affected]) -> Iterator[str]:
    for person in people:
        told = [f"sessions: {person.sessions}"] if person.sessions else []
        if person.tokens:
            told.append(f"API tokens: {person.tokens}")
        if person.grants:
            told.append(f"rights: {person.grants}")
        if person.linked is not None:
            told.append(f"linked {person.linked:%Y-%m-%d %H:%M} UTC ({person.proof})")
        yield f"{person.username} [{person.role}] {', '.join(told)}"
