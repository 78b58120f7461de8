"""Changing a user's password, role or name: every one of them ends the sessions."""

from __future__ import annotations

import click

from onegov_auth.cli.add import known_role
from onegov_auth.cli.failures import Failure
from onegov_auth.cli.operator import Operator, Work, find_user, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.passwords import new_password, password_options
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Step
from onegov_auth.models import CHANGE_PASSWORD, User, canonical_username, key_of

__all__ = ["change_password", "change_role", "change_username"]


def is_external(user: User) -> bool:
    """Whether only a provider knows this user: there is no local password, and never was."""
    return bool(user.source) and not user.password_hash


@click.command("change-password", cls=Command)
@click.argument("username")
@click.option("--must-change", is_flag=True, help="The user has to choose another one at the next login.")
@password_options
@pass_operator
def change_password(
    operator: Operator, *, username: str, password: str | None, no_prompt: bool, must_change: bool
) -> None:
    """Give the user USERNAME another password, and end all sessions."""
    with operator.database.read() as db:
        user = find_user(db, username)
        if is_external(user):
            raise Failure(f"{username} comes from {user.source} and has no password here.")
    clear, made_up = new_password(password, username, operator.policy, no_prompt=no_prompt)

    def work(unit: Work) -> int:
        user = unit.user(username)
        ended = operator.sessions.end_all(unit.db, key_of(user))
        user.password = clear
        (user.require_step if must_change else user.step_taken)(CHANGE_PASSWORD)
        # A link to reset it that was mailed before is void by the new hash; an address to come is dropped (LINK-23).
        user.revoke_access()
        unit.tell("password_changed", user, Step("sessions", str(ended)))
        return ended

    ended = operator.change(work)
    shown = {"password": clear} if made_up else {}
    sentence = f"The password of {username} was changed; sessions ended: {ended}." + (
        f" It is {clear}" if made_up else ""
    )
    operator.output.done(sentence, username=username, sessions=ended, **shown)


@click.command("change-role", cls=Command)
@click.argument("username")
@click.argument("role")
@pass_operator
def change_role(operator: Operator, *, username: str, role: str) -> None:
    """
    Give the user USERNAME the role ROLE, and end all sessions.

    A role that is given by hand is kept, whatever the groups at a provider say.
    """
    known_role(operator, role)

    def work(unit: Work) -> tuple[str, int]:
        user = unit.user(username)
        before = user.role
        ended = operator.sessions.end_all(unit.db, key_of(user)) if role != before else 0
        user.role, user.role_origin = role, None
        unit.db.flush()
        if role != before and unit.hooks.on_rights_changed is not None:
            unit.hooks.on_rights_changed(unit.db, user, unit.client)
        unit.tell("role_changed", user, Step("role", f"{before} became {role}"), Step("sessions", str(ended)))
        return before, ended

    before, ended = operator.change(work)
    if before == role:
        sentence = f"{username} is {role} already; from now on by hand."
    else:
        sentence = f"{username} was {before} and is {role} now; sessions ended: {ended}."
    operator.output.done(sentence, username=username, role=role, before=before, sessions=ended)


@click.command("change-username", cls=Command)
@click.argument("username")
@click.argument("new")
@pass_operator
def change_username(operator: Operator, *, username: str, new: str) -> None:
    """Rename the user USERNAME to NEW, and end all sessions."""

    def work(unit: Work) -> tuple[str, int]:
        user = unit.user(username)
        _refuse_rename(operator, unit, user, new)
        before = user.username
        ended = operator.sessions.end_all(unit.db, key_of(user))
        user.username = new
        unit.db.flush()
        if unit.hooks.change_username_callback is not None:
            unit.hooks.change_username_callback(unit.db, user, before)
        steps = Step("username", f"{before} became {user.username}"), Step("sessions", str(ended))
        unit.tell("username_changed", user, *steps)
        return user.username, ended

    name, ended = operator.change(work)
    sentence = f"{username} is called {name} now; sessions ended: {ended}."
    operator.output.done(sentence, username=name, before=username, sessions=ended)


def _refuse_rename(operator: Operator, unit: Work, user: User, new: str) -> None:
    try:
        key = canonical_username(new)
    except ValueError as error:
        raise Failure(f"That can't be a username: {error}.") from error
    if key == user.username_key:
        raise Failure(f"{user.username} is called that already.")
    if is_external(user):
        raise Failure(f"{user.username} comes from {user.source} and is renamed there.")
    if user.role not in operator.settings.change_username_roles:
        raise Failure(f"{user.username} is {user.role}, whose names are not changed (change_username_roles).")
    if UserCollection(unit.db).exists(new):
        raise Failure(f"There is a user {new} already.")
