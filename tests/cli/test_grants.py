from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.accounts import Hooks
from onegov_auth.cli.operator import Operator
from onegov_auth.database import Database
from onegov_auth.models import Bundle, PermissionRow, User, UserGroup
from onegov_auth.permissions.grants import Grants, Right
from onegov_auth.permissions.mapped import MappedGrants, Wanted

READ = ("ann", "--permission", "invoices.read")


@pytest.fixture(name="ann", autouse=True)
def _ann(database: Database, add_user: Callable[..., User]) -> User:
    """Ann, and what she may be given."""
    with database.unit() as db:
        db.add_all([PermissionRow(token="invoices.read", description="Read invoices"), PermissionRow(token="a.b")])
        db.add_all([Bundle(name="Books"), UserGroup(name="Finance")])
    return add_user("ann")


@pytest.fixture(name="held")
def _held(database: Database, ann: User) -> Callable[[], list[str]]:
    """``held()`` is what Ann has."""

    def held() -> list[str]:
        with database.read() as db:
            return [f"{one.right} {one.origin} {one.expires}" for one in Grants().of(db, db.get_one(User, ann.id))]

    return held


@pytest.mark.parametrize(
    ("option", "name", "kind"),
    [("--permission", "invoices.read", "permission"), ("--bundle", "Books", "bundle"), ("--group", "Finance", "group")],
)
def test_give_and_take(
    run: Callable[..., Any], held: Callable[[], list[str]], told: Any, option: str, name: str, kind: str
) -> None:
    """A right is given once and taken away once, and the event log tells of both."""
    assert run("grant", "ann", option, name).stdout == f"ann has the {kind} {name} now.\n"
    assert held() == [f"{kind} {name} None None"]
    assert run("grant", "ann", option, name).stdout == f"ann has the {kind} {name} already.\n"
    assert run("withdraw", "ann", option, name).stdout == f"The {kind} {name} was taken away: ann.\n"
    again = run("withdraw", "ann", option, name)
    assert (again.exit_code, again.stdout) == (1, f"The {kind} {name} was not given by hand: ann.\n")
    assert held() == []
    assert told() == [
        ("granted", "ann", [["grants", f"+ {kind} {name}"]]),
        ("withdrawn", "ann", [["grants", f"- {kind} {name}"]]),
    ]


def test_an_end(run: Callable[..., Any], held: Callable[[], list[str]], answer: Callable[..., Any]) -> None:
    """An end is a date or a moment, in UTC unless it says otherwise."""
    text = run("grant", *READ, "--until", "2099-01-31").stdout
    assert text == "ann has the permission invoices.read now until 2099-01-31 00:00 UTC.\n"
    moved = answer("grant", *READ, "--until", "2099-02-01T12:00+02:00")
    assert (moved["until"], moved["changed"]) == ("2099-02-01T10:00:00+00:00", True)
    assert held() == ["permission invoices.read None 2099-02-01 10:00:00+00:00"]


@pytest.mark.parametrize("until", ["tomorrow", "2020-01-01", "31.1.2099"])
def test_no_end_that_can_be(run: Callable[..., Any], held: Callable[[], list[str]], until: str) -> None:
    """A date that has passed, or is none, is a wrong command line."""
    assert run("grant", *READ, "--until", until).exit_code == 2
    assert held() == []


@pytest.mark.parametrize("options", [(), ("--bundle", "Books", "--group", "Finance")], ids=["nothing", "two"])
@pytest.mark.parametrize("command", ["grant", "withdraw"])
def test_one_thing_is_named(run: Callable[..., Any], command: str, options: tuple[str, ...]) -> None:
    """Nothing, and two things at once, are a wrong command line."""
    result = run(command, "ann", *options)

    assert result.exit_code == 2
    assert "Name one of --permission, --bundle and --group." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("ann", "--bundle", "Gone"), "There is no bundle Gone."),
        (
            ("ann", "--permission", "x"),
            "There is no permission x; onegov-auth list-permissions shows those there are.",
        ),
        (("bob", "--group", "Finance"), "There is no user bob."),
    ],
)
@pytest.mark.parametrize("command", ["grant", "withdraw"])
def test_what_is_not_there(run: Callable[..., Any], command: str, arguments: tuple[str, ...], error: str) -> None:
    """What isn't there is exit code 1, and named."""
    result = run(command, *arguments)

    assert (result.exit_code, result.stderr) == (1, f"Error: {error}\n")


def test_what_a_provider_gives_stays(
    run: Callable[..., Any], held: Callable[[], list[str]], database: Database, ann: User
) -> None:
    """Taking away what was given by hand says who still gives it."""
    with database.unit() as db:
        MappedGrants().apply(db, "staff", {ann.id: Wanted({Right("permission", "invoices.read"): "accounting"})})
    run("grant", *READ)

    expected = "The permission invoices.read was taken away: ann. It is still given by staff.\n"
    assert run("withdraw", *READ).stdout == expected
    assert held() == ["permission invoices.read staff None"]


def test_the_application_is_told(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """``on_rights_changed`` is called where something changed."""
    told: list[str] = []
    hooks = Hooks(on_rights_changed=lambda _db, user, _client: told.append(user.username))
    monkeypatch.setattr(Operator, "hooks", hooks)
    for command in ("grant", "grant", "withdraw", "withdraw"):
        run(command, *READ)

    assert told == ["ann", "ann"]


def test_the_catalogue(run: Callable[..., Any], answer: Callable[..., Any]) -> None:
    """The catalogue is listed by token, with what it says of each."""
    assert run("list-permissions").stdout == "a.b\ninvoices.read: Read invoices\n"
    assert answer("list-permissions")[0] == {"token": "a.b", "description": None}
