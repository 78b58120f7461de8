"""Tests of where models get their password hashes from."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoints
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from onegov_auth.errors import RegistryError
from onegov_auth.models import User
from onegov_auth.models.context import CONTEXT
from onegov_auth.models.hashing import default_hasher, hasher_of
from onegov_auth.passwords import Hasher


@pytest.fixture(name="forgotten")
def _forgotten() -> Iterator[None]:
    """The default is looked up anew, in this test and after it."""
    default_hasher.cache_clear()
    yield
    default_hasher.cache_clear()


def test_the_installed_hasher_is_the_default(forgotten: None) -> None:
    """Without a session, a password is hashed by the installed default, which is made once."""
    assert isinstance(hasher_of(None), Hasher)
    assert hasher_of(None) is default_hasher()
    assert User(password="a password").password_hash.startswith("$argon2id$")


def test_a_session_has_a_hasher_of_its_own() -> None:
    """Two applications in one process may hash differently."""
    cheap = Hasher.cheap()
    assert hasher_of(Session(info={CONTEXT: SimpleNamespace(hasher=cheap)})) is cheap


def test_a_missing_hasher_is_named(forgotten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the entry point says what to do."""
    monkeypatch.setattr("onegov_auth.models.hashing.entry_points", lambda **_: EntryPoints())
    with pytest.raises(RegistryError, match="install onegov-auth again"):
        hasher_of(None)
