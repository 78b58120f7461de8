"""The form of an account, for those who run the site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.forms import AdminUserForm
from onegov_auth.models import User, UserGroup


class Posted(dict[str, str]):
    """What a browser sends."""

    def getlist(self, name: str) -> list[str]:
        """The one value."""
        return [self[name]] if name in self else []


@pytest.fixture(name="ann")
def _ann() -> Any:
    """Somebody in a group."""
    ann = User(id=uuid4(), username="ann", role="gone", active=True, data={"tags": ["a", "b"]})
    ann.groups = [UserGroup(id=uuid4(), name="Finance")]
    ann.disabled_utc = datetime(2031, 2, 3, 4, 5, tzinfo=UTC)
    return ann


def test_form_shows_what_there_is(ann: Any) -> None:
    """Rights by key, tags with commas, the date in UTC; a role that is none any more is still shown."""
    rights = {"groups": {str(ann.groups[0].id): "Finance", str(uuid4()): "Other"}}
    form = AdminUserForm(obj=ann, roles=["member"], rights=rights)

    assert form.groups.data == [str(ann.groups[0].id)]
    assert form.tags.data == "a, b"
    assert form.disabled_utc.data == datetime(2031, 2, 3, 4, 5)  # noqa: DTZ001 - what the field shows
    choices: Any = form.role.choices
    assert [value for value, _label in choices] == ["member", "gone"]
    assert "bundles" not in form
    assert "invite" not in form


@pytest.mark.sec("ASVS-15.3.3")
def test_only_offered_rights_are_chosen(ann: Any) -> None:
    """A key that was not offered is passed over, and so is a box that is not there for this person."""
    key, other = str(ann.groups[0].id), str(uuid4())
    posted = Posted({"username": "x", "role": "member", "language": "", f"groups.{other}": "y", "is_superuser": "y"})
    form = AdminUserForm(posted, obj=ann, roles=["member"], rights={"groups": {key: "Finance"}})

    assert form.validate()
    assert form.changes()["groups"] == []
    assert "is_superuser" not in form.changes()
    assert "is_superuser" in AdminUserForm(posted, obj=ann, superuser=True).changes()


def test_changes_are_in_the_shape_of_attributes() -> None:
    """Empty texts are none, tags a list, the moment in UTC."""
    posted = Posted(
        username="x", role="member", language="", email=" ", tags="a, ,b", disabled_utc="2031-02-03T04:05", invite="y"
    )
    form = AdminUserForm(posted, roles=["member"])

    assert form.validate()
    assert form.invite.data
    changes = form.changes()
    assert changes["tags"] == ["a", "b"]
    assert changes["email"] is None
    assert changes["language"] is None
    assert changes["disabled_utc"] == datetime(2031, 2, 3, 4, 5, tzinfo=UTC)
    assert "invite" not in changes
    assert "active" not in changes


@pytest.mark.parametrize(
    "fault",
    [{"username": ""}, {"role": "owner"}, {"language": "tlh"}, {"disabled_utc": "soon"}, {"realname": "x" * 201}],
)
def test_faults_are_told(fault: dict[str, str]) -> None:
    """What can't be is said beside the field."""
    posted = Posted({"username": "x", "role": "member", "language": "", **fault})
    form = AdminUserForm(posted, roles=["member"])

    assert not form.validate()
    assert list(form.errors) == list(fault)


def test_there_is_no_field_for_a_password() -> None:
    """Whoever runs the site neither sees nor chooses it."""
    assert not [field.name for field in AdminUserForm(superuser=True) if "password" in field.name]
