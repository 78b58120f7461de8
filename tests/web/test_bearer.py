from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from onegov_auth.database import Database
from onegov_auth.models import LoginAttempt, User
from onegov_auth.testing.clock import FakeClock

ANN = "ann@example.org"


@pytest.fixture(name="token")
def _token(app: Any, database: Database, add_user: Callable[..., User]) -> str:
    """A token of an editor that may do all she may."""
    user = add_user(ANN, "editor")
    with database.unit() as db:
        made: str = app.auth.api_tokens.create(db, user.id, "Backup")[0]
    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.sec("TOK-03", "CSRF-07")
@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_a_token_is_its_user(browser: Any, token: str, header: str) -> None:
    """A page sees the user with all rights, without a cookie and without a form's token."""
    headers = {"Authorization": header.format(token)}

    assert ANN in browser.get("/", headers=headers).text
    assert browser.get("/private", headers=headers).text == "private"
    assert browser.post("/personal", headers=headers).text == "posted"
    assert "Set-Cookie" not in browser.get("/personal", headers=headers).headers


def test_the_second_seeds_header(browser: Any, token: str) -> None:
    """``X-Auth-Token`` is as good as a bearer token, and spares a form's token as well."""
    assert "Hello" in browser.get("/personal", headers={"X-Auth-Token": token}).text
    assert browser.post("/personal", headers={"X-Auth-Token": token}).text == "posted"


@pytest.mark.sec("TOK-07", "ASVS-16.5.1")
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \x00"},
        {"Authorization": "Bearer é€".encode().decode("latin-1")},
        {"Authorization": "Bearer " + "a" * 1_000_000},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer ' OR 1=1 --"},
        {"X-Auth-Token": ""},
        {"X-Auth-Token": "!.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"X-Auth-Token": "gA.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    ],
)
def test_malformed_tokens(browser: Any, headers: dict[str, str]) -> None:
    """What is no token is a 401 with a challenge, in JSON, on pages for everybody as well."""
    for path in ("/personal", "/", "/auth/account"):
        response = browser.get(path, headers=headers, status=401)
        assert response.json["error"] == "invalid_token"
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.sec("TOK-07")
def test_several_tokens(browser: Any, token: str) -> None:
    """Two headers, or one with two tokens, are none, even if both are good."""
    browser.get("/personal", headers={**bearer(token), "X-Auth-Token": token}, status=401)
    browser.get("/personal", headers=bearer(f"{token}, Bearer {token}"), status=401)
    browser.get("/personal", headers=bearer(f"{token} {token}"), status=401)


@pytest.mark.sec("TOK-06")
def test_only_in_the_head(browser: Any, token: str) -> None:
    """A token in the address, a form or a cookie is nobody's."""
    browser.get("/personal", {"access_token": token, "token": token}, status=303)
    browser.post("/personal", {"access_token": token}, status=303)
    browser.set_cookie("access_token", token)
    browser.get("/personal", status=303)
    browser.get("/personal", headers={"Authorization": f"Basic {token}"}, status=303)


@pytest.mark.sec("TOK-04", "TOK-07")
def test_a_token_does_not_fall_back(browser: Any, app: Any, token: str) -> None:
    """Beside a token that is no good, a good cookie does not count."""
    browser.log_in(ANN)
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}

    browser.get("/personal", headers={**cookie, **bearer("x")}, status=401)


@pytest.mark.sec("TOK-06", "CSRF-07")
def test_a_token_ends_no_session_of_a_cookie(browser: Any, token: str) -> None:
    """Beside a token, which needs no form's token, the cookie is nobody's: its session goes on."""
    browser.log_in(ANN)
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    browser.post("/auth/logout", headers={**cookie, **bearer(token)})
    browser.reset()

    assert "Hello" in browser.get("/personal", headers=cookie).text


@pytest.mark.sec("TOK-03", "TOK-05", "TOK-06", "ASVS-10.3.2")
@pytest.mark.parametrize(
    "path", ["account", "account/sessions", "account/password", "account/email", "account/identities"]
)
def test_no_page_of_ours(browser: Any, token: str, path: str) -> None:
    """A token looks after no account: it shows and changes nothing there, whoever's it is."""
    response = browser.get(f"/auth/{path}", headers=bearer(token), status=403)
    assert response.json["error"] == "insufficient_scope"
    browser.post(f"/auth/{path}", headers=bearer(token), status=403)


@pytest.mark.sec("TOK-03", "ASVS-8.4.1")
def test_no_administration(browser: Any, app: Any, database: Database, add_user: Callable[..., User]) -> None:
    """The token of an administrator opens the application's pages for administrators, and none of ours."""
    user = add_user("root@example.org", "admin")
    with database.unit() as db:
        token = app.auth.api_tokens.create(db, user.id, "All")[0]

    assert browser.get("/secret", headers=bearer(token)).text == "secret"
    browser.get("/auth/admin/signup-links", headers=bearer(token), status=403)


@pytest.mark.sec("TOK-03", "ASVS-10.3.2")
def test_a_scope_narrows(browser: Any, app: Any, database: Database, add_user: Callable[..., User]) -> None:
    """A token is good for what it names and its user may do, and for nothing that only one of them says."""
    reader = add_user("reader@example.org", "editor")
    with database.unit() as db:
        create = app.auth.api_tokens.create
        invoices = create(db, reader.id, "Invoices", scope=["invoices.read"])[0]
        more = create(db, reader.id, "More", scope=["invoices.write", "Personal", "Secret"])[0]

    assert browser.get("/invoices", headers=bearer(invoices)).text == "invoices"
    refused = browser.get("/personal", headers=bearer(invoices), status=403)
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert browser.get("/", headers=bearer(invoices)).status_code == 200
    assert "Hello" in browser.get("/personal", headers=bearer(more)).text
    for path in ("/invoices", "/both", "/secret", "/private"):
        browser.get(path, headers=bearer(more), status=403)


@pytest.mark.sec("TOK-03")
@pytest.mark.parametrize("change", ["deactivated", "by date", "deleted", "demoted"])
def test_rights_of_this_moment(browser: Any, token: str, database: Database, clock: FakeClock, change: str) -> None:
    """Whoever is deactivated, deleted or demoted has no more by a token than by anything else, from then on."""
    assert browser.get("/private", headers=bearer(token)).text == "private"

    with database.unit() as db:
        user = db.scalars(select(User)).one()
        if change == "deactivated":
            user.active = False
        elif change == "by date":
            user.disabled_utc = clock()
        elif change == "deleted":
            db.delete(user)
        else:
            user.role = "member"
    browser.get("/private", headers=bearer(token), status=403 if change == "demoted" else 401)


def test_one_statement_finds_everything(browser: Any, token: str, database: Database, clock: FakeClock) -> None:
    """A request by token asks the database once, but for the minute in which its use is written down."""
    browser.get("/private", headers=bearer(token))
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    browser.get("/private", headers=bearer(token))
    assert statements == []

    clock.advance(60)
    browser.get("/private", headers=bearer(token))
    assert [statement.split()[0] for statement in statements] == ["UPDATE"]


@pytest.mark.sec("TOK-10", "RATE-04")
def test_unknown_tokens_are_counted(browser: Any, token: str, database: Database) -> None:
    """An address that shows too many well-formed tokens of nobody has to wait, and good tokens still work there."""
    unknown = bearer("a" * 32)
    statuses = [browser.get("/personal", headers=unknown, expect_errors=True).status_code for _ in range(101)]

    assert statuses[0] == 401
    assert statuses[-1] == 429
    locked = browser.get("/personal", headers=unknown, status=429)
    assert int(locked.headers["Retry-After"]) > 0
    assert "Hello" in browser.get("/personal", headers=bearer(token)).text
    with database.read() as db:
        assert {row.attempt_type for row in db.scalars(select(LoginAttempt))} == {"token"}


@pytest.mark.sec("TOK-07")
def test_nonsense_costs_nothing(browser: Any, token: str, database: Database) -> None:
    """A token with a wrong checksum is refused without asking the database."""
    changed = token[:-1] + ("a" if token[-1] != "a" else "b")
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    browser.get("/personal", headers=bearer(changed), status=401)
    assert statements == []


@pytest.mark.sec("TOK-08", "LOG-02")
def test_no_token_in_log_or_answer(browser: Any, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a good token nor a bad one is in a log line, at any level, or in an answer."""
    caplog.set_level(logging.DEBUG)
    unknown = "Q" * 40
    pages = [
        browser.get("/private", headers=bearer(token)),
        browser.get("/secret", headers=bearer(token), expect_errors=True),
        browser.get("/nowhere", headers=bearer(token), expect_errors=True),
        browser.get("/personal", headers=bearer(unknown), expect_errors=True),
        browser.post("/failing?end=crash", headers=bearer(token), expect_errors=True),
    ]

    seen = caplog.text + "".join(page.text + str(page.headers) for page in pages)
    assert "/secret" in caplog.text
    for secret in (token, unknown, token[-20:]):
        assert secret not in seen


@pytest.mark.sec("TOK-04")
def test_a_token_expires(browser: Any, token: str, clock: FakeClock) -> None:
    """It is good until its time has come, and no moment longer."""
    clock.advance(timedelta(days=365).total_seconds() - 1)
    browser.get("/private", headers=bearer(token))
    clock.advance(1)
    browser.get("/private", headers=bearer(token), status=401)
