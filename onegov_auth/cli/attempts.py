"""``onegov-auth unlock`` and ``onegov-auth purge-attempts``."""

from __future__ import annotations

import click

from onegov_auth.attempts import KINDS, Attempts, RedisCounters
from onegov_auth.cli.failures import USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import shown
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.models import SECOND_SEEDS_KINDS

__all__ = ["purge_attempts", "unlock"]

#: The kinds, and those of the second seed.
_KIND = click.Choice([*KINDS, *SECOND_SEEDS_KINDS])


@click.command(cls=Command)
@click.argument("username", required=False)
@click.option("--address", metavar="ADDRESS", help="A network address that is locked.")
@click.option("--kind", type=_KIND, help="Attempts of this kind only.")
@pass_operator
def unlock(operator: Operator, *, username: str | None, address: str | None, kind: str | None) -> None:
    """
    Let USERNAME, or an address, try again after too many failures.

    All names of the same person are unlocked. The record of attempts stays.
    """
    if username is None and address is None:
        raise Failure("Say whom to unlock: a USERNAME or --address.", USAGE)
    tries = _attempts(operator)

    def work(unit: Work) -> int:
        forgiven = tries.unlock(unit.db, username, address, kind)
        user = None if username is None else UserCollection(unit.db).by_username(username)
        what = (Step("account", username or ""),) if user is None and username else ()
        where = (Step("address", address),) if address else ()
        unit.tell("unlocked", user, *what, *where, Step("kinds", kind or "all"), Step("failures", str(forgiven)))
        return forgiven

    forgiven = operator.change(work)
    whom = " and ".join(shown(one) for one in (username, address) if one)
    operator.output.done(f"Forgave {forgiven} failures of {whom}.", failures=forgiven)


@click.command("purge-attempts", cls=Command)
@click.option("--username", help="Attempts with this name only.")
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Only those older than so many days.")
@click.option("--attempt-type", type=_KIND, help="Attempts of this kind only.")
@pass_operator
def purge_attempts(
    operator: Operator, *, username: str | None, older_than: int | None, attempt_type: str | None
) -> None:
    """Delete attempts from the record; what is deleted counts no more."""
    tries = _attempts(operator)

    def work(unit: Work) -> int:
        deleted = tries.purge(unit.db, username, older_than, attempt_type)
        which = {"username": username, "older_than": older_than, "attempt_type": attempt_type}
        steps = [Step(name, str(value)) for name, value in which.items() if value is not None]
        unit.tell("attempts_purged", None, *steps, Step("deleted", str(deleted)))
        return deleted

    deleted = operator.change(work)
    operator.output.done(f"Deleted {deleted} attempts.", deleted=deleted)


def _attempts(operator: Operator) -> Attempts:
    settings = operator.settings
    counters = None if settings.redis is None else RedisCounters.from_url(settings.redis, settings.application)
    return Attempts(operator.database, settings.attempts, entities=operator.entities, counters=counters)
