"""Tests of which users a collection is about."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.collections import UserCollection
from onegov_auth.collections.filters import as_sets, toggled


@pytest.fixture(name="people")
def _people(users: UserCollection) -> UserCollection:
    """Three users that differ in everything that can be filtered by."""
    users.add("ann", "password", "admin", data={"tags": ["a", "b"]}).source = "ldap"
    users.add("bob", "password", "editor", data={"tags": ["b", "c"]}, active=False).source = ""
    users.add("eve", "password", "member")
    users.session.commit()
    return users


def names(users: UserCollection) -> str:
    """The names found, in short."""
    return " ".join(sorted(user.username for user in users.query()))


def test_filters_are_sets() -> None:
    """Single values, several and none are all sets."""
    given = {"text": "ab", "number": 1, "flag": False, "list": ["a", "b"], "set": {"a"}, "any": None}
    assert as_sets(given) == {
        "text": {"ab"},
        "number": {1},
        "flag": {False},
        "list": {"a", "b"},
        "set": {"a"},
        "any": set(),
    }


def test_toggling_takes_out_and_puts_in() -> None:
    """A value that is in goes out, one that is not comes in, and other filters stay."""
    assert toggled({"a": {1}, "b": {2}}, {"a": [1, 3], "c": None}) == {"a": {3}, "b": {2}, "c": set()}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "ann bob eve"),
        ({"role": "admin"}, "ann"),
        ({"role": ["admin", "editor"]}, "ann bob"),
        ({"role": None}, "ann bob eve"),
        ({"active": False}, "bob"),
        ({"active": [True], "role": ["admin", "editor"]}, "ann"),
        ({"source": "ldap"}, "ann"),
        ({"source": ""}, "bob eve"),
        ({"source": ["", "ldap"]}, "ann bob eve"),
        ({"tag": "b"}, "ann bob"),
        ({"tag": ["a", "c"]}, "ann bob"),
        ({"tag": "x"}, ""),
        ({"tag": "b", "active": True}, "ann"),
    ],
    ids=str,
)
def test_users_are_filtered(people: UserCollection, filters: dict[str, Any], found: str) -> None:
    """Every filter must be met; within one, any value will do; the empty one also means none."""
    assert names(UserCollection(people.session, **filters)) == found


def test_a_filter_is_toggled_in_a_new_collection(people: UserCollection) -> None:
    """The collection itself stays as it is."""
    admins = people.for_filter(role="admin")
    assert (names(admins), names(people)) == ("ann", "ann bob eve")
    assert names(admins.for_filter(role="editor")) == "ann bob"
    assert names(admins.for_filter(role="admin")) == "ann bob eve"
    assert names(admins.for_filter(active=False)) == ""


def test_a_subclass_has_filters_of_its_own(people: UserCollection) -> None:
    """An ``apply_<key>_filter`` is used, and may override what is there."""

    class Own(UserCollection):
        def apply_initial_filter(self, query: Any, _key: str, values: set[str]) -> Any:
            return query.filter(self.model.username.startswith(min(values)))

    assert names(Own(people.session, initial="e")) == "eve"


def test_filters_are_attributes(people: UserCollection) -> None:
    """A filter can be read by its name; anything else is no attribute."""
    assert UserCollection(people.session, role="admin").role == {"admin"}
    with pytest.raises(AttributeError, match="nonsense"):
        _ = people.nonsense


@pytest.mark.parametrize("key", ["nonsense", "groups", "is_matching_password", "__class__"])
def test_what_is_no_column_is_no_filter(people: UserCollection, key: str) -> None:
    """Only columns are compared with what comes from outside."""
    with pytest.raises(AttributeError, match=f"can't be filtered by '{key}'"):
        UserCollection(people.session, **{key: "x"}).query()


def test_tags_that_are_none_are_ignored(people: UserCollection) -> None:
    """Whatever else is kept under that name breaks neither search nor list."""
    for number, tags in enumerate(["b", {"b": 1}, 7, None, [], [["b"]]]):
        people.add(f"odd{number}", "password", "member", data={"tags": tags})
    people.session.commit()
    assert set(people.usernames_by_tags(["a"])) == {"ann"}
    assert {"a", "b", "c"} <= set(people.tags)
