"""The list of the users."""

from __future__ import annotations

from typing import Any

from onegov_auth.collections import UserCollection
from onegov_auth.models import UserGroup

PATH = "/auth/admin/users"


def test_cells(database: Any, desk: Any, table: Any) -> None:
    """The address stands there if it is another one than the name; groups in their order."""
    with database.unit() as db:
        user = UserCollection(db).add("bob", "correct horse battery staple", "member", active=False)
        user.email, user.source, user.source_id = "bob@example.net", "company", "1"
        user.groups = [UserGroup(name="Z"), UserGroup(name="A")]
    page = desk.get(PATH, {"q": "bob"})

    assert table(page) == [["", "bob", "", "bob@example.net", "member", "A, Z", "company", "inactive", "–"]]
    assert page.html.select_one(".badge.off").get_text() == "inactive"
    heads = [head.get_text(" ", strip=True) for head in page.html.select("thead th")]
    assert heads[1:] == ["Username ▲", "Name", "E-mail address", "Role", "Groups", "Source", "State", "Last login"]
    assert page.html.select_one("thead th[aria-sort]")["aria-sort"] == "ascending"


def test_labels_of_boxes_name_their_row(database: Any, desk: Any) -> None:
    """Whoever hears a box knows whom it selects."""
    boxes = desk.get(PATH).html.select("tbody input[type=checkbox]")

    assert [box["aria-label"] for box in boxes] == ["Select ada@example.org"]
