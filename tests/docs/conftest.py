"""A place to run the samples in: a folder with settings and tables, and a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

from onegov_auth import migrations
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
SECRET = "qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw"


@pytest.fixture(name="examples")
def _examples() -> Path:
    """The sample files of the documentation."""
    return ROOT / "docs" / "examples"


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examples: Path) -> Path:
    """A folder with the tutorial's settings, its tables and the user ann@example.org; samples run in it."""
    (tmp_path / "auth.yml").write_text((examples / "auth.yml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    database = Database("sqlite:///auth.db")
    migrations.upgrade(database.engine)
    with database.unit() as session:
        UserCollection(session).add("ann@example.org", PASSWORD, role="member", realname="Ann")
    database.dispose()
    return tmp_path


@pytest.fixture(name="log_in")
def _log_in() -> Callable[..., Any]:
    """Call it with an application: the answer to asking for a page, after logging in on the page one is led to."""

    def log_in(application: Any, page: str = "/", login: str = "/auth/login") -> Any:
        browser = TestApp(application, extra_environ={"HTTP_HOST": "localhost:8080"})
        led = browser.get(page, status=303)
        assert led.location.partition("?")[0].endswith(login)
        form = led.follow().forms[0]
        form["username"], form["password"] = "ann@example.org", PASSWORD
        return form.submit(status=303).follow()

    return log_in
