"""The sample of an application with tables of its own."""

from __future__ import annotations

import runpy
from pathlib import Path

from sqlalchemy import inspect
from webtest import TestApp

from onegov_auth.collections import UserCollection

PASSWORD = "correct horse battery staple"


def test_own_tables(examples: Path, place: Path) -> None:
    """Somebody logs in who is a row of the sample's table, and a member in its own table of memberships."""
    for file in place.glob("auth.db*"):
        # The application's tables are not ours.
        file.unlink()
    names = runpy.run_path(str(examples / "own_tables.py"))
    app = names["App"].from_yaml("auth.yml")
    names["Base"].metadata.create_all(app.auth.database.engine)
    with app.auth.database.unit() as db:
        ada = UserCollection(db).add("ada@example.org", PASSWORD, role="admin", groups=[names["Team"](name="Finance")])
        ada.enable()
    tables = inspect(app.auth.database.engine)
    assert (str(ada.id), ada.email) == ("1", "ada@example.org")
    assert {"employees", "teams", "team_members"} <= set(tables.get_table_names())
    assert {column["name"] for column in tables.get_columns("team_members")} == {"employee", "team"}
    browser = TestApp(app, extra_environ={"HTTP_HOST": "localhost:8080"})
    form = browser.get("/auth/login").forms[0]
    form["username"], form["password"] = "ada@example.org", PASSWORD
    form.submit(status=303)
    assert "ada@example.org" in browser.get("/auth/account").text
    app.auth.close()
