from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.models import SignupLink, User, UserGroup
from onegov_auth.testing.clock import FakeClock


def link(clock: FakeClock, **values: object) -> SignupLink:
    return SignupLink(
        **{"token_hash": "0" * 64, "role": "member", "max_uses": 1, **values}, created=clock(), expires=clock()
    )


def test_a_link_has_not_been_used(session: Session, clock: FakeClock) -> None:
    """Its counter begins at nothing, and a domain is kept in lower case."""
    session.add(link(clock, domain="Example.org"))
    session.commit()
    row = session.scalars(select(SignupLink)).one()
    assert (row.uses, row.revoked, row.domain) == (0, None, "example.org")


def test_a_token_is_one_link_s(session: Session, clock: FakeClock) -> None:
    """Two links never have the same token."""
    session.add_all([link(clock), link(clock)])
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.sec("LINK-28")
@pytest.mark.parametrize("gone", ["maker", "group"])
def test_a_link_goes_with_its_maker_and_its_group(session: Session, clock: FakeClock, user: User, gone: str) -> None:
    """Nobody comes in by the word of somebody who is gone, or into a group that is."""
    group = UserGroup(name="club")
    session.add(group)
    session.flush()
    session.add(link(clock, made_by=user.id, group_id=group.id))
    session.commit()
    session.delete(user if gone == "maker" else group)
    session.commit()
    assert session.scalars(select(SignupLink)).all() == []
