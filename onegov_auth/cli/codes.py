"""Authenticator apps and recovery codes that an operator gives and takes."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import click

from onegov_auth.accounts.resolve import user_info
from onegov_auth.cli.failures import USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.second_factors import factor_changed
from onegov_auth.clock import utcnow
from onegov_auth.domain import Transaction
from onegov_auth.factors import FactorServices
from onegov_auth.factors.recovery_codes import RecoveryCodesFactor
from onegov_auth.factors.totp import TOTPFactor
from onegov_auth.models import User
from onegov_auth.settings.factors import TOTP, RecoveryCodes

__all__ = ["change_totp", "recovery_codes"]

#: Bytes of a secret: 160 bits, as RFC 4226 §4, R6 recommends; at least 128, as it demands.
SECRET, SHORTEST = 20, 16


@click.command("change-totp", cls=Command)
@click.argument("username")
@click.option("--secret", metavar="BASE32", help="The secret of the app; an empty text takes all apps away.")
@click.option("--generate", is_flag=True, help="Make a secret, and print it.")
@pass_operator
def change_totp(operator: Operator, *, username: str, secret: str | None, generate: bool) -> None:
    """
    Give the user USERNAME another authenticator app, or take it away, and end all sessions.

    Factors of other types stay. What is printed is the secret: hand it over where nobody else sees it.
    """
    if generate == (secret is not None):
        raise Failure("Give --secret or --generate.", USAGE)
    settings = operator.configured()
    operator.demand(username)
    kept = base64.b32encode(secrets.token_bytes(SECRET)).decode() if generate else _normalised(secret or "")

    def work(unit: Work) -> int:
        user = unit.user(username)
        had = user.has_factor(TOTPFactor.type)
        _replace(user, TOTPFactor.type, kept)
        change = ("changed" if had else "added") if kept else "removed"
        return factor_changed(operator, unit, user, TOTPFactor, change)

    ended = operator.change(work)
    if not kept:
        sentence = f"{username} has no authenticator app any more; sessions ended: {ended}."
        operator.output.done(sentence, username=username, totp=False, sessions=ended)
        return
    sentence = f"{username} has another authenticator app now; sessions ended: {ended}."
    shown: dict[str, Any] = {}
    if generate:
        issuer = quote((settings.second_factors.totp or TOTP()).issuer or settings.title, safe="")
        uri = f"otpauth://totp/{issuer}:{quote(username, safe='@')}?secret={kept}&issuer={issuer}"
        sentence += f"\nSecret: {kept}\n{uri}"
        shown = {"secret": kept, "uri": uri}
    operator.output.done(sentence, username=username, totp=True, sessions=ended, **shown)


@click.command("recovery-codes", cls=Command)
@click.argument("username")
@pass_operator
def recovery_codes(operator: Operator, *, username: str) -> None:
    """
    Give the user USERNAME new recovery codes, print them, and end all sessions; the old ones are void.

    Hand them over where nobody else sees them: each stands in for the second factor once.
    """
    settings = operator.configured()
    block = settings.second_factors.recovery_codes or RecoveryCodes()
    factor = RecoveryCodesFactor.create(block, FactorServices())

    def work(unit: Work) -> tuple[Any, int]:
        user = unit.user(username)
        if not [one for one in user.factors if one.type != factor.type]:
            raise Failure(f"{username} has no second factor that recovery codes could stand in for.")
        had = user.has_factor(factor.type)
        made = factor.enrol(user_info(user), None, Transaction("", "enrol", None, "/", {}, utcnow()))
        row = _replace(user, factor.type, made.secret or "")
        row.data = dict(made.data)
        return made.show["codes"], factor_changed(operator, unit, user, factor.__class__, "changed" if had else "added")

    codes, ended = operator.change(work)
    sentence = "\n".join([f"New recovery codes of {username}; sessions ended: {ended}.", *codes])
    operator.output.done(sentence, username=username, codes=codes, sessions=ended)


def _replace(user: User, type_: str, secret: str) -> Any:
    """Take the user's factors of that type away, and put one with that *secret* in their place."""
    row = type(user).__entities__.factor(id=uuid4(), type=type_)
    row.clear_secret = secret
    others = [factor for factor in user.factors if factor.type != type_]
    user.factors = [*others, row] if secret else others
    return row


def _normalised(typed: str) -> str:
    """
    A secret as apps show it, in groups and small letters.

    Raises:
        Failure: If it is no Base32 (RFC 4648 §6), or too short to be safe.
    """
    secret = "".join(typed.split()).replace("-", "").upper().rstrip("=")
    if not secret:
        return ""
    try:
        length = len(base64.b32decode(secret + "=" * (-len(secret) % 8)))
    except (binascii.Error, ValueError) as error:
        raise Failure("That is no secret of an authenticator app: it is not Base32.", USAGE) from error
    if length < SHORTEST:
        raise Failure(f"That secret is too short: at least {SHORTEST * 8} bits.", USAGE)
    return secret
