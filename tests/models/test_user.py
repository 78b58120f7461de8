"""Tests of users."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from onegov_auth.database import Database
from onegov_auth.errors import InvalidPasswordError
from onegov_auth.models import (
    TAN,
    AuthEvent,
    LoginTransaction,
    RoleMapping,
    User,
    UserFactor,
    UserGroup,
    UserIdentity,
    UserSession,
)
from onegov_auth.passwords import Hasher
from onegov_auth.testing.clock import FakeClock


class Robot(User):
    """A user of another type."""

    __mapper_args__ = {"polymorphic_identity": "robot"}  # noqa: RUF012 - SQLAlchemy's habit


def new(**values: Any) -> User:
    """A user with what is obligatory."""
    return User(**{"username": "ann", "password_hash": "", "role": "member", **values})


def test_a_user_has_these_defaults(session: Session) -> None:
    """What is not said about a user is as in the first seed."""
    user = new()
    session.add(user)
    session.commit()
    assert (user.type, user.active, user.is_enabled, user.data, user.groups) == ("generic", True, True, {}, [])
    assert (user.realname, user.source, user.source_id, user.last_login, user.signup_token) == (None,) * 5
    assert (user.email, user.email_verified, user.is_superuser) == (None, False, False)


def test_a_username_is_lower_cased() -> None:
    """The name is lower-cased at once, and its canonical form is known at once."""
    user = new(username="Straße@Example.ORG")
    assert (user.username, user.username_key) == ("straße@example.org", "strasse@example.org")


def test_a_username_is_found_in_any_case(session: Session, user: User) -> None:
    """A condition on the username lower-cases what it compares with."""
    assert session.scalars(select(User).where(User.username == "ANN@Example.org")).one() is user


@pytest.mark.parametrize("username", ["a\0b", "", "a\ud800"])
def test_what_can_be_no_username_is_refused(username: str) -> None:
    """An unusable name is refused where it is assigned."""
    with pytest.raises(ValueError, match="a username"):
        new(username=username)


@pytest.mark.sec("UNI-02", "UNI-07")
@pytest.mark.parametrize("other", ["ANN@example.org", "ａnn@example.org", "ann\u00ad@example.org"])
def test_names_that_look_alike_are_taken(session: Session, user: User, other: str) -> None:
    """The database itself refuses a second user whose name folds to the same."""
    session.add(new(username=other))
    with pytest.raises(IntegrityError):
        session.flush()


def test_the_table_refuses_names_that_differ_in_case(session: Session, user: User) -> None:
    """A statement that goes past the models is held by the index on ``lower(username)``."""
    session.execute(text("UPDATE users SET username = 'ann'"))
    other = new(username="bob")
    session.add(other)
    session.flush()
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE users SET username = 'ANN' WHERE username = 'bob'"))


def test_a_statement_without_objects_sets_the_canonical_name(session: Session) -> None:
    """``insert()`` computes the canonical name as an object does."""
    session.execute(insert(User).values(username="Straße", password_hash="", role="member"))
    assert session.scalars(select(User.username_key)).all() == ["strasse"]


def test_source_and_source_id_are_unique_together(session: Session) -> None:
    """A provider's id belongs to one user; other providers may use the same, and case matters."""
    pairs = [("ldap", "1"), ("oidc", "1"), ("oidc", "A"), ("oidc", "a"), (None, None), (None, None)]
    for number, (source, source_id) in enumerate(pairs):
        session.add(new(username=f"user{number}", source=source, source_id=source_id))
    session.commit()
    session.add(new(source="oidc", source_id="A"))
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.parametrize(
    ("realname", "title"), [("Ann Lee", "Ann Lee"), (" Ann ", "Ann"), (" \t", "ann"), ("", "ann"), (None, "ann")]
)
def test_a_title_is_the_real_name_or_the_username(session: Session, realname: str | None, title: str) -> None:
    """The title is the same in Python and in SQL."""
    user = new(realname=realname)
    session.add(user)
    session.flush()
    assert (user.title, user.name) == (title, title)
    assert session.execute(select(User.title, User.name)).one() == (title, title)


@pytest.mark.parametrize(
    ("username", "realname", "initials"),
    [
        ("admin", None, "A"),
        ("nathan.drake@example.org", None, "ND"),
        ("a.b.c.d@example.org", None, "AB"),
        (".a..b...c..", None, "AB"),
        (".@x", None, "?"),
        ("@x", None, "?"),
        ("victor@example.org", "Victor Sullivan", "VS"),
        ("burns@example.org", "Charles Montgomery Burns", "CB"),
        ("burns@example.org", "  charles  burns ", "CB"),
        ("admin", "  ", "A"),
        ("ß", None, "S"),
    ],
)
def test_initials(username: str, realname: str | None, initials: str) -> None:
    """Initials are at most two capital letters."""
    assert User.get_initials(username, realname) == initials
    assert User(username=username, realname=realname).initials == initials


def test_a_password_is_hashed_when_assigned(session: Session, user: User) -> None:
    """The password reads as its hash, and matches in clear text."""
    user.password = "correct horse"
    session.commit()
    assert user.password == user.password_hash
    assert user.password.startswith("$argon2id$")
    assert user.is_matching_password("correct horse")
    assert not user.is_matching_password("wrong horse")
    assert session.scalars(select(User).where(User.password == user.password_hash)).one() is user


@pytest.mark.sec("PWD-08")
@pytest.mark.parametrize("unusable", ["", "!", "*", "$argon2id$", "plain"])
@pytest.mark.parametrize("given", ["", "!", "*", "plain"])
def test_an_unusable_hash_matches_nothing(unusable: str, given: str) -> None:
    """Nobody gets in where no usable hash is stored, whatever is typed."""
    assert not new(password_hash=unusable).is_matching_password(given)


@pytest.mark.sec("PWD-05")
@pytest.mark.parametrize("password", ["correct\0horse", "x" * 1_000_000, "\ud800"], ids=["nul", "long", "surrogate"])
def test_what_can_be_no_password_does_not_match(user: User, password: str) -> None:
    """Such a password is wrong, not an error; setting it is one."""
    user.password = "correct"
    assert not user.is_matching_password(password)
    with pytest.raises(InvalidPasswordError):
        user.password = password


@pytest.mark.sec("PWD-07", "RACE-14")
def test_a_renewed_hash_does_not_undo_another_password(database: Database, session: Session, user: User) -> None:
    """A renewal that loses against a new password changes nothing."""
    assert user.password_hash == "old"
    with database.unit() as other:
        other.execute(update(User).values(password_hash="changed"))
    assert user.renew_password_hash("renewed") is False
    session.commit()
    assert user.password_hash == "changed"


@pytest.mark.sec("PWD-07")
def test_a_hash_can_be_renewed(session: Session, user: User) -> None:
    """A renewed hash is stored, also together with other changes."""
    user.realname = "Ann"
    assert user.renew_password_hash("renewed") is True
    session.commit()
    assert (user.password_hash, user.realname) == ("renewed", "Ann")


def test_data_is_loaded_when_it_is_asked_for(session: Session, user: User) -> None:
    """Lists of users don't carry every user's data."""
    user.data = {"a": 1}
    session.commit()
    session.expunge_all()
    assert "data" in inspect(session.scalars(select(User)).one()).unloaded
    session.expunge_all()
    assert session.scalars(select(User).options(undefer(User.data))).one().__dict__["data"] == {"a": 1}


def test_tags_and_phone_number_are_kept_in_data(session: Session, user: User) -> None:
    """Both are read from and written to ``data``, and changes of tags in place are noticed."""
    assert (user.tags, user.phone_number) == (None, None)
    user.tags, user.phone_number = ["a"], "+41791234567"
    session.commit()
    assert user.tags is not None
    user.tags.append("b")
    session.commit()
    assert user.data == {"tags": ["a", "b"], "phone_number": "+41791234567"}
    user.tags = None
    assert user.tags is None


def test_tags_of_a_user_that_is_not_stored_yet() -> None:
    """A new user has no data until something is kept there."""
    user = new()
    assert (user.tags, user.userprofile) == (None, [])
    user.tags = ("a",)
    assert user.data == {"tags": ["a"]}


def test_a_profile_is_what_may_be_searched_for() -> None:
    """All texts in ``data`` are, but not the token that activates the account."""
    data = {"town": "Govikon", "empty": "", "number": 1, "tags": ["x"], "activation_token": "secret"}
    assert new(data=data).userprofile == ["Govikon"]


@pytest.mark.parametrize(("realname", "first"), [("Ann Lee", "Ann Lee"), (None, "ann")])
def test_a_search_suggests_title_and_username(realname: str | None, first: str) -> None:
    """Suggestions go by the first seed's two names."""
    user = new(realname=realname)
    assert user.fts_suggestion == user.es_suggestion == (first, "ann")


def test_an_email_is_lower_cased() -> None:
    """An address is lower-cased, and an empty one is none."""
    assert new(email="Ann@Example.org").email == "ann@example.org"
    assert new(email="").email is None


def test_a_user_may_be_of_another_type(session: Session) -> None:
    """A subclass of the default class shares its table, under its own type."""
    session.add_all([Robot(username="r2", password_hash="", role="member"), new()])
    session.commit()
    session.expunge_all()
    users = session.scalars(select(User).order_by(User.username)).all()
    assert [(type(user), user.type) for user in users] == [(User, "generic"), (Robot, "robot")]


@pytest.fixture(name="belongings")
def _belongings(session: Session, user: User, clock: FakeClock) -> list[type[Any]]:
    """Something of every kind that belongs to a user."""
    now, id_ = clock(), user.id
    group = UserGroup(name="staff", users=[user])
    own = [
        UserIdentity(user_id=id_, source="ldap", source_id="1", proof="admin"),
        UserFactor(user_id=id_, type="mtan", data={"value": "+41"}),
        UserSession(token_hash="0" * 64, user_id=id_, provider="local", created=now, last_seen=now, expires=now),
        LoginTransaction(id_hash="0" * 64, kind="x", browser_hash="0" * 64, user_id=id_, created=now, expires=now),
        RoleMapping(username=user.username, role="editor", content_id="1", content_type="towns"),
    ]
    session.add_all([group, *own])
    session.commit()
    return [type(row) for row in own]


@pytest.mark.parametrize("way", ["object", "statement"])
def test_a_deleted_user_leaves_nothing_behind(
    session: Session, user: User, belongings: list[type[Any]], way: str
) -> None:
    """All that belongs to a user goes with the user, object by object or all at once; groups stay."""
    if way == "object":
        session.delete(user)
    else:
        session.execute(delete(User))
    session.commit()
    assert [class_ for class_ in belongings if session.scalars(select(class_)).first()] == []
    assert session.scalar(text("SELECT count(*) FROM user_group_associations")) == 0
    assert session.scalars(select(UserGroup)).one().users.all() == []


def test_what_happened_outlives_the_user(session: Session, user: User) -> None:
    """Events have no foreign key."""
    session.add(AuthEvent(type="login", user_id=user.id))
    session.commit()
    session.delete(user)
    session.commit()
    assert session.scalars(select(AuthEvent.type)).all() == ["login"]


def test_last_login_is_a_time(session: Session, user: User, clock: FakeClock) -> None:
    """The last login comes back aware and in UTC."""
    user.last_login = clock()
    session.commit()
    assert isinstance(user.last_login, datetime)
    assert user.last_login == clock()


def test_hashing_may_be_cheap_in_tests(session: Session) -> None:
    """The session's own hasher makes the hash of an object in it."""
    user = new()
    session.add(user)
    user.password = "a password"
    assert Hasher.cheap().verify("a password", user.password_hash).renewed is None


def test_tans_belong_to_nobody(session: Session, user: User) -> None:
    """A TAN has no user: it is bound by what the application says."""
    session.add(TAN(hashed_tan="x", scope="x", client="x", meta={"username": user.username}))
    session.delete(user)
    session.commit()
    assert session.scalars(select(TAN)).one().meta == {"username": "ann@example.org"}
