"""``onegov-auth rotate-keys``: encrypt with the newest secret what was encrypted with an older one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from onegov_auth.cli.failures import Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import progress
from onegov_auth.domain import Step
from onegov_auth.jwt import SigningKeys
from onegov_auth.key_rotation import Rotated, Sealed, sealed_columns
from onegov_auth.keys import Keys

__all__ = ["rotate_keys"]

#: Rows in one unit of work: nobody waits for all of them.
BATCH = 100


@click.command("rotate-keys", cls=Command)
@pass_operator
def rotate_keys(operator: Operator) -> None:
    """
    Encrypt anew, with the newest of the secrets, what is encrypted with an older one.

    Access tokens are signed with a new key from then on, where there are any (tokens.jwt).
    """
    settings = operator.configured()
    keys = Keys(settings.secrets, settings.application)
    counts: dict[str, int] = {}
    lost = 0
    for sealed in sealed_columns(operator.entities):
        with operator.database.read() as db:
            ids = sealed.ids(db)
        rotated = _rotate(operator, keys, sealed, ids)
        counts[sealed.name] = rotated.renewed
        lost += rotated.lost
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    if lost:
        raise Failure(
            f"Encrypted anew: {told}; {lost} can't be decrypted with any of the secrets: put the older one back."
        )
    if settings.tokens.jwt.enabled:
        signing = SigningKeys(operator.database, settings.tokens.jwt, keys, entities=operator.entities)
        operator.change(lambda unit: _sign_anew(unit, signing))
        told += "; access tokens are signed with a new key"
    operator.output.done(f"Encrypted anew: {told}.", **counts)


def _sign_anew(unit: Work, signing: SigningKeys) -> None:
    unit.tell("keys_rotated", None, Step("signing-key", signing.make(unit.db)))


def _rotate(operator: Operator, keys: Keys, sealed: Sealed, ids: Sequence[Any]) -> Rotated:
    total = Rotated()
    batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    with progress(batches, f"Encrypting {sealed.name}") as each:
        for batch in each:

            def work(unit: Work, batch: Sequence[Any] = batch) -> Rotated:
                rotated = sealed.rotate(unit.db, keys, batch)
                if rotated.renewed:
                    unit.tell("keys_rotated", None, Step(sealed.name, str(rotated.renewed)))
                return rotated

            total += operator.change(work)
    return total
