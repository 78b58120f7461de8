from __future__ import annotations

import pytest
from sqlalchemy import select

from onegov_auth.accounts.local import SEEN, LocalPasswords, fingerprint
from onegov_auth.database import Database
from onegov_auth.domain import Password, VerifiedIdentity
from onegov_auth.models import User
from onegov_auth.outcomes import Refused
from onegov_auth.passwords import Hasher


@pytest.fixture(name="local")
def _local(database: Database, hasher: Hasher) -> LocalPasswords:
    with database.unit() as db:
        db.add(User(username="ann", password_hash=hasher.hash("the password"), role="member"))
        db.add(User(username="external", password_hash="", role="member"))
    return LocalPasswords(database, hasher)


def test_the_right_password_is_an_identity(local: LocalPasswords, database: Database) -> None:
    """The identity is local, keyed by the user's id, and knows which hash was compared."""
    identity = local.verify("ANN", Password("the password"))

    assert isinstance(identity, VerifiedIdentity)
    with database.read() as db:
        user = db.scalars(select(User).filter_by(username="ann")).one()
    assert (identity.source, identity.source_id, identity.username) == ("local", user.id.hex, "ann")
    assert identity.attributes == {SEEN: fingerprint(user.password_hash)}
    assert identity.authn.methods == {"pwd"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("ann", "wrong_password"), ("nobody", "unknown_user"), ("external", "no_password"), ("\x00", "unknown_user")],
)
def test_a_wrong_one_is_told_apart_in_the_log(local: LocalPasswords, name: str, code: str) -> None:
    """Wrong, unknown and none have codes of their own."""
    refused = local.verify(name, Password("wrong"))

    assert isinstance(refused, Refused)
    assert refused.code == code


@pytest.mark.sec("PWD-07")
def test_a_renewed_hash_replaces_only_the_compared_one(local: LocalPasswords, database: Database) -> None:
    """A password that was set meanwhile is not overwritten by an old one's renewal."""
    with database.read() as db:
        user = db.scalars(select(User).filter_by(username="ann")).one()
    local._renew(user.username_key, "another hash", "the renewal")

    with database.read() as db:
        assert db.scalars(select(User.password_hash).filter_by(username="ann")).one() == user.password_hash
