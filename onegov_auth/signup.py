"""
Signup links: so many people may register with a certain role, until a certain time.

The token is signed and says all of that itself, as in the first seed; beside it there is a row, so that uses
are counted by one conditional statement, and a link can be listed and revoked.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select, update

from onegov_auth.addresses import as_address
from onegov_auth.clock import Clock, utcnow
from onegov_auth.errors import ForbiddenRoleError
from onegov_auth.models import DEFAULT, as_key, primary_key
from onegov_auth.tokens import issue, read

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities, SignupLink, User

__all__ = ["MAX_USES", "Invitation", "SignupLinks", "signup_hash"]

#: The most people one link may let in, as the first seed has it.
MAX_USES = 10_000

#: The purpose of the tokens.
_PURPOSE = "signup"

#: The longest a link may be good; a token that never expires is never missed when it leaks.
MAX_AGE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link gives to somebody who registers by it just now."""

    link: UUID
    role: str
    group_id: Any
    token_hash: str


def signup_hash(token: str) -> str:
    """What the tables hold of a link's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class SignupLinks:
    """
    Makes, counts, lists and revokes signup links.

    Args:
        keys: Sign the tokens.
        roles: All roles, the most powerful first.
        privileged_roles: Roles that only somebody who has such a role may give.
        clock: The time.
        entities: The mapped classes.
        token: Makes a secret of the given number of random bytes, as URL-safe text.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        roles: Sequence[str],
        privileged_roles: Sequence[str] = (),
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        token: Callable[[int], str] = secrets.token_urlsafe,
    ) -> None:
        self._keys = keys
        self._roles = tuple(roles)
        self._privileged = frozenset(privileged_roles)
        self._clock = clock
        self._links: Any = entities.signup_link
        self._users: Any = entities.user
        self._token = token

    def make(  # noqa: PLR0913 - what a link says
        self,
        db: Session,
        role: str,
        max_age: timedelta,
        max_uses: int = 1,
        *,
        group_id: Any = None,
        domain: str | None = None,
        by: User | None = None,
    ) -> tuple[str, SignupLink]:
        """
        A new link.

        Args:
            db: The unit of work to write in.
            role: The role people get who register by it.
            max_age: How long it is good, a year at most.
            max_uses: How many people may come, 1 to 10,000.
            group_id: The group they become members of.
            domain: The domain their addresses have to be of, such as ``example.org``.
            by: Who makes it; ``None`` for an operator, who may give every role.

        Returns:
            The token, which is known to nobody else from now on, and the row.

        Raises:
            ForbiddenRoleError: If *by* may not give that role.
            ValueError: If there is no such role, a number is out of range, or nobody's address is of that domain.
        """
        domain = (domain or "").strip().lstrip("@").lower() or None
        if domain is not None and as_address(f"anybody@{domain}") is None:
            raise ValueError(f"a link is for a domain such as example.org, and not for {domain!r}")
        if role not in self._roles or role == "anonymous":
            raise ValueError(f"there is no role {role!r} to give")
        if not 1 <= max_uses <= MAX_USES:
            raise ValueError(f"a link lets 1 to {MAX_USES} people in")
        if not timedelta(0) < max_age <= MAX_AGE:
            raise ValueError("a link is good for a year at most")
        if by is not None and not self._may_give(by, role):
            raise ForbiddenRoleError(f"The role {role} is not yours to give.")
        claims = {"role": role, "max_uses": max_uses, "salt": self._token(16)}
        token = issue(self._keys, _PURPOSE, claims, max_age, self._clock)
        now = self._clock()
        row: SignupLink = self._links(
            token_hash=signup_hash(token),
            role=role,
            domain=domain,
            max_uses=max_uses,
            uses=0,
            created=now,
            expires=now + max_age,
            group_id=group_id,
            made_by=None if by is None else by.id,
        )
        db.add(row)
        db.flush()
        return token, row

    def decode(self, token: str) -> Mapping[str, Any] | None:
        """What *token* says: ``role``, ``max_uses``, ``salt``; ``None`` if it is forged or too old."""
        return read(self._keys, _PURPOSE, token, self._clock)

    def permitted_role(self, db: Session, token: str) -> str | None:
        """The role somebody gets who registers by *token* now; ``None`` if it lets nobody in any more."""
        row = self._row(db, token)
        return row.role if row is not None and row.uses < row.max_uses and self._is_good(db, row) else None

    def foreign_to(self, db: Session, token: str, username: str) -> str | None:
        """The domain that *token* is for, if it lets people in and *username* is not of it; ``None`` otherwise."""
        row = self._row(db, token)
        good = row is None or not self._is_good(db, row) or _is_of(username, row.domain)
        return None if good or row is None else row.domain

    def use(self, db: Session, token: str, username: str) -> Invitation | None:
        """
        Use *token* once, in the unit of work that adds the user; ``None`` if it lets nobody in any more.

        One conditional statement counts: of any number of registrations at once, as many get through as the
        link allows (RACE-02), and a link that ran out or was revoked is noticed here and not by a cleaner
        (LINK-28).

        Args:
            db: The unit of work to write in.
            token: As it stood in the address; untrusted.
            username: The address that registers, for links of one domain.
        """
        row = self._row(db, token)
        if row is None or not self._is_good(db, row) or not _is_of(username, row.domain):
            return None
        links, now = self._links, self._clock()
        counted = db.execute(
            update(links)
            .where(links.id == row.id, links.uses < links.max_uses, links.revoked.is_(None), links.expires > now)
            .values(uses=links.uses + 1)
            .execution_options(synchronize_session=False)
        )
        if getattr(counted, "rowcount", 0) != 1:
            return None
        return Invitation(row.id, row.role, row.group_id, row.token_hash)

    def list(self, db: Session) -> Sequence[SignupLink]:
        """All links, the newest first."""
        return db.scalars(select(self._links).order_by(self._links.created.desc(), self._links.id)).all()

    def users(self, db: Session, link_id: UUID) -> Sequence[User]:
        """Who came in by that link, the first first."""
        users, links = self._users, self._links
        by_link = select(links.token_hash).where(links.id == link_id).scalar_subquery()
        return db.scalars(select(users).where(users.signup_token == by_link).order_by(users.created)).all()

    def revoke(self, db: Session, link_id: UUID | str) -> bool:
        """Let nobody in by that link any more; says whether it was in force. Who came in stays."""
        key = as_key(self._links, link_id)
        links = self._links
        revoked = db.execute(
            update(links)
            .where(links.id == key, links.revoked.is_(None))
            .values(revoked=self._clock())
            .execution_options(synchronize_session="fetch")
        )
        return getattr(revoked, "rowcount", 0) == 1

    def cleanup(self, db: Session, keep: timedelta = timedelta(days=30)) -> int:
        """Delete links that ran out longer than *keep* ago; returns how many."""
        result = db.execute(delete(self._links).where(self._links.expires <= self._clock() - keep))
        return int(getattr(result, "rowcount", 0))

    def _row(self, db: Session, token: str) -> SignupLink | None:
        if self.decode(token) is None:
            return None
        rows = select(self._links).where(self._links.token_hash == signup_hash(token))
        row: SignupLink | None = db.scalars(rows.execution_options(populate_existing=True)).one_or_none()
        return row

    def _is_good(self, db: Session, row: SignupLink) -> bool:
        if row.revoked is not None or row.expires <= self._clock() or row.role not in self._roles:
            return False
        if row.made_by is None:
            return True
        # Nobody comes in by the word of somebody who may not give that role any more, or was deactivated.
        maker = db.scalar(select(self._users).where(primary_key(self._users) == row.made_by))
        return maker is not None and maker.is_active and self._may_give(maker, row.role)

    def _may_give(self, maker: User, role: str) -> bool:
        if maker.role not in self._roles or self._roles.index(maker.role) > self._roles.index(role):
            return False
        return role not in self._privileged or maker.role in self._privileged


def _is_of(username: str, domain: str | None) -> bool:
    return domain is None or username.strip().lower().rpartition("@")[2] == domain
