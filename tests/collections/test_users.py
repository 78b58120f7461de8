"""Tests of finding, adding and deleting users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onegov_auth.collections import UserCollection, UserGroupCollection
from onegov_auth.errors import ExistingUserError, InvalidPasswordError, UnknownUserError
from onegov_auth.models import User

KEY = "ccccccbcgujh"


def test_a_user_is_added_with_what_is_told(users: UserCollection) -> None:
    """Every argument is the attribute of the same name."""
    one, two = UserGroupCollection(users.session).add(name="one"), UserGroupCollection(users.session).add(name="two")
    factor = {"type": "yubikey", "data": KEY}
    user = users.add(
        "Ann@example.org",
        "password",
        "admin",
        data={"a": 1},
        second_factor=factor,
        active=False,
        realname="Ann",
        signup_token="token",
        group=one,
        phone_number="+41",
        groups=[two],
    )
    users.session.commit()
    assert (user.username, user.role, user.active, user.realname) == ("ann@example.org", "admin", False, "Ann")
    assert user.data == {"a": 1, "phone_number": "+41"}
    assert (user.signup_token, user.phone_number, user.second_factor) == ("token", "+41", factor)
    assert {group.name for group in user.groups} == {"one", "two"}
    assert user.is_matching_password("password")


@pytest.mark.sec("PWD-09")
@pytest.mark.parametrize("missing", ["username", "password", "role"])
def test_name_password_and_role_are_obligatory(users: UserCollection, missing: str) -> None:
    """An empty one is the caller's mistake, with ``python -O`` as well."""
    arguments: dict[str, Any] = {"username": "ann", "password": "password", "role": "member", missing: ""}
    with pytest.raises(AssertionError, match="needs a username, a password and a role"):
        users.add(**arguments)


@pytest.mark.parametrize("username", ["a\0nn", "x" * 1000, "\ud800"])
def test_what_can_be_no_username_is_not_added(users: UserCollection, username: str) -> None:
    """Such a name is refused, and looking for it finds nobody."""
    with pytest.raises(ValueError, match="a username"):
        users.add(username, "password", "member")
    assert users.by_username(username) is None
    assert not users.exists(username)
    assert users.by_username_and_password(username, "password") is None


def test_what_can_be_no_password_is_not_added(users: UserCollection) -> None:
    """A password that can't be hashed adds no user."""
    with pytest.raises(InvalidPasswordError):
        users.add("ann", "a\0b", "member")
    assert not users.exists("ann")


@pytest.mark.sec("UNI-02")
@pytest.mark.parametrize("again", ["ann@example.org", "ANN@EXAMPLE.ORG", " ann@example.org", "ａnn@example.org"])
def test_a_name_is_taken_however_it_is_written(users: UserCollection, again: str) -> None:
    """The second one is told so, whatever filters the collection has, and the rest of the work stays."""
    users.add("Ann@example.org", "password", "member")
    with pytest.raises(ExistingUserError, match=r"(?i)example\.org"):
        UserCollection(users.session, role="admin").add(again, "password", "member")
    users.session.commit()
    assert users.query().count() == 1


def test_another_broken_constraint_is_no_existing_user(users: UserCollection) -> None:
    """An error that is not about the name stays what it is."""
    with pytest.raises(IntegrityError):
        users.add("ann", "password", "member", second_factor={"type": None})


def test_a_user_is_found(users: UserCollection) -> None:
    """By id, in any form, and by name, in any case."""
    user = users.add("Ann@example.org", "password", "member")
    assert users.by_id(user.id) is users.by_id(str(user.id)) is users.by_id(user.id.hex) is user
    assert users.by_username("ANN@example.org") is user
    assert users.exists("ANN@example.org")


def test_nobody_is_found(users: UserCollection) -> None:
    """What is unknown or malformed is nobody, not an error."""
    assert users.by_id(uuid4()) is None
    assert users.by_id("nonsense") is None
    assert users.by_username("ann") is None
    assert not users.exists("ann")
    assert users.by_yubikey(KEY) is None


def test_a_user_is_found_by_provider(users: UserCollection) -> None:
    """A provider's name and its id together are one user, compared byte by byte."""
    user = users.add("ann", "password", "member")
    user.source, user.source_id = "ldap", "ID-1"
    users.session.flush()
    assert users.by_source_id("ldap", "ID-1") is user
    assert users.by_source_id("ldap", "id-1") is None
    assert users.by_source_id("oidc", "ID-1") is None


@pytest.mark.sec("LINK-15")
@pytest.mark.parametrize(("source", "source_id"), [(None, None), ("", ""), ("ldap", None), ("ldap", ""), (None, "1")])
def test_no_id_finds_nobody(users: UserCollection, source: Any, source_id: Any) -> None:
    """A missing id is not the id of those who have none."""
    users.add("ann", "password", "member")
    users.add("bob", "password", "member").source = "ldap"
    users.session.flush()
    assert users.by_source_id(source, source_id) is None


class Counting:
    """A hasher that counts how often it compares."""

    def __init__(self) -> None:
        self.compared = 0

    def hash(self, clear: str) -> str:
        """The clear text, marked."""
        return f"hash of {clear}"

    def verify(self, clear: str, hashed: str | None) -> Any:
        """Compare."""
        self.compared += 1
        return type("Result", (), {"ok": hashed == f"hash of {clear}", "renewed": None})

    def verify_dummy(self, clear: str) -> None:
        """Take as long."""
        self.verify(clear, None)


@pytest.fixture(name="counting")
def _counting(session: Session) -> Counting:
    counting = Counting()
    context = session.info["onegov_auth"]
    session.info["onegov_auth"] = type(context)(context.entities, context.keys, context.clock, counting)
    return counting


@pytest.mark.sec("PWD-08")
@pytest.mark.parametrize(
    ("username", "password", "found"),
    [("ann", "password", True), ("ANN", "password", True), ("ann", "wrong", False), ("bob", "password", False)],
)
def test_name_and_password_cost_one_comparison(
    users: UserCollection, counting: Counting, username: str, password: str, found: bool
) -> None:
    """An unknown name costs what a wrong password does."""
    user = users.add("ann", "password", "member")
    assert users.by_username_and_password(username, password) is (user if found else None)
    assert counting.compared == 1


@pytest.mark.sec("PWD-08")
@pytest.mark.parametrize("hashed", ["", "hash of "])
def test_an_empty_password_is_never_right(users: UserCollection, counting: Counting, hashed: str) -> None:
    """Not even where the stored hash is one of an empty password."""
    users.add("ann", "password", "member").password_hash = hashed
    assert users.by_username_and_password("ann", "") is None


def test_users_are_found_by_role_and_signup_link(users: UserCollection) -> None:
    """Both are queries, to be counted or filtered on."""
    users.add("ann", "password", "admin", signup_token="x")
    users.add("bob", "password", "editor", signup_token="x")
    users.add("eve", "password", "member")
    assert users.by_roles("admin").count() == 1
    assert users.by_roles("admin", "editor").count() == 2
    assert users.by_signup_token("x").count() == 2
    assert users.by_signup_token("y").count() == 0


def test_a_yubikey_finds_its_user(users: UserCollection, shut_out: Callable[[User], None]) -> None:
    """Its owner is found by anything the key types, but not while inactive."""
    user = users.add("ann", "password", "member", second_factor={"type": "yubikey", "data": KEY})
    users.add("bob", "password", "member", second_factor={"type": "foreign", "data": KEY}).factors[0].key = KEY
    assert users.by_yubikey(KEY) is users.by_yubikey(KEY + "ingjrdejhgfnuetrgigvejhhgbkugded") is user
    assert users.by_yubikey("ccccccbcgujd") is None
    shut_out(user)
    users.session.flush()
    assert users.by_yubikey(KEY) is None
    assert users.by_yubikey(KEY, active_only=False) is user


def test_what_there_is_is_listed(users: UserCollection) -> None:
    """Tags, sources and usernames are known without loading users, sorted."""
    users.add("zoe", "password", "member", realname="adam", data={"tags": ["b", "a"]}).source = "oidc"
    users.add("Bob", "password", "member", data={"tags": ["b", "ü"]}).source = "ldap"
    users.add("carl", "password", "member", realname="Carl")
    users.session.commit()
    assert users.tags == ("a", "b", "ü")
    assert users.sources == ("ldap", "oidc")
    assert users.usernames == (("zoe", "adam"), ("bob", None), ("carl", "Carl"))
    assert set(users.usernames_by_tags(["a", "ü"])) == {"zoe", "bob"}
    assert users.usernames_by_tags([]) == ()


def test_nothing_is_listed_where_nobody_is(users: UserCollection) -> None:
    """An empty table has no tags, sources and usernames."""
    assert (users.tags, users.sources, users.usernames) == ((), (), ())


FINDERS: dict[str, Callable[[UserCollection, User], object]] = {
    "by_id": lambda users, user: users.by_id(user.id),
    "by_username": lambda users, user: users.by_username(user.username),
    "exists": lambda users, user: users.exists(user.username) or None,
}


@pytest.mark.parametrize("find", FINDERS.values(), ids=list(FINDERS))
def test_filters_hold_for_single_users_too(users: UserCollection, find: Callable[..., object]) -> None:
    """A collection of admins has no member, however one asks for it."""
    user = users.add("ann", "password", "member")
    assert find(users.for_filter(role="member"), user)
    assert find(users.for_filter(role="admin"), user) is None


def test_a_user_is_deleted(users: UserCollection) -> None:
    """The second time there is nobody to delete."""
    users.add("ann", "password", "member")
    users.delete("ANN")
    assert users.session.scalars(select(User)).all() == []
    with pytest.raises(UnknownUserError, match="ann"):
        users.delete("ann")
