"""``onegov-auth add``: a new local user."""

from __future__ import annotations

from typing import Any

import click

from onegov_auth.cli.failures import FAILED, USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.passwords import new_password, password_options, somebody_can_answer
from onegov_auth.cli.second_factors import give_yubikey
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.errors import ExistingUserError
from onegov_auth.models import key_of

__all__ = ["add", "known_role"]


@click.command(cls=Command)
@click.argument("role")
@click.argument("username")
@password_options
@click.option("--yubikey", metavar="OTP", help="The YubiKey of the user: touch it, or type its public id.")
@click.option("--realname", metavar="TEXT", help="The name to show.")
@click.option("--phone-number", metavar="NUMBER", help="The phone number.")
@click.option("--superuser", is_flag=True, help="The user has every permission there is.")
@pass_operator
def add(  # noqa: PLR0913 - one argument per option
    operator: Operator,
    *,
    role: str,
    username: str,
    password: str | None,
    no_prompt: bool,
    yubikey: str | None,
    realname: str | None,
    phone_number: str | None,
    superuser: bool,
) -> None:
    """
    Add a user USERNAME with the role ROLE.

    Without a password one is made up and printed, once.
    """
    if not username.strip():
        raise Failure("A user needs a username.", USAGE)
    settings = operator.settings
    known_role(operator, role)
    _refuse_existing(operator, username)
    clear, made_up = new_password(password, username, operator.policy, no_prompt=no_prompt)
    asks = not no_prompt and somebody_can_answer()
    if yubikey is None and asks and settings.second_factors.yubikey is not None:
        yubikey = click.prompt("YubiKey (leave empty for none)", default="", show_default=False, err=True)

    def work(unit: Work) -> Any:
        user = UserCollection(unit.db).add(
            username, clear, role, realname=realname or None, phone_number=phone_number or None
        )
        # Where people log in by their address, an operator who adds one vouches for it.
        user.enable()
        user.is_superuser = superuser
        if yubikey:
            give_yubikey(unit, user, yubikey)
        unit.db.flush()
        unit.tell("added", user, Step("role", role), *([Step("superuser", "yes")] if superuser else []))
        return key_of(user)

    id_ = operator.change(work)
    shown = {"password": clear} if made_up else {}
    sentence = f"{username} was added as {role}." + (f" The password is {clear}" if made_up else "")
    operator.output.done(sentence, username=username, role=role, id=str(id_), **shown)


def known_role(operator: Operator, role: str) -> None:
    """
    Refuse a role that the settings don't name.

    Raises:
        Failure: With the names of those that are.
    """
    # "anonymous" is what somebody without a login may do.
    roles = [name for name in operator.settings.roles if name != "anonymous"]
    if role not in roles:
        raise Failure(f"There is no role {role}; there are {', '.join(roles)}.", FAILED)


def _refuse_existing(operator: Operator, username: str) -> None:
    with operator.database.read() as db:
        if UserCollection(db).exists(username):
            raise ExistingUserError(username)
