"""A batch of people who are in the directory: found, compared and written with statements for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, inspect, select, update

from onegov_auth.accounts.resolve import Resolved
from onegov_auth.accounts.rules import NO_ROLE, names_of, new_user
from onegov_auth.accounts.sync.report import Finding, State
from onegov_auth.accounts.sync.rights import Rights
from onegov_auth.models import canonical_username, column_values, key_of, primary_key
from onegov_auth.outcomes import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.accounts.resolve import Accounts
    from onegov_auth.accounts.sync.stage import Staged
    from onegov_auth.clock import Clock
    from onegov_auth.domain import Client, VerifiedIdentity
    from onegov_auth.models import Entities, User
    from onegov_auth.providers import ProviderSettings

__all__ = ["People"]

#: How a link is proven whose user was made for it.
PROVISIONED = "provisioned"


@dataclass(slots=True)
class _Names:
    """Which usernames and addresses are somebody's."""

    keys: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)

    def clash(self, key: str, as_name: str, addresses: set[str]) -> bool:
        """Whether somebody with that name and address would be in the way."""
        return key in self.keys or as_name in self.keys or not self.emails.isdisjoint(addresses)


class People:
    """
    Makes users of people, and brings those who are there up to what the directory says.

    Somebody of whom nothing changed costs one comparison: no object is made and nothing is written.

    Args:
        accounts: The rules, which are those of a login.
        entities: The mapped classes.
        settings: The provider's.
        after: After how many misses somebody is missing for good.
        source: The provider.
        client: From where, for hooks.
        clock: The time.
    """

    def __init__(  # noqa: PLR0913 - collaborators, handed in once
        self,
        accounts: Accounts,
        entities: Entities,
        settings: ProviderSettings,
        *,
        after: int,
        source: str,
        client: Client,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._rules = accounts.rules
        self._settings = settings
        self._after = after
        self._source = source
        self._client = client
        self._clock = clock
        self._users: Any = entities.user
        self._identities: Any = entities.identity
        self._key: Any = primary_key(self._users)
        self._rights = Rights(accounts, entities, settings, source=source, client=client)

    def apply(self, db: Session, batch: Sequence[Staged]) -> list[Finding]:
        """Everybody of a batch, in the unit of work *db*; may be called again after a lost race."""
        rows = self._known(db, [staged.source_id for staged in batch if staged.identity is not None])
        findings: list[Finding] = []
        others: list[tuple[Any, VerifiedIdentity]] = []
        strangers: list[VerifiedIdentity] = []
        for staged in batch:
            identity, row = staged.identity, rows.get(staged.source_id)
            if identity is None:
                state = State.CONFLICT if staged.code == "ambiguous_id" else State.EXCLUDED
                findings.append(Finding(state, staged.username, staged.source_id, staged.code))
            elif row is None:
                strangers.append(identity)
            elif identity.barred is not None:
                # What comes of it is done, and told, with those who are missing; later there is nothing more to do.
                if row.missed >= self._after:
                    findings.append(self._of(row, State.EXCLUDED, identity.barred))
            elif (finding := self._settled(row, identity)) is not None:
                findings.append(finding)
            else:
                others.append((row, identity))
        self._seen(db, [rows[staged.source_id].link for staged in batch if _is_back(staged, rows)])
        findings += self._refresh(db, others)
        findings += self._place(db, strangers)
        identities = {staged.source_id: staged.identity for staged in batch if staged.identity is not None}
        granted = {row.user_id for row in rows.values() if row.granted}
        return self._rights.apply(db, findings, identities, granted)

    def _known(self, db: Session, source_ids: list[str]) -> dict[str, Any]:
        links, users = self._identities, self._users
        statement = select(
            links.id.label("link"),
            links.source_id,
            links.issuer,
            links.frozen,
            links.missed,
            self._key.label("user_id"),
            users.username,
            users.username_key,
            users.role,
            users.role_origin,
            users.realname,
            users.active_at(self._clock()).label("is_active"),
            users.deactivated_by,
            (users.password_hash != "").label("has_password"),
            self._rights.held_by(self._key).label("granted"),
        ).join_from(links, self._users, links.user_id == self._key)
        found = db.execute(statement.where(links.source == self._source, links.source_id.in_(source_ids)))
        return {row.source_id: row for row in found}

    def _settled(self, row: Any, identity: VerifiedIdentity) -> Finding | None:
        """What is to be said of somebody known for whom nothing but the count of misses has to be written."""
        if row.issuer != identity.issuer:
            return self._of(row, State.CONFLICT, "issuer_changed")
        if row.frozen:
            return self._of(row, State.CONFLICT, "identity_frozen")
        if not row.is_active and row.deactivated_by is None:
            # A person did that, or a date that a person set, and only a person takes it back.
            return self._of(row, State.UNCHANGED, "inactive")
        if self._differs(row, identity):
            return None
        if row.role == NO_ROLE:
            return self._of(row, State.NO_ROLE)
        return self._of(row, State.BACK if row.missed else State.UNCHANGED, written=bool(row.missed))

    def _differs(self, row: Any, identity: VerifiedIdentity) -> bool:
        role = self._rules.role(row.role, row.role_origin, identity, self._settings)
        if role is None or role == NO_ROLE:
            return bool(row.role != NO_ROLE)
        if not row.is_active or role != row.role or self._renames(row, identity, role):
            return True
        return identity.realname is not None and identity.realname != row.realname

    def _renames(self, row: Any, identity: VerifiedIdentity, role: str) -> bool:
        try:
            key = canonical_username(identity.username)
        except ValueError:
            return False
        return self._rules.follows(key, row.username_key, role, has_password=row.has_password)

    def _of(self, row: Any, state: State, code: str = "", *, written: bool = False) -> Finding:
        return Finding(state, row.username, row.source_id, code, row.user_id, written)

    def _seen(self, db: Session, links: list[Any]) -> None:
        if links:
            rows = self._identities
            again = update(rows).where(rows.id.in_(links)).values(missed=0)
            db.execute(again.execution_options(synchronize_session=False))

    def _refresh(self, db: Session, others: list[tuple[Any, VerifiedIdentity]]) -> list[Finding]:
        if not others:
            return []
        keys = [row.user_id for row, _ in others]
        # In one order everywhere: two runs of different directories never wait for each other in a circle.
        found = select(self._users).where(self._key.in_(keys)).order_by(self._key).with_for_update()
        users = {key_of(user): user for user in db.scalars(found.execution_options(populate_existing=True))}
        findings = [self._refreshed(db, users[row.user_id], row, identity) for row, identity in others]
        db.flush()
        return findings

    def _refreshed(self, db: Session, user: User, row: Any, identity: VerifiedIdentity) -> Finding:
        before = (user.username, user.role, user.realname)
        role = self._rules.role(user.role, user.role_origin, identity, self._settings)
        if not user.active and user.deactivated_by is not None and role not in {None, NO_ROLE}:
            user.active = True
        steps = self._accounts.refresh(db, user, identity, self._settings, self._client)
        is_changed = (user.username, user.role, user.realname) != before
        if isinstance(steps, Refused):
            state = State.NO_ROLE if steps.code == "no_role" else State.EXCLUDED
            return self._of(row, state, "" if state is State.NO_ROLE else steps.code, written=is_changed)
        code = ", ".join(step.detail for step in steps)
        if row.missed or not row.is_active:
            return self._of(row, State.BACK, code, written=True)
        if user.username != before[0]:
            return self._of(row, State.RENAMED, code, written=True)
        return self._of(row, State.CHANGED if is_changed else State.CONFLICT, code, written=is_changed)

    def _place(self, db: Session, strangers: list[VerifiedIdentity]) -> list[Finding]:
        named = [(identity, _key(identity)) for identity in strangers]
        taken = self._taken(db, ((identity, key) for identity, key in named if key is not None))
        findings, made, given = [], [], _Names()
        for identity, key in named:
            if key is None:
                findings.append(_stranger(identity, State.CONFLICT, "invalid_username"))
            elif identity.barred is not None:
                findings.append(_stranger(identity, State.EXCLUDED, identity.barred))
            elif taken.clash(key, *names_of(identity, key)):
                findings.append(self._linked(db, identity))
            elif given.clash(key, *names_of(identity, key)):
                findings.append(_stranger(identity, State.CONFLICT, "conflict"))
            else:
                values = self._values(db, identity)
                if isinstance(values, Finding):
                    findings.append(values)
                    continue
                given.keys.add(key)
                given.emails.add(str(values["email"] or ""))
                made.append((identity, {**values, "username_key": key}))
        return findings + self._make(db, made)

    def _taken(self, db: Session, named: Iterable[tuple[VerifiedIdentity, str]]) -> _Names:
        keys: set[str] = set()
        addresses: set[str] = set()
        for identity, key in named:
            as_name, more = names_of(identity, key)
            keys |= {key, as_name}
            addresses |= more
        names = _Names()
        if keys:
            users = self._users
            found = select(users.username_key, users.email).where(
                users.username_key.in_(keys) | users.email.in_(addresses)
            )
            for key, email in db.execute(found):
                names.keys.add(key)
                names.emails.add(email or "")
        return names

    def _linked(self, db: Session, identity: VerifiedIdentity) -> Finding:
        """What a login would do without asking anybody for a proof, and nothing else."""
        placed = self._accounts.place(db, identity, self._settings, self._client)
        if not isinstance(placed, Resolved):
            return _stranger(identity, State.CONFLICT, placed.code if isinstance(placed, Refused) else "conflict")
        state = State.NEW if placed.created else State.LINKED
        return Finding(state, placed.user.username, identity.source_id, "", placed.user.id, written=True)

    def _values(self, db: Session, identity: VerifiedIdentity) -> dict[str, object] | Finding:
        if not self._settings.provision:
            return _stranger(identity, State.EXCLUDED, "not_provisioned")
        role = self._rules.first_role(identity, self._settings)
        if role is None:
            return _stranger(identity, State.NO_ROLE)
        if not self._accounts.agrees(db, None, identity, role):
            return _stranger(identity, State.EXCLUDED, "refused_by_application")
        return new_user(identity, role, self._settings)

    def _make(self, db: Session, made: list[tuple[VerifiedIdentity, dict[str, object]]]) -> list[Finding]:
        if not made:
            return []
        mapper, table, now = inspect(self._users), self._users.__table__, self._clock()
        fixed = {"type": mapper.polymorphic_identity, "created": now}
        # The database may make the keys itself; they come back in the order of the rows.
        statement = insert(table).returning(self._key, sort_by_parameter_order=True)
        keys = list(
            db.execute(statement, [column_values(self._users, {**values, **fixed}) for _, values in made]).scalars()
        )
        links = [
            {
                "user_id": key,
                "source": identity.source,
                "issuer": identity.issuer,
                "source_id": identity.source_id,
                "proof": PROVISIONED,
                "created": now,
            }
            for key, (identity, _) in zip(keys, made, strict=True)
        ]
        db.execute(insert(self._identities.__table__), links)
        return [
            Finding(State.NEW, identity.username, identity.source_id, str(values["role"]), key, written=True)
            for key, (identity, values) in zip(keys, made, strict=True)
        ]


def _key(identity: VerifiedIdentity) -> str | None:
    try:
        return canonical_username(identity.username)
    except ValueError:
        return None


def _is_back(staged: Staged, rows: dict[str, Any]) -> bool:
    row, identity = rows.get(staged.source_id), staged.identity
    return row is not None and identity is not None and identity.barred is None and row.missed > 0


def _stranger(identity: VerifiedIdentity, state: State, code: str = "") -> Finding:
    return Finding(state, identity.username, identity.source_id, code)
