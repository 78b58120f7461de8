from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.accounts import Accounts, Conflict, Resolved, missing_checks, preview, preview_checks
from onegov_auth.database import Database
from onegov_auth.models import Bundle, User, UserIdentity
from onegov_auth.outcomes import Refused
from onegov_auth.providers import CheckState, ProviderSettings
from onegov_auth.testing.providers import person

ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}
ANN = person("staff", "id-1", "ann", email="ann@example.org", realname="Ann Able", groups=frozenset({"staff"}))


@pytest.fixture(name="look")
def _look(make: Callable[..., Accounts], database: Database) -> Callable[..., dict[str, tuple[CheckState, str, str]]]:
    """The doctor's steps by name."""

    def look(identity: Any = ANN, **settings: Any) -> dict[str, tuple[CheckState, str, str]]:
        block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, **settings})
        steps = preview_checks(database, make(), identity, block)
        return {step.name: (step.state, step.detail, step.hint) for step in steps}

    return look


@pytest.fixture(name="rows")
def _rows(database: Database) -> Callable[[], tuple[int, int]]:
    """How many users and identities there are."""

    def rows() -> tuple[int, int]:
        with database.read() as db:
            users, identities = (select(func.count()).select_from(table) for table in (User, UserIdentity))
            return db.scalars(users).one(), db.scalars(identities).one()

    return rows


def test_nobody_is_made(look: Any, rows: Callable[[], tuple[int, int]]) -> None:
    """Somebody new is shown with the role they would get, and is not there afterwards."""
    found = look()

    assert found["account"][0] is CheckState.OK
    assert found["account"][1].startswith("ann (Ann Able) would be made; ")
    assert found["role"] == (CheckState.OK, "member", "")
    assert rows() == (0, 0)


def test_nobody_is_changed(look: Any, resolve: Any, load: Callable[[], User]) -> None:
    """Somebody known whose groups changed keeps role and name until they log in."""
    assert isinstance(resolve(), Resolved)
    promoted = replace(ANN, groups=frozenset({"admins"}), realname="Ann New")
    found = look(promoted)

    assert found["account"][1].startswith("ann (Ann New) is known")
    assert found["role"][1] == "admin"
    assert (load().role, load().realname) == ("member", "Ann Able")


def test_rights_are_shown(look: Any, rows: Callable[[], tuple[int, int]], database: Database) -> None:
    """The rights somebody would get are named with their groups, without those that aren't there."""
    with database.unit() as db:
        db.add(Bundle(name="Books"))
    found = look(grants={"bundles": {"Books": ["Staff"], "Gone": ["staff"], "Secret": ["admins"]}})

    assert found["grants"] == (CheckState.OK, "bundle Books (Staff)", "")
    assert "grants" not in look(grants={"bundles": {"Secret": ["admins"]}})
    assert rows() == (0, 0)


def test_rights_of_nobody_are_not_shown(make: Callable[..., Accounts], database: Database) -> None:
    """Of somebody whom the application wants to be nobody no rights are named."""
    block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, "grants": {"bundles": {"Books": ["*"]}}})
    steps = preview_checks(database, make(map_identity=lambda _: None), ANN, block)

    assert [step.name for step in steps] == ["account"]


def test_missing_rights(database: Database) -> None:
    """What ``grants`` gives and isn't there is named, with what to do about it."""
    grants = {"permissions": {"a.b": ["x"]}, "bundles": {"Books": ["x"]}, "groups": {"Finance": ["x"]}}
    block = ProviderSettings.model_validate({"kind": "ldap", "grants": grants})
    with database.unit() as db:
        db.add(Bundle(name="Books"))
    steps = list(missing_checks(database, block))

    assert [(step.state, step.detail) for step in steps] == [
        (CheckState.WARNING, "there is no group Finance"),
        (CheckState.WARNING, "there is no permission a.b"),
    ]
    assert "make it" in steps[0].hint
    assert "declares" in steps[1].hint
    assert list(missing_checks(database, ProviderSettings(kind="ldap"))) == []


def test_nothing_is_taken_away(look: Any, resolve: Any, load: Callable[[], User]) -> None:
    """Whoever would lose the last role is told of, and keeps it."""
    resolve()
    found = look(replace(ANN, groups=frozenset()))

    assert found == {"account": (CheckState.FAILED, found["account"][1], found["account"][2])}
    assert found["account"][1].startswith("no_role")
    assert "default_role" in found["account"][2]
    assert load().role == "member"


@pytest.mark.parametrize(
    ("link", "state", "words"),
    [
        ("refuse", CheckState.FAILED, "conflict: ann"),
        ("prove", CheckState.WARNING, "ann has to log in there once"),
    ],
)
def test_a_conflict_is_shown(
    look: Any, add: Callable[..., User], rows: Callable[[], tuple[int, int]], link: str, state: CheckState, words: str
) -> None:
    """A local account of the same name is named, with what would be done about it."""
    add()
    found = look(link=link)

    assert found["account"][0] is state
    assert found["account"][1].startswith(words)
    assert rows() == (1, 0)


def test_a_link_is_not_made(look: Any, add: Callable[..., User], rows: Callable[[], tuple[int, int]]) -> None:
    """An account that the e-mail address would give is shown, and not linked."""
    add(email="ann@example.org", email_verified=True)
    verified = replace(ANN, email_verified=True)

    assert "would be linked" in look(verified, link="verified_email", link_domains=["example.org"])["account"][1]
    assert rows() == (1, 0)


def test_the_outcome_itself(make: Callable[..., Accounts], database: Database, add: Callable[..., User]) -> None:
    """The preview is what a login would be answered."""
    add()
    kinds: dict[str, type] = {"refuse": Refused, "prove": Conflict}

    for link, kind in kinds.items():
        block = ProviderSettings.model_validate({"kind": "ldap", "roles": ROLES, "link": link})
        assert isinstance(preview(database, make(), ANN, block), kind)
