from __future__ import annotations

from webob.multidict import MultiDict

from onegov_auth.forms import UserGroupForm
from onegov_auth.models import UserGroup


def test_a_group_is_written_and_read() -> None:
    """The name goes to the group without the space around it, and comes back."""
    group = UserGroup()
    form = UserGroupForm(MultiDict(name=" Club "))
    assert form.validate()
    form.update_model(group)
    assert group.name == "Club"
    empty = UserGroupForm()
    empty.apply_model(group)
    assert empty.name.data == "Club"


def test_a_group_has_a_name() -> None:
    """Nothing is no name."""
    assert not UserGroupForm(MultiDict(name="")).validate()
