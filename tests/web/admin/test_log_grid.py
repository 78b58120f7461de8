"""Lists that only grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from sqlalchemy import event, insert
from webob.exc import HTTPBadRequest

from onegov_auth.i18n import translator
from onegov_auth.models import DEFAULT, AuthEvent
from onegov_auth.web.admin.log_grid import ExactFilter, LogGrid, PersonFilter
from onegov_auth.web.columns import Column
from onegov_auth.web.filters import Filter


class Log(LogGrid):
    """Events, three on a page."""

    columns: ClassVar[Sequence[Column]] = (Column("username", "Username"),)
    filters: ClassVar[Sequence[Filter]] = (
        ExactFilter("type", "Type"),
        ExactFilter("code", "Code", str.lower),
        PersonFilter("username", "User"),
    )
    size = 3


@pytest.fixture(name="log")
def _log(database: Any, clock: Any) -> Iterator[Any]:
    """Seven events, ``n0`` the oldest; make the list of a question."""
    rows = [{"type": "t", "code": "ok", "username": f"n{n}", "created": clock(), "steps": []} for n in range(7)]
    with database.unit() as db:
        db.execute(insert(AuthEvent), rows)

    with database.session() as session:

        def make(**fields: str) -> Log:
            root_app = SimpleNamespace(auth=SimpleNamespace(entities=DEFAULT))
            request = SimpleNamespace(db=session, translate=translator("en"), root_app=root_app)
            url = lambda *parts: "/".join(["/list", *map(str, parts)])  # noqa: E731 - short
            crud: Any = SimpleNamespace(orm_cls=AuthEvent, base="/list", request=request, url=url)
            return Log(crud, fields)

        yield make


def names(log: Log) -> list[str | None]:
    """Whom the rows of a page are about."""
    return [row.username for row in log.objects]


def key(log: Log, number: int) -> str:
    """The key of a row of a page."""
    return str(log.objects[number].id)


def test_older_pages_join(log: Any) -> None:
    """The newest are first; each page begins after the last row of the one before, and the last one is the end."""
    first = log()
    second = log(before=key(first, -1))
    third = log(before=key(second, -1))

    assert [names(page) for page in (first, second, third)] == [["n6", "n5", "n4"], ["n3", "n2", "n1"], ["n0"]]
    assert [page.pages.previous is None for page in (first, second, third)] == [True, False, False]
    assert [page.pages.next is None for page in (first, second, third)] == [False, False, True]


def test_newer_pages_join(log: Any) -> None:
    """Back from the last page, the same rows are on a page, and the newest page leads no further."""
    oldest = log(before="2")
    back = log(after=key(oldest, 0))

    assert names(oldest) == ["n0"]
    assert names(back) == ["n3", "n2", "n1"]
    assert back.pages.previous is not None
    newest = log(after=key(back, 0))
    assert names(newest) == ["n6", "n5", "n4"]
    assert newest.pages.previous is None
    assert newest.pages.next is not None


def test_a_page_beyond_the_end_is_empty(log: Any) -> None:
    """It leads nowhere, for there is no row to go on from."""
    page = log(before="1")

    assert names(page) == []
    assert (page.pages.previous, page.pages.next) == (None, None)


@pytest.mark.parametrize("fields", [{"before": "x"}, {"after": "1; DROP TABLE"}, {"before": "9" * 40}])
def test_a_key_that_is_none_is_a_bad_request(log: Any, fields: dict[str, str]) -> None:
    """No address of ours has it."""
    with pytest.raises(HTTPBadRequest):
        log(**fields)


def test_nothing_is_counted(log: Any, database: Any) -> None:
    """A page costs one statement, which reads a page's rows and one more."""
    statements: list[tuple[str, Any]] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda _c, _cur, text, values, *_: statements.append((text, values))
    )
    page = log()

    assert page.total is None
    assert names(page)
    assert page.pages.next
    ((text, values),) = statements
    assert "count(" not in text.lower()
    assert 4 in (values.values() if isinstance(values, dict) else values)


def test_exact_text(log: Any) -> None:
    """A filter finds the whole text, shaped as the table has it, and no part of one."""
    assert len(names(log(code=" OK "))) == 3
    assert names(log(code="o")) == []
    assert names(log(type="T")) == []
    with pytest.raises(HTTPBadRequest):
        names(log(type="t\x00"))


def test_person(log: Any, add_user: Any, database: Any, clock: Any) -> None:
    """Events of a name as it was typed, and those of the user who has it, whatever was typed then."""
    user = add_user("ann@example.org")
    rows = [
        {"type": "t", "username": name, "user_id": user_id, "created": clock(), "steps": []}
        for name, user_id in (("ann", user.id), ("Ann@Example.org", None), ("ann@example.org", None))
    ]
    with database.unit() as db:
        db.execute(insert(AuthEvent), rows)

    assert names(log(username="ann@example.org")) == ["ann@example.org", "ann"]
    assert names(log(username="Ann@Example.org")) == ["ann@example.org", "Ann@Example.org", "ann"]
    assert names(log(username="n5")) == ["n5"]
    assert names(log(username="\u200b")) == []
