from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.attempts import Attempts
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.domain import Client, Step
from onegov_auth.events import Event, EventLog
from onegov_auth.models import AuthEvent, Bundle, LoginAttempt, PermissionRow, User, UserGroup, UserIdentity
from onegov_auth.permissions.grants import Grants, Right
from onegov_auth.permissions.mapped import MappedGrants, Wanted
from onegov_auth.settings.session import Attempts as Budgets


@pytest.fixture(name="ann")
def _ann(database: Database, add_user: Callable[..., User]) -> User:
    """Ann of the staff, who reads invoices by a group and a bundle, and news by hand for a while."""
    ann = add_user(
        "ann@example.org", realname="Ann Able", email="ann@example.org", email_verified=True, password_hash=""
    )
    read, news = PermissionRow(token="invoices.read"), PermissionRow(token="news.read")
    with database.unit() as db:
        db.add_all([read, news, UserGroup(name="Finance", bundles=[Bundle(name="Books", permissions=[read])])])
        db.add(UserIdentity(user_id=ann.id, source="staff", source_id="id-1", proof="provisioned"))
        user = db.get_one(User, ann.id)
        user.role, user.role_origin = "editor", "staff"
    with database.unit() as db:
        MappedGrants().apply(db, "staff", {ann.id: Wanted({Right("group", "Finance"): "accounting"})})
        until = datetime(2099, 1, 1, 12, tzinfo=UTC)
        Grants().give(db, db.get_one(User, ann.id), permission="news.read", until=until)
    return ann


@pytest.mark.usefixtures("ann")
def test_a_user(run: Callable[..., Any]) -> None:
    """Of a user it says who it is, the role and its origin, the state, and each right with each way to it."""
    lines = run("explain", "Ann@Example.org").stdout.splitlines()

    assert lines[:4] == [
        "ann@example.org (Ann Able)",
        "  e-mail: ann@example.org (verified)",
        "  role: editor, given by staff",
        "  state: active, has no local password that lets in, second factors: none, last login: never",
    ]
    assert lines[4].startswith("  comes by staff as id-1 (linked ")
    assert lines[5:] == [
        "  group Finance: given by staff for its group accounting",
        "  may invoices.read: group Finance → bundle Books, mapped by provider staff from its group accounting",
        "  may news.read: own permission, given by hand, until 2099-01-01 12:00:00 UTC",
    ]


@pytest.mark.usefixtures("ann")
def test_a_user_as_json(answer: Callable[..., Any]) -> None:
    """The JSON has the same under its own names."""
    told = answer("explain", "ann@example.org")

    assert (told["role"], told["role_given_by"], told["active"], told["locked"]) == ("editor", "staff", True, False)
    assert told["groups"] == [{"name": "Finance", "given_by": "staff", "rule": "accounting", "expires": None}]
    assert set(told["rights"]) == {"invoices.read", "news.read"}
    assert told["identities"][0]["source_id"] == "id-1"


def test_somebody_who_can_not_log_in(run: Callable[..., Any], add_user: Callable[..., User]) -> None:
    """It says why somebody can't log in, and that there is nothing they may do."""
    add_user("bob", active=False, deactivated_by="staff", password_hash="a hash")

    text = run("explain", "bob").stdout
    assert "  role: member, given by hand\n" in text
    assert "  state: inactive, by staff, has a local password, " in text
    assert text.endswith("  has no permissions\n")


def test_somebody_who_is_locked(run: Callable[..., Any], add_user: Callable[..., User], database: Database) -> None:
    """It says whether the newest attempt was refused because there were too many."""
    add_user("bob")
    tries = Attempts(database, Budgets())
    for _ in range(16):
        tries.admit("login", "bob", Client(address="192.0.2.1"))
    assert ", locked after too many attempts, the last one at " in run("explain", "bob").stdout

    with database.unit() as db:
        for row in db.scalars(select(LoginAttempt)):
            row.datetime_utc = utcnow() - timedelta(days=1)
    assert "locked" not in run("explain", "bob").stdout


@pytest.mark.usefixtures("ann")
def test_one_permission(run: Callable[..., Any], answer: Callable[..., Any]) -> None:
    """It says whether a user has a permission and why; exit code 1 and why not, if they don't."""
    has = run("explain", "ann@example.org", "--permission", "invoices.read")
    assert has.exit_code == 0
    assert has.stdout.startswith("ann@example.org has invoices.read: group Finance → bundle Books, mapped by ")
    assert answer("explain", "ann@example.org", "--permission", "news.read")["has"] is True

    lacks = run("explain", "ann@example.org", "--permission", "invoices.write")
    assert lacks.exit_code == 1
    assert lacks.stdout.splitlines() == [
        "ann@example.org does not have invoices.write",
        "  there is no permission invoices.write in the catalogue",
    ]


@pytest.fixture(name="event")
def _event(database: Database) -> AuthEvent:
    """A login that was refused."""
    client = Client(address="192.0.2.1", request_id="req-7", user_agent="A Browser\x1b[2J")
    steps = (Step("search", "one entry"), Step("bind", "invalid credentials"))
    log = EventLog(database)
    with database.unit() as db:
        log.record(db, Event(type="login", client=client, code="wrong_password", username="ann", steps=steps))
    with database.read() as db:
        return db.scalars(select(AuthEvent)).one()


@pytest.mark.parametrize("name", ["#{id}", "{id}", "req-7"])
def test_an_attempt(run: Callable[..., Any], event: AuthEvent, name: str) -> None:
    """What happened is told step by step, by the number of its event or the id of its request."""
    told = run("explain", name.format(id=event.id))

    lines = told.stdout.splitlines()
    assert told.exit_code == 0
    assert lines[0].startswith(f"#{event.id} ")
    assert lines[0].endswith(" UTC login: refused (wrong_password)")
    assert lines[-2:] == ["  1. search: one entry", "  2. bind: invalid credentials"]
    assert "\x1b" not in told.stdout


def test_an_attempt_as_json(answer: Callable[..., Any], event: AuthEvent) -> None:
    """The JSON is a list, because a request may have several events."""
    (told,) = answer("explain", "req-7")

    assert (told["id"], told["code"], told["result"]) == (event.id, "wrong_password", "refused")
    assert told["steps"] == [["search", "one entry"], ["bind", "invalid credentials"]]


def test_a_name_that_is_a_number(run: Callable[..., Any], event: AuthEvent, add_user: Callable[..., User]) -> None:
    """A user of that name goes before an event, and a # says that the event is meant."""
    add_user(str(event.id))

    assert "role: member" in run("explain", str(event.id)).stdout
    assert "wrong_password" in run("explain", f"#{event.id}").stdout


@pytest.mark.parametrize("name", ["nobody", "#1", "99999999999999999999", "#ann", "²"])
def test_nothing_of_that_name(run: Callable[..., Any], add_user: Callable[..., User], name: str) -> None:
    """What is neither a user, an event nor a request is exit code 1."""
    add_user("ann")
    result = run("explain", name)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: There is no user, event or request {name}.\n"
