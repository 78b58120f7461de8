"""The rights that a directory's groups give, for a batch of people at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from onegov_auth.accounts.roles import match_grants
from onegov_auth.accounts.sync.report import Finding, State
from onegov_auth.models import primary_key
from onegov_auth.permissions.mapped import Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from onegov_auth.accounts.resolve import Accounts
    from onegov_auth.domain import Client, VerifiedIdentity
    from onegov_auth.models import Entities
    from onegov_auth.permissions.mapped import Change
    from onegov_auth.providers import ProviderSettings

__all__ = ["Rights"]

#: What a login refuses, and what a person decided: nothing of these people is changed.
LEFT_ALONE = frozenset({"identity_frozen", "inactive", "issuer_changed"})


class Rights:
    """
    Gives and takes them.

    Where nothing is mapped, and nothing was, it asks the database nothing.

    Args:
        accounts: The rules, which are those of a login.
        entities: The mapped classes.
        settings: The provider's.
        source: The provider.
        client: From where, for hooks.
    """

    def __init__(
        self, accounts: Accounts, entities: Entities, settings: ProviderSettings, *, source: str, client: Client
    ) -> None:
        self._accounts = accounts
        self._settings = settings
        self._source = source
        self._client = client
        self._users: Any = entities.user

    def held_by(self, key: Any) -> ColumnElement[bool]:
        """Whether the user whose key is in that column has a right by the directory."""
        return self._accounts.grants.held_by(self._source, key)

    def apply(
        self,
        db: Session,
        findings: Sequence[Finding],
        identities: Mapping[str, VerifiedIdentity],
        granted: Collection[Any],
    ) -> list[Finding]:
        """
        Bring the rights of everybody up to what the directory gives, after all else of the batch is done.

        Args:
            db: The unit of work.
            findings: What was found of each so far.
            identities: What the directory says, by its key.
            granted: The keys of the users who have a right by it.

        Returns:
            The findings, and in them what was given and taken.
        """
        wanted: dict[Any, Wanted] = {}
        for finding in findings:
            asked = self._wanted(finding, identities.get(finding.source_id))
            if asked is not None and (asked.rules or finding.user_id in granted):
                wanted[finding.user_id] = asked
        changes = self._accounts.grants.apply(db, self._source, wanted) if wanted else {}
        changed = {key: change for key, change in changes.items() if change}
        self._tell(db, [one.user_id for one in findings if one.state is not State.NEW and one.user_id in changed])
        return [_with(finding, changed.get(finding.user_id)) for finding in findings]

    def _wanted(self, finding: Finding, identity: VerifiedIdentity | None) -> Wanted | None:
        if finding.user_id is None or identity is None or finding.code in LEFT_ALONE:
            return None
        if finding.state is State.EXCLUDED:
            return None
        if finding.state is State.NO_ROLE:
            # Nobody who may come in, so nobody who may do anything there.
            return Wanted({})
        return match_grants(self._settings, identity.groups)

    def _tell(self, db: Session, keys: Sequence[Any]) -> None:
        told = self._accounts.hooks.on_rights_changed
        if keys and told is not None:
            for user in db.scalars(select(self._users).where(primary_key(self._users).in_(keys))):
                told(db, user, self._client)


def _with(finding: Finding, change: Change | None) -> Finding:
    if change is None:
        return finding
    code = ", ".join(filter(None, [finding.code, change.detail]))
    state = State.CHANGED if finding.state is State.UNCHANGED else finding.state
    return replace(finding, state=state, code=code, written=True)
