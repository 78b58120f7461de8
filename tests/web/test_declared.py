from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from onegov_auth.database import Database
from onegov_auth.errors import RegistryError
from onegov_auth.models import Base, PermissionRow
from onegov_auth.web import AuthApp, AuthBase, Secret, has_any
from onegov_auth.web.declared import declared_permissions
from onegov_auth.web.permissions import Permission


class Read(Permission):
    """Read things."""

    token = "read"


class Mounted(AuthBase):
    """Inside of the other one."""


class Site(AuthApp):
    """Lists one permission; its views ask for others."""

    permissions = ("listed",)


class OfAnotherKind:
    """A host's own permission class."""


class Root:
    """The front page."""


@Site.path(path="", model=Root)
@Mounted.path(path="", model=Root)
def _root() -> Root:
    return Root()


@Site.html(model=Root, permission=has_any(Read, Secret, has_any("deep", lambda _: True)))
@Site.html(model=Root, name="other", permission=OfAnotherKind)
@Site.html(model=Root, name="open")
@Mounted.html(model=Root, permission=has_any("mounted"))
def _page(self: Root, request: Any) -> str:
    return "shown"


@Site.mount(path="mounted", app=Mounted)
def _mounted() -> Mounted:
    return Mounted()


@pytest.fixture(name="start")
def _start(database: Database, make_settings: Callable[..., Any]) -> Callable[..., Site]:
    """Start the site, or one that lists other permissions, as from its settings."""

    def start(permissions: Any = Site.permissions) -> Site:
        class Started(Site):
            pass

        Started.permissions = permissions
        with database.engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS onegov_auth_version (version_num TEXT)"))
            connection.execute(text("DELETE FROM onegov_auth_version"))
            from onegov_auth.migrations import head  # noqa: PLC0415 - only here

            connection.execute(text("INSERT INTO onegov_auth_version VALUES (:head)"), {"head": head()})
        return Started.from_settings(make_settings(), database=database)

    return start


@pytest.fixture(name="tokens")
def _tokens(database: Database) -> Callable[[], set[str]]:
    """What is in the table."""

    def tokens() -> set[str]:
        with database.read() as db:
            return set(db.scalars(select(PermissionRow.token)))

    return tokens


def test_listed_and_asked_for_is_declared() -> None:
    """The catalogue has what is listed and what views ask for at any depth, also those of what is mounted."""
    Site.commit()

    assert declared_permissions(Site) == {"listed": None, "read": "Read things.", "deep": None, "mounted": None}


def test_table_is_brought_in_line_at_start(start: Callable[..., Site], tokens: Callable[[], set[str]]) -> None:
    """Every start adds what is new; what a list leaves out is removed, and without a list nothing is."""
    start()
    assert tokens() == {"listed", "read", "deep", "mounted"}

    start(["other"])
    assert tokens() == {"other", "read", "deep", "mounted"}
    start(None)
    assert tokens() == {"other", "read", "deep", "mounted"}
    start([])
    assert tokens() == {"read", "deep", "mounted"}


def test_set_of_tokens_is_checked(start: Callable[..., Site]) -> None:
    """An application tells whether tokens are declared."""
    site = start()

    site.validate_permission_set(["listed", "deep"])
    with pytest.raises(RegistryError, match="no such permission: lisetd"):
        site.validate_permission_set(["read", "lisetd"])


def test_table_may_come_later(
    start: Callable[..., Site], database: Database, tokens: Callable[[], set[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """An application that makes its tables after its start is told what to call; a broken table stays an error."""
    site = start()
    Base.metadata.drop_all(database.engine)
    caplog.set_level(logging.WARNING, "onegov_auth.permissions")

    assert site.sync_permissions() is None
    assert "call sync_permissions()" in caplog.text
    Base.metadata.create_all(database.engine)
    changes = site.sync_permissions()

    assert changes is not None
    assert set(changes.added) == tokens() == {"listed", "read", "deep", "mounted"}


def test_broken_table_is_an_error(start: Callable[..., Site], database: Database) -> None:
    """A table that is there and can't be read stops the start."""
    site = start()
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE permissions RENAME COLUMN token TO other"))

    with pytest.raises(Exception, match="no such column"):
        site.sync_permissions()
