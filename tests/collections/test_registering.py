"""Tests of registering and activating users."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from onegov_auth.collections import MIN_PASSWORD_LENGTH, UserCollection
from onegov_auth.database import Database
from onegov_auth.errors import (
    AlreadyActivatedError,
    ExistingUserError,
    InsecurePasswordError,
    InvalidActivationTokenError,
    UnknownUserError,
)
from onegov_auth.models import User

REQUEST = SimpleNamespace(client_addr="192.0.2.1")


@pytest.fixture(name="ann")
def _ann(users: UserCollection) -> User:
    ann = users.register("Ann@example.org", "long enough", REQUEST)
    users.session.commit()
    return ann


def test_who_registers_is_inactive(ann: User, users: UserCollection) -> None:
    """A member, not active, with a token of 256 bits and an address nobody proved."""
    assert (ann.username, ann.role, ann.active) == ("ann@example.org", "member", False)
    assert len(bytes.fromhex(ann.data["activation_token"])) == 32
    assert (ann.email, ann.email_verified) == ("ann@example.org", False)
    other = users.register("bob", "long enough", REQUEST, role="editor", signup_token="link")
    assert (other.role, other.signup_token, other.email) == ("editor", "link", None)
    assert other.data["activation_token"] != ann.data["activation_token"]


@pytest.mark.parametrize("password", ["", "x" * (MIN_PASSWORD_LENGTH - 1)])
def test_a_short_password_is_refused(users: UserCollection, password: str) -> None:
    """Ten characters are the least, as in the first seed."""
    with pytest.raises(InsecurePasswordError):
        users.register("ann", password, REQUEST)
    assert not users.exists("ann")


def test_a_taken_name_is_refused(users: UserCollection, ann: User) -> None:
    """A name that folds to the same is taken."""
    with pytest.raises(ExistingUserError):
        users.register("ANN@example.org", "long enough", REQUEST)


def test_a_name_is_obligatory(users: UserCollection) -> None:
    """An empty name is the caller's mistake."""
    with pytest.raises(AssertionError, match="needs a username"):
        users.register("", "long enough", REQUEST)


@pytest.mark.sec("LOG-01")
def test_registering_is_logged_in_one_line(users: UserCollection, caplog: pytest.LogCaptureFixture) -> None:
    """Who registered from where is logged, and no name forges another line."""
    with caplog.at_level(logging.INFO, "onegov_auth"):
        users.register("ann", "long enough", REQUEST)
        users.register("b\u2028ob) x (", "long enough", SimpleNamespace(client_addr=None))
    assert caplog.messages == [
        "Registration by 192.0.2.1 (ann)",
        r"Registration by unknown (b\x2028ob\x29 x \x28)",
    ]


def test_the_token_activates(users: UserCollection, ann: User) -> None:
    """Whoever has the token is active, with a verified address, and the token is gone."""
    token = ann.data["activation_token"]
    ann.data["town"] = "Govikon"
    users.activate_with_token("ANN@example.org", token)
    users.session.commit()
    assert (ann.active, ann.email_verified, ann.data) == (True, True, {"town": "Govikon"})
    with pytest.raises(AlreadyActivatedError):
        users.activate_with_token("ann@example.org", token)


def test_a_name_that_is_no_address_is_not_verified(users: UserCollection) -> None:
    """Without an address there is nothing to verify."""
    user = users.register("ann", "long enough", REQUEST)
    users.activate_with_token("ann", user.data["activation_token"])
    assert (user.active, user.email_verified) == (True, False)


@pytest.mark.parametrize("token", ["", "wrong", "\ud800", None])
def test_another_token_does_not_activate(users: UserCollection, ann: User, token: str) -> None:
    """A wrong token changes nothing."""
    with pytest.raises(InvalidActivationTokenError):
        users.activate_with_token("ann@example.org", token)
    assert not ann.active


@pytest.mark.parametrize("token", ["", "None", None])
def test_who_has_no_token_cannot_be_activated_by_one(users: UserCollection, token: str) -> None:
    """Somebody who was deactivated is not let in again by an empty token."""
    users.add("ann", "password", "member", active=False)
    with pytest.raises(InvalidActivationTokenError):
        users.activate_with_token("ann", token)


def test_nobody_is_activated(users: UserCollection) -> None:
    """An unknown name is told apart."""
    with pytest.raises(UnknownUserError):
        users.activate_with_token("nobody", "token")


@pytest.mark.sec("RACE-03")
def test_of_two_activations_one_is_the_first(database: Database, users: UserCollection, ann: User) -> None:
    """Whoever comes second finds the user active, also when both read before one wrote."""
    token = ann.data["activation_token"]
    users.session.commit()
    assert (ann.active, "activation_token" in ann.data) == (False, True)
    with database.unit() as other:
        UserCollection(other).activate_with_token("ann@example.org", token)

    class Stale(UserCollection):
        def by_username(self, username: str) -> User | None:
            """The user as it was before."""
            return ann

    with pytest.raises(AlreadyActivatedError):
        Stale(users.session).activate_with_token("ann@example.org", token)


def test_other_sessions_see_the_activation(database: Database, session: Session, ann: User) -> None:
    """What is activated in one session is active in another."""
    UserCollection(session).activate_with_token("ann@example.org", ann.data["activation_token"])
    session.commit()
    with database.read() as other:
        assert UserCollection(other, active=True).exists("ann@example.org")
