"""One unit of work of somebody who administers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.domain import Step
from onegov_auth.outcomes import Refused


def test_events_say_who_did_it(office: Any, root: Any) -> None:
    """What is told is written with the name of who did it, whomever it is about."""

    def work(deed: Any) -> str:
        deed.tell("thing_changed", None, Step("name", "a → b"))
        return "done"

    assert office.auth.administer("thing_changed", root, office.client, work) == "done"
    assert office.events("thing_changed") == [
        ("thing_changed", "ok", None, {"by": "root@example.org", "name": "a → b"})
    ]


@pytest.mark.sec("ASVS-16.3.2")
def test_refusals_are_written_and_leave_nothing(office: Any, root: Any) -> None:
    """A refusal takes back what was done before it, and is an event with its code and steps."""

    def work(deed: Any) -> Any:
        deed.actor.realname = "Changed"
        deed.tell("thing_changed")
        return Refused("no_way", (Step("why", "so"),))

    assert office.auth.administer("thing_changed", root, office.client, work).code == "no_way"
    assert office.user("root@example.org").realname is None
    assert office.events("thing_changed") == [
        ("thing_changed", "no_way", None, {"by": "root@example.org", "why": "so"})
    ]


@pytest.mark.parametrize("change", ["active", "role", "disabled", "gone"])
@pytest.mark.sec("ASVS-8.3.2")
def test_who_lost_the_right_does_nothing(office: Any, root: Any, change: str) -> None:
    """An actor who is inactive, deleted or has another role by now is refused before anything is done."""
    with office.database.unit() as db:
        me = office.auth.users(db).by_username("root@example.org")
        if change == "gone":
            db.delete(me)
        else:
            name = "disabled_utc" if change == "disabled" else change
            setattr(me, name, {"active": False, "role": "member"}.get(change, office.auth.clock()))
    done: list[Any] = []

    assert office.auth.administer("x", root, office.client, done.append) == Refused("not_allowed")
    assert done == []


def test_site_without_administrators_can_be_worked_on(make_office: Any) -> None:
    """Where nobody runs the site anyway, nobody is the last who does."""
    office = make_office(roles={"admin": ["Private"], "member": []})
    root = office.session("root@example.org")

    assert office.auth.administer("x", root, office.client, lambda _deed: 1) == 1


def test_somebody_administers_after_every_end(office: Any, root: Any) -> None:
    """Of two administrators who give each other an end in the future, one stays without."""
    eve = office.person("eve@example.org", "admin")
    me, eves = office.user("root@example.org").id, office.session("eve@example.org")
    end = {"disabled_utc": office.auth.clock() + timedelta(days=30)}

    assert office.auth.change_user(root, office.client, eve, end).code == "user_changed"
    assert office.auth.change_user(eves, office.client, me, end).code == "last_administrator"
    assert office.user("root@example.org").disabled_utc is None
