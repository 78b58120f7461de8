"""Who may change whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onegov_auth.administration.rules import Rules
from onegov_auth.models import User

ROLES = {
    "owner": ("Private", "Secret"),
    "admin": ("Private", "Secret"),
    "editor": ("Private",),
    "member": (),
    "anonymous": ("Public",),
}


@pytest.fixture(name="rules")
def _rules() -> Rules:
    """Four roles, of which one is privileged."""
    settings: Any = SimpleNamespace(roles=ROLES, privileged_roles=("owner",))
    return Rules(settings, User)


def somebody(role: str, *, superuser: bool = False) -> Any:
    return User(username="x", role=role, is_superuser=superuser)


def test_administrators_have_the_intent(rules: Rules) -> None:
    """Whoever's role may see what is secret runs the site; nobody is a visitor by role."""
    assert rules.administrators == ("owner", "admin")
    assert "anonymous" not in rules.roles


@pytest.mark.sec("RESET-11")
@pytest.mark.parametrize(
    ("actor", "given"),
    [
        (somebody("owner"), ("owner", "admin", "editor", "member")),
        (somebody("admin"), ("admin", "editor", "member")),
        (somebody("member"), ("member",)),
        (somebody("gone"), ()),
        (somebody("member", superuser=True), ("owner", "admin", "editor", "member")),
    ],
    ids=lambda value: getattr(value, "role", ""),
)
def test_roles_up_to_the_own_are_given(rules: Rules, actor: Any, given: tuple[str, ...]) -> None:
    """Nobody gives a role above the own; a superuser gives all."""
    assert rules.roles_of(actor) == given


@pytest.mark.parametrize(
    ("actor", "user", "may"),
    [
        (somebody("admin"), somebody("admin"), True),
        (somebody("admin"), somebody("owner"), False),
        (somebody("admin"), somebody("gone"), True),
        (somebody("admin"), somebody("member", superuser=True), False),
        (somebody("editor", superuser=True), somebody("owner", superuser=True), True),
        (somebody("editor"), somebody("admin"), False),
    ],
)
@pytest.mark.sec("ASVS-8.4.2")
def test_nobody_changes_who_stands_above(rules: Rules, actor: Any, user: Any, may: bool) -> None:
    """By role, and by being a superuser."""
    assert rules.may_manage(actor, user) is may


def test_privileged_roles_are_among_themselves() -> None:
    """A role that stands as high but is privileged is given by those only who have such a one."""
    settings: Any = SimpleNamespace(roles=ROLES, privileged_roles=("member",))
    assert Rules(settings, User).roles_of(somebody("owner")) == ("owner", "admin", "editor")


def test_who_runs_the_site_is_asked_of_the_table(office: Any) -> None:
    """An inactive administrator is none, an active superuser is one."""
    with office.database.unit() as db:
        rules, now = office.auth.rules, office.auth.clock()
        assert rules.somebody_administers(db, now)
        user = office.auth.users(db).by_username("root@example.org")
        user.disabled_utc = now
        db.flush()
        assert not rules.somebody_administers(db, now)
        user.disabled_utc, user.role, user.is_superuser = None, "member", True
        db.flush()
        assert rules.somebody_administers(db, now)
