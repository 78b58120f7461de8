"""The samples of the lists and forms."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from webtest import TestApp

from onegov_auth.collections import UserCollection

PASSWORD = "correct horse battery staple"


def started(path: Path) -> tuple[dict[str, Any], Any]:
    """What the sample defines, and an administrator's browser at its application."""
    names = runpy.run_path(str(path))
    app = names["App"].from_yaml("auth.yml")
    with app.auth.database.unit() as db:
        UserCollection(db).add("ada@example.org", PASSWORD, role="admin")
    browser = TestApp(app, extra_environ={"HTTP_HOST": "localhost:8080"})
    form = browser.get("/auth/login").forms[0]
    form["username"], form["password"] = "ada@example.org", PASSWORD
    form.submit(status=303)
    return names, browser


def test_invoices(examples: Path, place: Path) -> None:
    """The sample lists, adds and finds invoices, and keeps the paid ones."""
    names, browser = started(examples / "invoices_crud.py")
    names["Base"].metadata.create_all(browser.app.auth.database.engine)
    form = next(form for form in browser.get("/invoices/new").forms.values() if "title" in form.fields)
    form["title"], form["paid"] = "Paper", True
    page = form.submit().follow()
    assert "Paper" in page.text
    assert "Paper" not in browser.get("/invoices?paid=no").text
    page = next(iter(browser.get("/invoices/1/delete").forms.values())).submit()
    assert "What is paid stays." in page.text
    browser.app.auth.close()


def test_own_users_page(examples: Path, place: Path) -> None:
    """The sample's list of users has its own columns."""
    _names, browser = started(examples / "own_users_page.py")
    page = browser.get("/auth/admin/users")
    heads = [head.get_text(" ", strip=True) for head in page.html.select("table.grid thead th a")]
    assert heads == ["Name ▲", "Last seen"]
    browser.app.auth.close()
