"""What may be asked for in a list."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from webob.exc import HTTPBadRequest

from onegov_auth.models import User
from onegov_auth.web.filters import ChoiceFilter, Filter, TextFilter, TimeFilter, YesNoFilter


@pytest.fixture(name="find")
def _find(database: Any, add_user: Any) -> Any:
    """Three people; who is found by a filter."""
    for day, (username, realname) in enumerate([("ann", "Ann ÄPFEL"), ("bob_1", "100% Bob"), ("cem", None)], 1):
        user = add_user(username, realname=realname, active=username != "cem")
        with database.unit() as db:
            db.get(User, user.id).created = datetime(2026, 5, day, 12, tzinfo=UTC)

    def find(one: Filter, **values: str) -> list[str]:
        grid: Any = SimpleNamespace(model=User, options=lambda each: each.options(None))
        with database.read() as db:
            found = db.scalars(select(User).where(one.condition(grid, values)).order_by(User.username))
            return [user.username for user in found]

    return find


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ANN", ["ann"]),
        ("äpfel", ["ann"]),
        ("Äpfel", ["ann"]),
        ("%", ["bob_1"]),
        ("_", ["bob_1"]),
        ("\\", []),
        ("'; --", []),
        ("b", ["bob_1"]),
    ],
)
@pytest.mark.sec("ASVS-1.2.4")
def test_texts_are_found_wherever_they_stand(find: Any, typed: str, found: list[str]) -> None:
    """Capitals do not matter, and no character means anything but itself."""
    assert find(TextFilter("q", "Search", "username", "realname"), q=typed) == found


@pytest.mark.parametrize("typed", ["x" * 255, "a\x00b"])
def test_texts_that_nobody_types_are_refused(find: Any, typed: str) -> None:
    """A text that is too long, or none for a database, is no question."""
    with pytest.raises(HTTPBadRequest):
        find(TextFilter("username", "Name"), username=typed)


def test_choices_are_those_offered(find: Any) -> None:
    """A choice finds its rows; another value is refused."""
    one = ChoiceFilter("username", "Name", {"ann": "Ann"})
    assert find(one, username="ann") == ["ann"]
    with pytest.raises(HTTPBadRequest):
        find(one, username="bob_1")


def test_yes_and_no(find: Any) -> None:
    """Either what is so or what is not."""
    assert find(YesNoFilter("active", "Active"), active="no") == ["cem"]
    assert find(YesNoFilter("x", "Named", lambda model: model.realname.is_not(None)), x="yes") == ["ann", "bob_1"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"created_from": "2026-05-02"}, ["bob_1", "cem"]),
        ({"created_to": "2026-05-02"}, ["ann", "bob_1"]),
        ({"created_from": "2026-05-02", "created_to": "2026-05-02"}, ["bob_1"]),
        ({"created_to": "9999-12-31"}, ["ann", "bob_1", "cem"]),
        ({"created_from": "9999-12-31"}, []),
    ],
    ids=str,
)
def test_days_are_included(find: Any, values: Any, found: list[str]) -> None:
    """From the first moment of one day to the last of the other."""
    assert find(TimeFilter("created", "Made"), **values) == found


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "10000-01-01", "2026-05-02T99:00"])
def test_days_that_are_none_are_refused(find: Any, day: str) -> None:
    """What is no date is no question."""
    with pytest.raises(HTTPBadRequest):
        find(TimeFilter("created", "Made"), created_from=day)


def test_filter_without_a_condition_is_unfinished(find: Any) -> None:
    """The base has none of its own."""
    with pytest.raises(NotImplementedError):
        find(Filter("x", "X"), x="1")
    assert Filter("x", "X").options(SimpleNamespace()) == {}  # type: ignore[arg-type] # not looked at
