from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select

from onegov_auth.accounts import Accounts, Resolved
from onegov_auth.database import Database
from onegov_auth.domain import Step
from onegov_auth.models import Bundle, PermissionRow, User, UserGroup, UserIdentity
from onegov_auth.permissions.grants import Grants
from onegov_auth.testing.providers import person

GRANTS = {
    "permissions": {"invoices.read": ["accounting"], "news.read": ["*"]},
    "bundles": {"Books": ["audit", "Accounting"]},
    "groups": {"Finance": ["accounting"]},
}
ANN = person("staff", "id-1", "ann", groups=frozenset({"staff", "accounting"}))
EVERYTHING = {"permission invoices.read", "permission news.read", "bundle Books", "group Finance"}


@pytest.fixture(name="come")
def _come(database: Database, resolve: Callable[..., Any]) -> Callable[..., Any]:
    """``come(groups=…)`` is Ann's login."""
    with database.unit() as db:
        db.add_all([PermissionRow(token="invoices.read"), PermissionRow(token="news.read")])
        db.add_all([Bundle(name="Books"), UserGroup(name="Finance")])

    def come(accounts: Accounts | None = None, *, grants: Any = GRANTS, **changes: Any) -> Any:
        return resolve(replace(ANN, **changes), accounts, grants=grants)

    return come


@pytest.fixture(name="held")
def _held(database: Database) -> Callable[[], set[str]]:
    """``held()`` is what Ann has."""

    def held() -> set[str]:
        with database.read() as db:
            return {str(one.right) for one in Grants().of(db, db.scalars(select(User)).one())}

    return held


def test_somebody_new_gets_what_the_groups_give(come: Callable[..., Any], held: Callable[[], set[str]]) -> None:
    """Who is made at a login has at once what the groups give, and the log says so."""
    came = come()

    assert held() == EVERYTHING
    given = "+ bundle Books, + group Finance, + permission invoices.read, + permission news.read"
    assert Step("grants", given) in came.steps


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"staff"}, {"permission news.read"}),
        ({"staff", "AUDIT"}, {"permission news.read", "bundle Books"}),
        ({"staff", "accounting-readonly"}, {"permission news.read"}),
        (None, EVERYTHING),
    ],
    ids=["fewer", "another", "a longer name", "nothing said"],
)
def test_somebody_known_follows_the_groups(
    come: Callable[..., Any], held: Callable[[], set[str]], groups: set[str] | None, expected: set[str]
) -> None:
    """At the next login rights come and go with the groups; where nothing is said of groups, they stay."""
    come()
    come(groups=None if groups is None else frozenset(groups))

    assert held() == expected


def test_nothing_that_gives_a_role_gives_nothing_else(come: Callable[..., Any], held: Callable[[], set[str]]) -> None:
    """Somebody from whom the last group that gives a role is gone loses the rights with it."""
    come()

    assert come(groups=frozenset({"accounting"})).code == "no_role"
    assert held() == set()


def test_rules_that_are_gone_give_nothing(come: Callable[..., Any], held: Callable[[], set[str]]) -> None:
    """When the settings give nothing any more, what they gave goes at the next login."""
    come()
    came = come(grants={})

    assert isinstance(came, Resolved)
    assert held() == set()


def test_what_is_not_there_keeps_nobody_out(come: Callable[..., Any], held: Callable[[], set[str]]) -> None:
    """A bundle that isn't there is left out, and each login's steps say so."""
    steps = [come(grants={"bundles": {"Gone": ["*"]}, "groups": {"Finance": ["*"]}}).steps for _ in range(2)]

    assert all(Step("grants", "there is no bundle Gone") in taken for taken in steps)
    assert held() == {"group Finance"}


def test_the_application_is_told(come: Callable[..., Any], make: Callable[..., Accounts]) -> None:
    """``on_rights_changed`` is called when a provider's groups changed the rights of somebody known."""
    told: list[str] = []
    accounts = make(on_rights_changed=lambda _db, user, _client: told.append(user.username))
    for groups in ({"staff"}, {"staff", "accounting"}, {"staff", "accounting"}):
        come(accounts, groups=frozenset(groups))

    assert told == ["ann"]


def test_a_refused_login_gives_nothing(
    come: Callable[..., Any], held: Callable[[], set[str]], make: Callable[..., Accounts]
) -> None:
    """Whom the application refuses gets nothing new."""
    come(groups=frozenset({"staff"}))

    assert come(make(ensure_user_callback=lambda *_: False)).code == "refused_by_application"
    assert held() == {"permission news.read"}


@pytest.mark.parametrize(("grants", "more"), [({}, 0), (GRANTS, 1)], ids=["nothing mapped", "mapped"])
def test_an_unchanged_login_stays_quick(come: Callable[..., Any], database: Database, grants: Any, more: int) -> None:
    """Who comes as before costs one statement more where something is mapped, and none where nothing is."""
    come(grants=grants)
    lines: list[str] = []
    with database.unit() as db:
        link = db.scalars(select(UserIdentity)).one()
        db.expunge(link)
    event.listen(database.engine, "before_cursor_execute", lambda *given: lines.append(given[2]))
    traced: list[str] = []
    if database.dialect == "sqlite":
        event.listen(database.engine, "checkout", lambda driver, *_: driver.set_trace_callback(traced.append))
    came = come(grants=grants)

    assert [step.name for step in came.steps] == ["groups"]
    assert lines == []
    if database.dialect == "sqlite":
        reads = [line for line in traced if line.startswith("SELECT")]
        assert len(reads) == 1 + more


def test_a_mapped_identity_decides(come: Callable[..., Any], make: Callable[..., Accounts], held: Any) -> None:
    """What the application makes of the groups (``map_identity``) is what gives rights."""
    come(make(map_identity=lambda identity: replace(identity, groups=frozenset({"staff", "audit"}))))

    assert held() == {"permission news.read", "bundle Books"}
