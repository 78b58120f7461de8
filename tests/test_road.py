from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import onegov_auth
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Step
from onegov_auth.models import AuthEvent, User, UserIdentity, key_of
from onegov_auth.outcomes import Refused, StepRequired, Unavailable
from onegov_auth.providers import ProviderSettings
from onegov_auth.road import Door
from onegov_auth.testing.providers import KnownPeople, person

SOURCES = Path(onegov_auth.__file__).parent


def calls(name: str, receiver: str) -> list[str]:
    found = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                owner = ast.unparse(node.func.value)
                if owner.endswith(receiver):
                    found.append(f"{path.relative_to(SOURCES)}: {owner}.{name}")
    return found


@pytest.mark.sec("ASVS-6.3.4")
def test_exactly_one_function_opens_a_session() -> None:
    """In the whole source, one single place opens sessions, and it is the end of the road."""
    assert calls("open", "sessions") == ["road.py: self._sessions.open"]


def test_no_other_module_makes_session_rows() -> None:
    """Only the sessions module constructs a row of user_sessions."""
    makers = (
        "UserSession(",
        "entities.session(",
        "self._sessions(",
        "self._insert.later(db, **values, token_hash=",
    )
    made = [
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for maker in makers
        if maker in path.read_text("utf-8")
    ]

    assert sorted(made) == ["models/session.py", "sessions.py"]


@pytest.mark.parametrize(
    "verdict", [Refused("no", (Step("a", "b"),)), Unavailable("staff", "timeout", (Step("a", "b"),))]
)
def test_a_verdict_against_somebody_is_passed_on_and_written_down(
    make_auth: Callable[..., Auth], client: Client, database: Database, verdict: Any
) -> None:
    """What a provider refused stays refused, with its steps in the event."""
    code = verdict.code
    outcome: object = make_auth().road.complete(verdict, Door(client=client, username="ann"))

    assert outcome == verdict
    with database.read() as db:
        row = db.scalars(select(AuthEvent)).one()
    assert (row.code, row.username, row.steps) == (code, "ann", [["a", "b"]])


def test_a_directory_person_may_have_to_prove_a_local_account(
    make_auth: Callable[..., Auth], client: Client, database: Database
) -> None:
    """With link: prove, a directory person whose address is a local user's is asked for the local password."""
    with database.unit() as db:
        db.add(User(username="dora@example.org", password_hash="x", role="member"))
    block = ProviderSettings(kind="known-people", link="prove", roles={"member": ("*",)})
    staff = KnownPeople(name="staff", settings=block)
    staff.people["dora"] = ("secret", person("staff", "1", "dora", email="dora@example.org"))
    auth = make_auth(staff)

    assert isinstance(auth.login("dora", "secret", client), StepRequired)
    without = Client(address="192.0.2.1")
    assert isinstance(auth.login("dora", "secret", without), Refused)


def test_a_link_is_confirmed_by_a_local_account_only(
    make_auth: Callable[..., Auth], client: Client, database: Database
) -> None:
    """An identity from elsewhere proves no local account."""
    block = ProviderSettings(kind="known-people", roles={"member": ("*",)})
    auth = make_auth(KnownPeople(name="staff", settings=block))
    outcome = auth.road.complete(person("staff", "1", "dora"), Door(client=client, link="x" * 43))

    assert isinstance(outcome, Refused)
    assert outcome.code == "link_not_local"


def test_a_link_of_a_provider_that_is_gone_is_refused(
    make_auth: Callable[..., Auth], client: Client, database: Database
) -> None:
    """A provider that was taken out of the settings links nobody any more."""
    with database.unit() as db:
        user = User(username="dora", role="member")
        user.password_hash = auth_hash = make_auth().local._hasher.hash("local password")
        db.add(user)
    assert auth_hash
    block = ProviderSettings(kind="known-people", link="prove", roles={"member": ("*",)})
    staff = KnownPeople(name="staff", settings=block, people={"d": ("secret", person("staff", "1", "dora"))})
    step = make_auth(staff).login("d", "secret", client)
    assert isinstance(step, StepRequired)

    outcome = make_auth().login("dora", "local password", client, link=step.transaction.id)
    assert isinstance(outcome, Refused)
    assert outcome.code == "unknown_provider"


@pytest.mark.sec("LINK-18", "RACE-13")
def test_whoever_was_deactivated_meanwhile_links_nothing(
    make_auth: Callable[..., Auth],
    add: Callable[..., User],
    client: Client,
    database: Database,
    inactive: dict[str, Any],
) -> None:
    """Between the look at the session and the link an administrator was quicker: the link would be a way back."""
    user = add("dora", **inactive)
    block = ProviderSettings(kind="known-people", roles={"member": ("*",)})
    auth = make_auth(KnownPeople(name="staff", settings=block))
    outcome = auth.road.complete(person("staff", "1", "dora"), Door(client=client, link_to=key_of(user)))

    assert outcome == Refused("inactive", to="/")
    with database.read() as db:
        assert db.scalars(select(UserIdentity)).all() == []
