"""What the administration's pages of our own classes have in common."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import select

from onegov_auth.models import AuthEvent, UserGroup
from onegov_auth.outcomes import Done, Refused
from onegov_auth.web.admin.attempts import Attempts
from onegov_auth.web.admin.catalogue import Permissions
from onegov_auth.web.admin.entity import EntityView
from onegov_auth.web.admin.events import Events
from onegov_auth.web.admin.rights import Bundles, Groups
from onegov_auth.web.admin.sessions import OpenSessions
from onegov_auth.web.admin.users import Users
from onegov_auth.web.crud_mount import CrudPage
from onegov_auth.web.permissions import Secret

VIEWS = (Users, Groups, Bundles, Permissions, OpenSessions, Events, Attempts)


class Some(EntityView):
    """Pages of groups."""

    entity = "group"
    object_name = "Group"
    object_name_plural = "Groups"


@pytest.mark.parametrize("view", VIEWS)
def test_pages_are_of_the_class_in_use(ask: Any, app: Any, view: Any) -> None:
    """Each view lists the class that the application has in that place."""

    def see(request: Any) -> Any:
        return view(request, CrudPage(), {}).orm_cls

    assert issubclass(view, EntityView)
    assert ask(see) is getattr(app.auth.entities, view.entity)


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize("view", VIEWS)
def test_pages_are_for_those_who_run_the_site(view: Any) -> None:
    """Every page is secret, and so is the file beside a list."""
    assert "list" in view.permissions
    assert set(view.permissions.values()) == {Secret}


def test_things_are_done_in_the_persons_name(ask: Any, desk: Any, database: Any) -> None:
    """What the administration does is written down with who did it, and from where."""

    def save(request: Any) -> Any:
        return Some(request, CrudPage(), {}).core("save_group", {"name": "Staff"})

    assert ask(save, desk, extra_environ={"REMOTE_ADDR": "192.0.2.9"}) == Done("group_added")
    with database.read() as db:
        assert db.scalars(select(UserGroup.name)).all() == ["Staff"]
        event = db.scalars(select(AuthEvent).where(AuthEvent.type == "group_added")).one()
        assert ("by", "ada@example.org") in [tuple(step) for step in event.steps]
        assert event.address == "192.0.2.9"


def test_a_refusal_is_said_in_words(ask: Any, desk: Any) -> None:
    """What was refused becomes a sentence for people, what was done the one of the page."""
    said: list[str] = []

    def answer(request: Any) -> None:
        view: Any = Some(request, CrudPage(), {"List": cast("Any", None)})
        view.refuse, view.done = (lambda text: said.append(f"no: {text}")), (lambda text: said.append(f"yes: {text}"))
        view.words = lambda refused: f"<{refused.code}>"
        view.answered(Refused("own_rights"), "Saved.")
        view.answered(Done("group_added"), "Saved.")

    ask(answer, desk)
    assert said == ["no: <own_rights>", "yes: Saved."]
