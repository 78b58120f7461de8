"""Second factors that an operator gives and takes: YubiKeys and phone numbers."""

from __future__ import annotations

from uuid import uuid4

import click

from onegov_auth.cli.failures import USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import shown
from onegov_auth.cli.passwords import somebody_can_answer
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.factors import Factor
from onegov_auth.factors.mtan import MTANFactor
from onegov_auth.factors.phone import e164
from onegov_auth.factors.yubikey import YubiKeyFactor
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.models import User, key_of
from onegov_auth.notices import Notices
from onegov_auth.settings.factors import MTAN

__all__ = ["change_mtan", "change_yubikey", "factor_changed", "give_yubikey", "phone_number_of", "transfer_yubikey"]


@click.command("change-yubikey", cls=Command)
@click.argument("username")
@click.option("--yubikey", metavar="OTP", help="Touch the YubiKey, or type its public id; an empty text takes it away.")
@pass_operator
def change_yubikey(operator: Operator, *, username: str, yubikey: str | None) -> None:
    """
    Give the user USERNAME another YubiKey, or take it away, and end all sessions.

    Factors of other types stay.
    """
    operator.demand(username)
    typed = _asked_for(yubikey, "--yubikey", "YubiKey (leave empty to take it away)")

    def work(unit: Work) -> int:
        user = unit.user(username)
        had = user.has_yubikey
        give_yubikey(unit, user, typed)
        return factor_changed(operator, unit, user, YubiKeyFactor, _change(had=had, has=bool(typed)))

    ended = operator.change(work)
    sentence = f"{username} has another YubiKey now" if typed else f"{username} has no YubiKey any more"
    operator.output.done(
        f"{sentence}; sessions ended: {ended}.", username=username, yubikey=bool(typed), sessions=ended
    )


@click.command("change-mtan", cls=Command)
@click.argument("username")
@click.option("--phone-number", metavar="NUMBER", help="Where codes are sent to; an empty text takes it away.")
@pass_operator
def change_mtan(operator: Operator, *, username: str, phone_number: str | None) -> None:
    """
    Have codes for the user USERNAME sent to another phone number, or to none, and end all sessions.

    Factors of other types stay.
    """
    operator.demand(username)
    typed = _asked_for(phone_number, "--phone-number", "Phone number (leave empty to take it away)")
    number = phone_number_of(operator, typed) if typed else None

    def work(unit: Work) -> int:
        user = unit.user(username)
        had = user.has_factor(MTANFactor.type)
        others = [factor for factor in user.factors if factor.type != MTANFactor.type]
        made = type(user).__entities__.factor(id=uuid4(), type=MTANFactor.type)
        made.value = number
        user.factors = [*others, made] if number else others
        return factor_changed(operator, unit, user, MTANFactor, _change(had=had, has=number is not None))

    ended = operator.change(work)
    sentence = f"Codes for {username} go to {number} now" if number else f"No codes are sent to {username} any more"
    operator.output.done(f"{sentence}; sessions ended: {ended}.", username=username, number=number, sessions=ended)


@click.command("transfer-yubikey", cls=Command)
@click.argument("source")
@click.argument("target")
@pass_operator
def transfer_yubikey(operator: Operator, source: str, target: str) -> None:
    """
    Give the YubiKey of the user SOURCE to the user TARGET, and end all sessions of both.

    Factors of other types stay with their owners.
    """

    def work(unit: Work) -> int:
        giver, taker = unit.user(source), unit.user(target)
        if key_of(giver) == key_of(taker):
            raise Failure("SOURCE and TARGET are the same user.")
        yubikey = giver.yubikey
        if yubikey is None:
            raise Failure(f"{giver.username} has no YubiKey.")
        if taker.has_yubikey:
            raise Failure(f"{taker.username} has a YubiKey already.")
        giver.yubikey = None
        unit.db.flush()
        taker.yubikey = yubikey
        ended = factor_changed(operator, unit, giver, YubiKeyFactor, "removed")
        return ended + factor_changed(operator, unit, taker, YubiKeyFactor, "added")

    ended = operator.change(work)
    sentence = f"The YubiKey of {source} is the one of {target} now; sessions ended: {ended}."
    operator.output.done(sentence, source=source, target=target, sessions=ended)


def give_yubikey(unit: Work, user: User, typed: str) -> None:
    """
    Give *user* the YubiKey that typed this, or none for nothing typed.

    Raises:
        Failure: If no YubiKey types that, or it is somebody else's.
    """
    owner = UserCollection(unit.db).by_yubikey(typed, active_only=False) if typed else None
    if owner is not None and key_of(owner) != key_of(user):
        raise Failure(f"That YubiKey is the one of {owner.username} already.")
    try:
        user.yubikey = typed or None
    except ValueError as error:
        raise Failure(f"That is no YubiKey: {error}.") from error


def phone_number_of(operator: Operator, typed: str) -> str:
    """
    *typed* in the form of E.164.

    Raises:
        Failure: If it is no mobile number, or one of a country whose numbers are not taken.
    """
    countries = (operator.settings.second_factors.mtan or MTAN()).countries
    number = e164(typed, countries)
    if number is None:
        raise Failure(f"{shown(typed)} is no mobile number of {', '.join(countries)}.")
    return number


def factor_changed(operator: Operator, unit: Work, user: User, factor: type[Factor], change: str) -> int:
    """
    What goes with every change of a factor: its sessions end, it is written down, and the user is told by mail.

    Nobody is told where only a database is named (``--dsn``): a mail needs the settings. It leaves with the next one
    of the application, or by ``onegov-auth deliver``.

    Returns:
        How many sessions were ended.
    """
    ended = operator.sessions.end_all(unit.db, key_of(user))
    unit.db.flush()
    unit.tell(f"factor_{change}", user, Step("factor", factor.type), Step("sessions", str(ended)))
    if operator.config is not None:
        _notices(operator).tell(unit.db, user, "factor_changed", unit.client, change=change, factor=factor.title)
    return ended


def _notices(operator: Operator) -> Notices:
    settings = operator.settings
    mount = "auth" if operator.application is None else operator.application.auth_path
    keys = Keys(settings.secrets, settings.application)
    mailer = Mailer(settings, operator.database, keys, entities=operator.entities)
    return Notices(mailer, settings.base_url, f"/{mount}")


def _change(*, had: bool, has: bool) -> str:
    if not has:
        return "removed"
    return "changed" if had else "added"


def _asked_for(given: str | None, option: str, question: str) -> str:
    if given is not None:
        return given.strip()
    if not somebody_can_answer():
        raise Failure(f"There is no terminal to ask on: give {option}.", USAGE)
    typed: str = click.prompt(question, default="", show_default=False, err=True)
    return typed.strip()
