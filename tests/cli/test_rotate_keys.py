"""Encrypting anew what is encrypted with an older secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.models import SigningKey, User, UserFactor, UserSession
from onegov_auth.settings import Secret

OLD, NEW = "the old secret, long enough for everything here", "the new secret, long enough for everything here"


def _keyed(database: Database, *secrets: str) -> Database:
    return Database(database.engine.url, database.schema, keys=Keys(list(map(Secret, secrets)), "main/app"))


@pytest.fixture(name="rotate")
def _rotate(run: Any, tmp_path: Path) -> Any:
    """``rotate(NEW, OLD)`` calls the command with these secrets."""

    def rotate(*secrets: str) -> Any:
        path = tmp_path / "auth.yml"
        mapping = {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": list(secrets)}
        path.write_text(yaml.safe_dump(mapping))
        return run("--config", str(path), "rotate-keys", "--json")

    return rotate


@pytest.fixture(name="stored")
def _stored(database: Database, add_user: Any) -> None:
    """A factor and a session, encrypted with the old secret."""
    user = add_user("ann")
    old = _keyed(database, OLD)
    with old.unit() as db:
        db.get_one(User, user.id).second_factor = {"type": "totp", "data": "a secret"}
    from onegov_auth.domain import AuthnContext, Client, UserInfo, VerifiedIdentity  # noqa: PLC0415 - only here
    from onegov_auth.sessions import Sessions  # noqa: PLC0415 - likewise
    from onegov_auth.settings.session import Sessions as Limits  # noqa: PLC0415 - likewise

    sessions = Sessions(old, Limits(), Keys([Secret(OLD)], "main/app"), application="main/app")
    authn = AuthnContext(logout_hint="hint", refresh_token="refresh")
    identity = VerifiedIdentity(source="company", issuer=None, source_id="1", username="ann", authn=authn)
    with old.unit() as db:
        sessions.open(db, UserInfo(id=user.id, username="ann", role="member"), identity, Client())
    old.dispose()


@pytest.mark.sec("ASVS-13.3.4")
def test_everything_is_readable_with_the_new_one(rotate: Any, stored: None, database: Database, told: Any) -> None:
    """What was encrypted with the old secret is told by number, and can be read without it; a second run finds none."""
    said = json.loads(rotate(NEW, OLD).stdout)
    assert {name: said[name] for name in ("factors", "sessions", "refresh-tokens", "messages")} == {
        "factors": 1,
        "sessions": 1,
        "refresh-tokens": 1,
        "messages": 0,
    }
    new = _keyed(database, NEW)
    with new.read() as db:
        assert db.scalars(select(UserFactor)).one().clear_secret == "a secret"
        row = db.scalars(select(UserSession)).one()
        assert new.context.keys is not None
        assert new.context.keys.decrypt("session", row.logout_hint or "", str(row.id)) == "hint"
        assert new.context.keys.decrypt("refresh", row.refresh_token or "", str(row.id)) == "refresh"
    new.dispose()
    assert json.loads(rotate(NEW).stdout)["factors"] == 0
    assert [type_ for type_, *_ in told()] == ["keys_rotated"] * 3


def test_a_secret_that_was_taken_out_too_early(rotate: Any, stored: None, database: Database) -> None:
    """It is said, and nothing is lost: with the old secret back it works."""
    result = rotate(NEW)
    assert result.exit_code == 4
    assert "3 can't be decrypted" in result.output

    assert json.loads(rotate(NEW, OLD).stdout)["factors"] == 1


def test_access_tokens_are_signed_with_a_new_key(run: Any, tmp_path: Path, database: Database, told: Any) -> None:
    """Where there are access tokens, each run makes a key and retires the one before."""
    path = tmp_path / "auth.yml"
    url = database.engine.url.render_as_string(hide_password=False)
    mapping = {"base_url": "https://app.example.org", "database": url, "secrets": [NEW]}
    path.write_text(yaml.safe_dump({**mapping, "tokens": {"jwt": {"enabled": True}}}))
    for _ in range(2):
        assert "signed with a new key" in run("--config", str(path), "rotate-keys").stdout

    with database.read() as db:
        rows = db.scalars(select(SigningKey).order_by(SigningKey.created)).all()
    assert [row.retired is None for row in rows] == [False, True]
    assert [steps for type_, _, steps in told() if type_ == "keys_rotated"] == [
        [["signing-key", row.id]] for row in rows
    ]
