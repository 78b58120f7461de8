"""Tests of a user's second factors."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from onegov_auth.errors import MissingSecretKeyError
from onegov_auth.models import User, UserFactor
from onegov_auth.models.context import CONTEXT
from onegov_auth.testing.clock import FakeClock

KEY = "ccccccbcgujh"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "yubikey", "data": KEY},
        {"type": "mtan", "data": "+41791234567"},
        {"type": "totp", "data": "JBSWY3DPEHPK3PXP"},
        {"type": "foreign", "data": {"nested": [1]}},
    ],
    ids=lambda value: value["type"],
)
def test_a_factor_is_one_value(session: Session, value: dict[str, Any]) -> None:
    """What is assigned, even before the user is stored, is what is read."""
    user = User(username="ann", password_hash="", role="member", second_factor=value)
    assert user.second_factor == value
    session.add(user)
    session.commit()
    session.expunge_all()
    assert session.scalars(select(User)).one().second_factor == value


def test_assigning_replaces_and_none_removes(session: Session, user: User) -> None:
    """A user has the factor assigned last, or none."""
    user.second_factor = {"type": "yubikey", "data": KEY}
    session.commit()
    user.second_factor = {"type": "mtan", "data": "+41"}
    session.commit()
    assert user.second_factor == {"type": "mtan", "data": "+41"}
    assert len(session.scalars(select(UserFactor)).all()) == 1
    user.second_factor = None
    session.commit()
    assert user.second_factor is None
    assert session.scalars(select(UserFactor)).all() == []


def test_the_oldest_factor_is_the_primary_one(session: Session, user: User, clock: FakeClock) -> None:
    """Of several factors the oldest counts, but never a mere spare."""
    for type_ in ("recovery_codes", "mtan", "foreign"):
        session.add(UserFactor(user_id=user.id, type=type_, data={"value": type_}, created=clock()))
        clock.advance(1)
    session.commit()
    assert user.second_factor == {"type": "mtan", "data": "mtan"}


def test_users_are_found_by_factor(session: Session, user: User) -> None:
    """The same question is answered by an object and by a query."""
    user.second_factor = {"type": "yubikey", "data": KEY}
    session.add(User(username="bob", password_hash="", role="member"))
    session.commit()
    bob = session.scalars(select(User).where(User.username == "bob")).one()
    for type_, expected in ((None, True), ("yubikey", True), ("totp", False)):
        assert user.has_factor(type_) is expected
        assert not bob.has_factor(type_)
        found = session.scalars(select(User).where(User.has_factor(type_))).all()
        assert found == ([user] if expected else [])


def test_a_yubikey_is_known_by_its_first_twelve_characters(session: Session, user: User) -> None:
    """Whatever the key typed may be assigned; what is kept is its public id."""
    user.yubikey = KEY + "ingjrdejhgfnuetrgigvejhhgbkugded"
    session.commit()
    assert (user.yubikey, user.has_yubikey, user.yubikey_serial) == (KEY, True, 1072774)
    assert user.second_factor == {"type": "yubikey", "data": KEY}
    user.second_factor = {"type": "yubikey", "data": "ccccccdefghdefghdefghdefghdefghdefghdefghklv"}
    assert (user.yubikey, user.yubikey_serial) == ("ccccccdefghd", 2311522)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_yubikey_is_removed_alone(session: Session, user: User, nothing: str | None) -> None:
    """Taking the YubiKey away leaves factors of other types."""
    user.second_factor = {"type": "mtan", "data": "+41"}
    user.yubikey = KEY
    session.commit()
    assert len(user.factors) == 2
    user.yubikey = nothing
    session.commit()
    assert (user.yubikey, user.has_yubikey, user.yubikey_serial) == (None, False, None)
    assert user.second_factor == {"type": "mtan", "data": "+41"}


@pytest.mark.parametrize("value", ["short", "ccccccbcguja", KEY * 4, KEY + "\n", KEY.upper()])
def test_what_no_yubikey_typed_is_refused(user: User, value: str) -> None:
    """A YubiKey types twelve to 44 characters of modhex."""
    with pytest.raises(ValueError, match="modhex"):
        user.yubikey = value
    assert user.yubikey is None


def test_a_phone_number_is_that_of_the_mtan(user: User) -> None:
    """The number is known if text messages are a factor."""
    assert user.mtan_phone_number is None
    user.second_factor = {"type": "mtan", "data": "+41791234567"}
    assert user.mtan_phone_number == "+41791234567"
    user.second_factor = {"type": "yubikey", "data": KEY}
    assert user.mtan_phone_number is None


def test_a_secret_without_a_key_is_an_error(session: Session, user: User) -> None:
    """A TOTP secret is not stored when there is nothing to encrypt it with."""
    del session.info[CONTEXT]
    user.second_factor = {"type": "totp", "data": "JBSWY3DPEHPK3PXP"}
    with pytest.raises(MissingSecretKeyError):
        session.commit()
    session.rollback()
    assert session.scalars(select(UserFactor)).all() == []
