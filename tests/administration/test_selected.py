"""Something done with several accounts at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.administration import ManyDone
from onegov_auth.models import UserGroup
from onegov_auth.outcomes import Refused


@pytest.mark.parametrize(
    ("action", "value", "check"),
    [
        ("deactivate", None, lambda user: not user.active),
        ("activate", None, lambda user: user.active),
        ("set_role", "editor", lambda user: user.role == "editor"),
        ("end_sessions", None, lambda user: user is not None),
        ("delete", None, lambda user: user is None),
    ],
)
def test_done_with_all_in_one_piece(office: Any, root: Any, action: str, value: Any, check: Any) -> None:
    """It is done with all of them, each with an event, and those who are passed over are counted."""
    keys = [office.person(f"u{number}@example.org") for number in range(3)]
    me = office.user("root@example.org").id
    result = office.auth.act_on_users(root, office.client, action, [*keys, keys[0], me, uuid4()], value)

    own = 1 if action in {"deactivate", "set_role", "delete"} else 0
    assert result.done == 4 - own
    assert result.refused.pop("unknown_user") == 1
    assert sum(result.refused.values()) == own
    assert all(check(office.user(f"u{number}@example.org")) for number in range(3))
    assert office.user("root@example.org").active
    about = [name for _type, code, name, said in office.events() if said.get("by") == "root@example.org"]
    assert len(about) == 4 - own


def test_groups_of_several(office: Any, root: Any) -> None:
    """They become members of a group beside those they are in, and leave it again."""
    with office.database.unit() as db:
        groups = [UserGroup(name="A"), UserGroup(name="B")]
        db.add_all(groups)
    keys = [office.person(f"u{number}@example.org") for number in range(2)]
    for group in groups:
        assert office.auth.act_on_users(root, office.client, "add_to_group", keys, str(group.id)) == ManyDone(2)
    assert sorted(one.name for one in office.user("u0@example.org").groups) == ["A", "B"]
    office.auth.act_on_users(root, office.client, "remove_from_group", keys, str(groups[0].id))
    assert [one.name for one in office.user("u1@example.org").groups] == ["B"]
    result = office.auth.act_on_users(root, office.client, "add_to_group", keys, "nonsense")
    assert result == ManyDone(0, {"unknown_group": 2})


def test_last_administrator_stops_all_of_it(make_office: Any) -> None:
    """If nobody would be left who runs the site, nothing is done with anybody."""
    office = make_office(
        roles={"owner": ["Private"], "admin": ["Private", "Secret"], "member": []}, privileged_roles=["owner"]
    )
    office.person("owner@example.org", "owner")
    by = office.session("owner@example.org")
    keys = [office.person("ann@example.org"), office.user("root@example.org").id]

    assert office.auth.act_on_users(by, office.client, "deactivate", keys) == Refused("last_administrator")
    assert office.user("ann@example.org").active


def test_unknown_actions_are_refused(office: Any, root: Any) -> None:
    """What is none of them is not done."""
    assert office.auth.act_on_users(root, office.client, "promote", []) == Refused("unknown_action")
