"""All of the administration, as one part."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.administration import Managing
from onegov_auth.outcomes import Refused

#: Everything that is done in somebody's name, with what it takes besides.
DEEDS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "act_on_users": (("deactivate", [uuid4()]), {}),
    "add_user": (("new@example.org", "member"), {}),
    "change_user": ((uuid4(), {"realname": "Ann"}), {}),
    "delete_bundle": ((uuid4(),), {}),
    "delete_group": ((uuid4(),), {}),
    "delete_user": ((uuid4(),), {}),
    "end_open_sessions": (([uuid4()],), {}),
    "end_sessions_of": ((uuid4(),), {}),
    "invite_again": ((uuid4(),), {}),
    "purge_attempts": ((30,), {}),
    "reset_factors": ((uuid4(),), {}),
    "save_bundle": (({"name": "B"},), {}),
    "save_group": (({"name": "G"},), {}),
    "set_active": ((uuid4(),), {"active": False}),
    "unlock_tries": ((), {"name": "ann@example.org"}),
    "unlock_user": ((uuid4(),), {}),
}


def test_no_deed_is_left_out() -> None:
    """Whatever the pages can do with people, rights and access is tried below."""
    deeds = {
        name
        for each in Managing.__mro__
        if each.__module__.startswith("onegov_auth.administration.")
        for name, what in vars(each).items()
        if not name.startswith("_") and callable(what) and {"by", "client"} <= set(what.__code__.co_varnames[:3])
    }
    assert deeds == set(DEEDS)


@pytest.mark.sec("ASVS-8.2.1")
@pytest.mark.parametrize("name", DEEDS)
def test_who_administers_no_more_does_nothing(office: Any, root: Any, name: str) -> None:
    """An administrator whose role was taken away meanwhile is refused, whatever it is, and an event says so."""
    arguments, keywords = DEEDS[name]
    with office.database.unit() as db:
        office.auth.users(db).by_username("root@example.org").role = "member"

    done = getattr(office.auth, name)(root, office.client, *arguments, **keywords)

    assert isinstance(done, Refused)
    assert done.code == "not_allowed"
    assert [code for _type, code, _name, _steps in office.events()][-1] == "not_allowed"
