"""In which language a page is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from onegov_auth.database import Database
from onegov_auth.models import User


def language_of(request: Any) -> str:
    """The question that the tests ask."""
    language: str = request.language
    return language


def saying(header: str) -> dict[str, Any]:
    """What a browser asks for."""
    return {"headers": {"Accept-Language": header}}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("en;q=0.5, fr-CH;q=0.9", "fr"),
        ("rm", "rm"),
        ("tlh, es-419;q=0.1", "es"),
        ("de;q=0, it;q=0.2", "it"),
        ("tlh", "en"),
        ("*", "en"),
        ("", "en"),
        ("de;;q=x,\u00e4", "en"),
        ("d" * 5000, "en"),
        (", ".join(["de-CH", *["tlh;q=0.1"] * 50]), "de"),
    ],
)
def test_browsers(ask: Callable[..., Any], header: str, language: str) -> None:
    """The browser's order and weights decide, as far as we speak its languages; what is no language is none."""
    assert ask(language_of, **saying(header)) == language


def test_settings(ask: Callable[..., Any], app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the browser says nothing, the settings do."""
    settings = app.auth.settings.model_copy(update={"language": "fr"})
    monkeypatch.setattr(app.auth, "settings", settings)

    assert ask(language_of) == "fr"
    assert ask(language_of, **saying("it")) == "it"


@pytest.mark.parametrize(("own", "language"), [("rm", "rm"), (None, "de"), ("tlh", "de")])
def test_people(
    ask: Callable[..., Any], browser: Any, add_user: Callable[..., Any], database: Database, own: Any, language: str
) -> None:
    """What the person chose goes before what the browser says."""
    user = add_user("ann@example.org", "editor")
    with database.unit() as db:
        db.get_one(User, user.id).language = own
    browser.log_in("ann@example.org")

    assert ask(language_of, browser, **saying("de")) == language


def test_pages(app: Any, browser: Any) -> None:
    """A page says in which language it is, and is in it."""
    page = browser.get("/auth/login", headers={"Accept-Language": "de"}).text

    assert '<html lang="de">' in page
    assert "Anmelden" in page
    assert "Log in" not in page


def test_errors_in_forms(browser: Any) -> None:
    """What is wrong with a form is said in that language."""
    header = {"Accept-Language": "fr"}
    form = browser.get("/auth/login", headers=header).form
    page = form.submit(headers=header).text

    assert "Veuillez saisir votre mot de passe." in page


def test_the_database_is_gone(app: Any, browser: Any, add_user: Callable[..., Any], database: Database) -> None:
    """The page that says so needs no database to find its language."""
    add_user("ann@example.org", "editor")
    browser.log_in("ann@example.org")
    with database.unit() as db:
        db.execute(text("ALTER TABLE user_sessions RENAME TO gone"))
    app.question = lambda request: request.identity
    page = browser.get("/ask", headers={"Accept-Language": "de"}, status=503)

    assert '<html lang="de">' in page.text
