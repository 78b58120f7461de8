"""
Permissions of somebody in 50 groups with 20 bundles of 10 permissions each, beside the statements one writes by hand.

By hand means: the SQL as one writes it, over the plain tables, without dates or origins of grants and without
superusers, on the driver's connection from the same pool, in autocommit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, insert, select, text

from benchmarks.framework import App, Root, get
from benchmarks.measure import Line, Measured, interleaved
from benchmarks.people import refresh, session_token
from onegov_auth import Permission
from onegov_auth.auth import Auth
from onegov_auth.models import DEFAULT, Bundle, PermissionRow, User, UserGroup
from onegov_auth.settings import Settings

__all__ = ["permissions"]

SINGLE_LIMIT = 1.5
SET_LIMIT = 1.3

#: What a further check in the same request may cost, in milliseconds.
FURTHER = 0.001

GROUPS, BUNDLES, PERMISSIONS = 50, 20, 10

#: What is asked for and had; the last of all that anybody has a look at.
ASKED = f"area7.action{GROUPS * BUNDLES * PERMISSIONS - 1}"

_BUNDLES = "JOIN bundle_permission_associations b ON b.bundle_id ="

#: The tables of each way to a permission, and where its id is.
_CHAINS = {
    "user_permission_associations a": "a.permission_id",
    f"user_bundle_associations a {_BUNDLES} a.bundle_id": "b.permission_id",
    "user_group_associations a JOIN group_permission_associations b ON b.group_id = a.group_id": "b.permission_id",
    f"user_group_associations a JOIN group_bundle_associations g ON g.group_id = a.group_id {_BUNDLES} g.bundle_id": (
        "b.permission_id"
    ),
}


class Asked(Permission):
    """What the page asks for."""

    token = ASKED


def fill_rights(engine: Engine, distinct: int) -> None:
    """
    Give the first user 10,000 rows of permissions, and everybody else some of the groups.

    Args:
        engine: A database with people.
        distinct: How many permissions there are.
    """
    drawn = random.Random(5)
    keys = [UUID(int=drawn.getrandbits(128)) for _ in range(GROUPS + GROUPS * BUNDLES + distinct)]
    groups, bundles, rows = keys[:GROUPS], keys[GROUPS : GROUPS + GROUPS * BUNDLES], keys[GROUPS + GROUPS * BUNDLES :]
    tokens = [ASKED, *(f"area{number % 100}.action{number}" for number in range(distinct - 1))]
    content = {
        (bundle, rows[(number * PERMISSIONS + position) % distinct])
        for number, bundle in enumerate(bundles)
        for position in range(PERMISSIONS)
    }
    with engine.begin() as connection:
        for table in (DEFAULT.user_groups, DEFAULT.group_bundles, DEFAULT.bundle_permissions):
            connection.execute(table.delete())
        for class_ in (UserGroup, Bundle, PermissionRow):
            connection.execute(class_.__table__.delete())  # type: ignore[attr-defined]  # SQLAlchemy types it too widely
        people = list(connection.scalars(select(User.id).order_by(User.id)))
        members = [(people[0], group) for group in groups]
        members += [(person, group) for person in people[1:] for group in drawn.sample(groups, 5)]
        connection.execute(
            insert(UserGroup), [{"id": key, "name": key.hex, "meta": {}, "content": {}} for key in groups]
        )
        connection.execute(insert(Bundle), [{"id": key, "name": key.hex} for key in bundles])
        named = zip(rows, tokens, strict=True)
        connection.execute(insert(PermissionRow), [{"id": key, "token": token} for key, token in named])
        connection.execute(insert(DEFAULT.user_groups), [{"user_id": user, "group_id": key} for user, key in members])
        held = [{"group_id": groups[number // BUNDLES], "bundle_id": key} for number, key in enumerate(bundles)]
        connection.execute(insert(DEFAULT.group_bundles), held)
        connection.execute(
            insert(DEFAULT.bundle_permissions), [{"bundle_id": bundle, "permission_id": key} for bundle, key in content]
        )
        # Without it SQLite makes a poor plan of the statements by hand.
        connection.execute(text("ANALYZE"))
    refresh(engine)


def permissions(name: str, url: str, settings: Settings, blocks: int) -> Iterator[Line]:
    """One check and all permissions, cold, on a database with people; and a check in a request that asked before."""
    engine = create_engine(url)
    auth = Auth.from_settings(settings)
    reading = auth.database.engine
    with engine.connect() as connection:
        user = connection.execute(select(User.id).order_by(User.id)).scalars().first()
    for distinct in (GROUPS * BUNDLES * PERMISSIONS, 500):
        fill_rights(engine, distinct)
        label = f"{name}, {distinct:,} permissions"
        yield _single(label, auth, reading, user, blocks)
        yield _whole(label, auth, reading, user, blocks)
    yield from _further(name, settings, blocks)
    for used in (engine, auth.database):
        used.dispose()


def _single(label: str, auth: Auth, reading: Engine, user: Any, blocks: int) -> Line:
    chains = " UNION ALL ".join(
        f"SELECT 1 FROM {tables} JOIN permissions p ON p.id = {key} WHERE a.user_id = :user AND p.token = :token"
        for tables, key in _CHAINS.items()
    )
    by_hand = _by_hand(reading, f"SELECT EXISTS ({chains})", user)
    ask, uid = auth.rights._ask, user.hex  # noqa: SLF001 - as it is asked where nothing is kept
    if not (ask(uid, ASKED) and by_hand(ASKED)[0][0]) or ask(uid, "none") or by_hand("none")[0][0]:
        raise RuntimeError("the two answer differently")
    measured = interleaved(
        [("framework", lambda _: ask(uid, ASKED)), ("by hand", lambda _: by_hand(ASKED))], blocks=blocks * 2, calls=50
    )
    return Line(f"a cold check, {label}", SINGLE_LIMIT, *measured)


def _whole(label: str, auth: Auth, reading: Engine, user: Any, blocks: int) -> Line:
    chains = " UNION ".join(
        f"SELECT p.token FROM {tables} JOIN permissions p ON p.id = {key} WHERE a.user_id = :user"
        for tables, key in _CHAINS.items()
    )
    by_hand = _by_hand(reading, chains, user)
    load, uid = auth.rights._load, user.hex  # noqa: SLF001 - as above
    if load(uid) != frozenset(token for (token,) in by_hand()):
        raise RuntimeError("the two answer differently")
    measured = interleaved(
        [("framework", lambda _: load(uid)), ("by hand", lambda _: frozenset(token for (token,) in by_hand()))],
        blocks=blocks,
        calls=2,
    )
    return Line(f"all of them, {label}", SET_LIMIT, *measured)


def _by_hand(reading: Engine, statement: str, user: Any) -> Callable[..., list[Any]]:
    compiled = text(statement).compile(dialect=reading.dialect)
    sql, positions = str(compiled), compiled.positiontup
    switch = reading.dialect.name == "postgresql"
    key = user if switch else user.hex

    def ask(token: str = "") -> list[Any]:
        values = {"user": key, "token": token}
        connection = reading.raw_connection()
        try:
            driver: Any = connection.driver_connection
            if switch:
                driver.autocommit = True
            rows: list[Any] = driver.execute(sql, [values[at] for at in positions] if positions else values).fetchall()
            if switch:
                driver.autocommit = False
            return rows
        finally:
            connection.close()

    return ask


def _further(name: str, settings: Settings, blocks: int) -> Iterator[Line]:
    """Checks in a request that has asked before, against a microsecond."""
    app = App.from_settings(settings)
    request: Any = app.request(get("/", f"{app.cookies.session}={session_token(0)}"))
    rights, uid, stamp, root = app.auth.rights, request.identity.uid, request.identity.rights, Root()
    if not (request.is_logged_in and request.has_permission(root, Asked)):
        raise RuntimeError("the page is refused")
    candidates = [
        ("framework", lambda _: rights.has(uid, stamp, ASKED)),
        ("as a view asks", lambda _: request.has_permission(root, Asked)),
    ]
    one, view = interleaved(candidates, blocks=blocks, calls=10_000)
    yield Line(f"a further check, {name}", 1.0, one, Measured("a microsecond", FURTHER))
    yield Line(f"a further check, as a view asks, {name}", None, view, Measured("a microsecond", FURTHER))
    app.auth.database.dispose()
