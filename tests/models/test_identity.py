"""Tests of links between users and providers."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import User, UserIdentity
from onegov_auth.testing.clock import FakeClock


@pytest.fixture(name="link")
def _link(session: Session, user: User, clock: FakeClock) -> UserIdentity:
    link = UserIdentity(source="ldap", source_id="ID-1", proof="admin", created=clock())
    user.identities.append(link)
    session.commit()
    return link


def test_a_link_is_usable_unless_frozen(link: UserIdentity, user: User, clock: FakeClock) -> None:
    """A new link can be used, was not used yet, and knows its user."""
    assert (link.frozen, link.last_used, link.issuer, link.created) == (False, None, None, clock())
    assert link.user is user


@pytest.mark.sec("LINK-01", "LINK-11", "LINK-16", "RACE-12")
def test_a_provider_knows_a_person_once(session: Session, link: UserIdentity) -> None:
    """The same id at the same provider is linked to no second user."""
    bob = User(username="bob", password_hash="", role="member")
    bob.identities.append(UserIdentity(source="ldap", source_id="ID-1", proof="admin"))
    session.add(bob)
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.sec("LINK-01")
@pytest.mark.parametrize(
    ("source", "source_id"), [("ldap", "id-1"), ("LDAP", "ID-1"), ("oidc", "ID-1"), ("ldap", "ID-1 ")]
)
def test_ids_are_compared_byte_by_byte(session: Session, link: UserIdentity, source: str, source_id: str) -> None:
    """Another case, or another provider, is somebody else."""
    link.user.identities.append(UserIdentity(source=source, source_id=source_id, proof="admin"))
    session.commit()
    assert len(link.user.identities) == 2


def test_a_link_can_be_taken_away(session: Session, link: UserIdentity, user: User) -> None:
    """A link that is removed from its user is deleted."""
    user.identities.remove(link)
    session.commit()
    assert session.get(UserIdentity, link.id) is None
