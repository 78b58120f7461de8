"""What would become of somebody who logs in: the same decisions as at a login, and nothing of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.accounts.resolve import Conflict
from onegov_auth.accounts.roles import match_grants
from onegov_auth.domain import Client, Step, UserInfo, VerifiedIdentity
from onegov_auth.models import DEFAULT
from onegov_auth.outcomes import Refused
from onegov_auth.permissions.grants import Right
from onegov_auth.permissions.mapped import MappedGrants
from onegov_auth.providers import Check, CheckState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onegov_auth.accounts.resolve import Accounts, Resolved
    from onegov_auth.database import Database
    from onegov_auth.models import Entities
    from onegov_auth.providers import ProviderSettings

__all__ = ["missing_checks", "missing_rights", "preview", "preview_checks"]

#: What to change, by the code of a refusal.
HINTS = {
    "conflict": "see link (refuse, prove, verified_email) and link_domains, or rename the local account",
    "conflict_privileged": "accounts with this role are never linked by e-mail: use link: prove",
    "identity_frozen": "its links were frozen by onegov-auth distrust",
    "inactive": "onegov-auth activate lets the account in again",
    "invalid_username": "map username to something that can be a name",
    "issuer_changed": "the issuer in the settings is another one than when the account was linked",
    "no_role": "add one of the groups to roles, or set default_role",
    "permission": "the application declares no such permission, or hasn't started since it does",
    "right": "make it, or correct its name in grants",
    "no_source_id": "map id to what never changes",
    "not_provisioned": "set provision, or add the account and link it",
}


def preview(
    database: Database, accounts: Accounts, identity: VerifiedIdentity, settings: ProviderSettings
) -> Resolved | Conflict | Refused:
    """
    What :meth:`Accounts.resolve` would answer; everything it wrote is rolled back.

    Args:
        database: Where accounts are kept.
        accounts: Without hooks: an application must not be told of somebody who does not come.
        identity: As a provider would have verified it.
        settings: The provider's rules.

    Raises:
        sqlalchemy.exc.DBAPIError: If there are no tables, or the identity was linked by somebody at this very moment.
    """
    with database.session() as db:
        try:
            return accounts.resolve(db, identity, settings, Client(address="cli"))
        finally:
            db.rollback()


def preview_checks(
    database: Database, accounts: Accounts, identity: VerifiedIdentity, settings: ProviderSettings
) -> Iterator[Check]:
    """:func:`preview` as the doctor's steps: the account, the role, the rights, and what stands in the way."""
    outcome = preview(database, accounts, identity, settings)
    if isinstance(outcome, Refused):
        # A step may have the code's own name, and says more.
        code = [] if any(step.name == outcome.code for step in outcome.steps) else [outcome.code]
        told = "; ".join([*code, *map(_told, outcome.steps)])
        yield Check("account", CheckState.FAILED, told, HINTS.get(outcome.code, ""))
        return
    if isinstance(outcome, Conflict):
        told = f"{_name(outcome.user)} has to log in there once with the local password, and is linked then"
        yield Check("account", CheckState.WARNING, told)
    else:
        how = "would be made" if outcome.created else "would be linked" if outcome.linked else "is known"
        yield Check("account", CheckState.OK, "; ".join([f"{_name(outcome.user)} {how}", *map(_told, outcome.steps)]))
    yield Check("role", CheckState.OK, outcome.user.role)
    yield from _grants(database, accounts, identity, settings)


def missing_checks(database: Database, settings: ProviderSettings, entities: Entities = DEFAULT) -> Iterator[Check]:
    """
    What ``grants`` gives and isn't there, as a step of the doctor; nothing if all is there.

    Raises:
        sqlalchemy.exc.DBAPIError: If there are no tables.
    """
    for right in missing_rights(database, settings, entities):
        hint = HINTS["permission" if right.kind == "permission" else "right"]
        yield Check("grants", CheckState.WARNING, f"there is no {right}", hint)


def missing_rights(database: Database, settings: ProviderSettings, entities: Entities = DEFAULT) -> list[Right]:
    """What ``grants`` gives and isn't there: at a login it is left out."""
    named = [Right(kind, name) for kind, name, _ in settings.grants.rules()]
    if not named:
        return []
    with database.read() as db:
        return MappedGrants(entities).missing(db, named)


def _grants(
    database: Database, accounts: Accounts, identity: VerifiedIdentity, settings: ProviderSettings
) -> Iterator[Check]:
    """The rights that the groups give."""
    mapped = accounts.map(identity)
    rules = {} if mapped is None else match_grants(settings, mapped.groups).rules
    if not rules:
        return
    with database.read() as db:
        missing = accounts.grants.missing(db, rules.keys())
    told = [f"{right} ({rule})" for right, rule in sorted(rules.items()) if right not in missing]
    yield Check("grants", CheckState.OK, ", ".join(told) or "none")


def _name(user: UserInfo) -> str:
    return user.username if user.realname is None else f"{user.username} ({user.realname})"


def _told(step: Step) -> str:
    return f"{step.name}: {step.detail}" if step.detail else step.name
