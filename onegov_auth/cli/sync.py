"""``onegov-auth sync``: bring the users up to what a directory says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

import click

from onegov_auth.accounts.sync import Finding, Report, State, Sync
from onegov_auth.auth import Auth
from onegov_auth.cli.failures import FAILED, NO, RUNNING, UNREACHABLE, Failure
from onegov_auth.cli.operator import Operator, operating_system_user, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import shown
from onegov_auth.providers import Directory

__all__ = ["sync"]

_SIGNS = {
    State.NEW: "+",
    State.LINKED: "+",
    State.CHANGED: "~",
    State.RENAMED: "~",
    State.BACK: "+",
    State.MISSING: "?",
    State.DEACTIVATED: "✘",
    State.EXCLUDED: "–",
    State.CONFLICT: "!",
    State.NO_ROLE: "!",
}

_PHASES = {"read": "Reading", "apply": "Comparing", "missing": "Looking after the missing"}

_REFUSALS = {
    "running": (
        RUNNING,
        "Another run is syncing {0.provider}, or was killed less than ten minutes ago. Nothing was changed.",
    ),
    "unavailable": (UNREACHABLE, "{0.provider} did not answer to the end ({0.detail}). Nothing was changed."),
    "empty": (FAILED, "{0.provider} told of nobody. Nothing was changed; --force believes it."),
    "max_drop": (
        FAILED,
        (
            "Of {0.known} people known from {0.provider}, {0.gone} are missing, {0.roleless} lose their role and "
            "{0.rightless} all rights that its groups gave: more than sync.max_drop allows. "
            "Nothing was changed; --dry-run shows who it is, --force does it."
        ),
    ),
    "lost": (FAILED, "Another run took over the sync of {0.provider}; what was written before stays. Run it again."),
}


@click.command(cls=Command)
@click.argument("provider")
@click.option("--dry-run", is_flag=True, help="Print what would be different, and write nothing.")
@click.option("--force", is_flag=True, help="Believe a directory that tells of nobody, or drops too many.")
@pass_operator
def sync(operator: Operator, *, provider: str, dry_run: bool, force: bool) -> None:
    """Bring the users up to what the directory PROVIDER says: new, changed, renamed, back, missing."""
    work = _sync_of(operator, provider)
    # The lines come after the bar, and a directory may have more people than memory should.
    with _Findings() as findings:
        with _Bar() as bar:
            report = work.run(
                dry_run=dry_run, force=force, client=operating_system_user(), tell=findings.add, progress=bar.show
            )
        if operator.options.as_json:
            _print_json(report, findings)
        else:
            _print_lines(report, findings)
    if not report.ok:
        code, sentence = _REFUSALS[report.code]
        raise Failure(shown(sentence.format(report)), code)


def _sync_of(operator: Operator, name: str) -> Sync:
    settings = operator.configured()
    if name not in settings.providers:
        raise Failure(f"There is no provider {shown(name)}; there are {', '.join(settings.providers)}.", NO)
    auth = Auth.from_settings(settings, database=operator.database, hooks=operator.hooks, entities=operator.entities)
    # Connections that were kept for the next login; there is none.
    click.get_current_context().call_on_close(auth.resources.clear)
    directory = auth.providers[name]
    if not isinstance(directory, Directory):
        raise Failure(f"{name} can't list its people ({directory.kind}): there is nothing to sync.", NO)
    return Sync(
        auth.database,
        auth.accounts,
        auth.events,
        source=name,
        directory=directory,
        settings=directory.settings,
        clock=auth.clock,
        entities=auth.entities,
    )


class _Findings:
    """Everybody of whom there is something to say, on disk."""

    def __enter__(self) -> Self:
        self._file: IO[str] = TemporaryFile("w+", encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()

    def add(self, finding: Finding) -> None:
        """Keep a finding."""
        row = (finding.state.value, finding.username, finding.source_id, finding.code)
        self._file.write(json.dumps(row) + "\n")

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """State, username, id at the source, code."""
        self._file.seek(0)
        for line in self._file:
            state, username, source_id, code = json.loads(line)
            yield state, username, source_id, code


class _Bar:
    """A progress bar on stderr for each phase, if that is a terminal."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._phase = ""
        self._bar: Any = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def show(self, phase: str, done: int, of: int) -> None:
        """So far, of how many; 0 if nobody knows."""
        if not sys.stderr.isatty():
            return
        if phase != self._phase:
            self._stack.close()
            self._phase = phase
            length: dict[str, Any] = {"length": of} if of else {"iterable": (() for _ in ())}
            bar = click.progressbar(**length, label=_PHASES[phase], show_pos=True, file=sys.stderr)
            self._bar = self._stack.enter_context(bar)
        self._bar.update(done - self._bar.pos)


def _print_lines(report: Report, findings: _Findings) -> None:
    for state, username, _, code in findings.rows():
        # Service accounts and printers are left out every night.
        if state != State.EXCLUDED or report.dry_run:
            why = f" ({code})" if code not in {"", state} else ""
            click.echo(shown(f"{_SIGNS[State(state)]} {username}: {state}{why}"))
    if report.counts:
        totals = ", ".join(f"{count} {state.value}" for state, count in sorted(report.counts.items()))
        click.echo(f"{'Nothing was written. It would be: ' if report.dry_run else ''}{totals}.")


def _print_json(report: Report, findings: _Findings) -> None:
    head = {
        "provider": report.provider,
        "dry_run": report.dry_run,
        "code": report.code,
        "detail": report.detail,
        "known": report.known,
        "gone": report.gone,
        "roleless": report.roleless,
        "rightless": report.rightless,
        "counts": {state.value: count for state, count in sorted(report.counts.items())},
    }
    names = ("state", "username", "source_id", "code")
    click.echo(json.dumps(head, ensure_ascii=False)[:-1] + ', "people": [', nl=False)
    for number, row in enumerate(findings.rows()):
        person = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        click.echo(("," if number else "") + "\n  " + person, nl=False)
    click.echo("]}")
