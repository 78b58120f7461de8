"""Forms that are refused count as attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from onegov_auth.models import LoginAttempt
from onegov_auth.testing.providers import KnownIssuer

FACTORS = {"totp": {}, "webauthn": {"passwordless": True}}
ANN = "ann@example.org"

#: Path, field with the name of the account, kind, and what it is counted for.
FORMS = [
    ("/auth/login", "username", "login", ANN),
    ("/auth/request-password", "email", "recovery", ANN),
    ("/auth/reset-password", "email", "recovery", None),
    ("/auth/register", "username", "signup", ANN),
    ("/auth/resend", "email", "signup", ANN),
    ("/auth/activate", "username", "signup", None),
    ("/auth/second-factor", "username", "factor", None),
    ("/auth/second-factor/totp", "username", "factor", None),
    ("/auth/passkey", "username", "factor", None),
]


@pytest.fixture(name="make")
def _make(make_app: Callable[..., Any], add_user: Callable[..., Any]) -> Callable[..., Any]:
    def make(**changes: Any) -> Any:
        add_user(ANN, "admin")
        return make_app(KnownIssuer(name="company"), second_factors=FACTORS, registration={"enabled": True}, **changes)

    return make


def rows(app: Any) -> list[tuple[Any, ...]]:
    """What was stored."""
    with app.auth.database.read() as db:
        found = db.scalars(select(LoginAttempt).order_by(LoginAttempt.id)).all()
    return [(row.attempt_type, row.user_input, row.source_ip, row.code, row.is_during_lockout) for row in found]


@pytest.mark.sec("RATE-04", "ASVS-6.3.1", "CSRF-01")
@pytest.mark.parametrize(("path", "field", "kind", "name"), FORMS)
@pytest.mark.parametrize("token", [None, "forged.token"])
def test_a_form_that_is_not_ours_is_an_attempt(
    make: Any, make_browser: Any, path: str, field: str, kind: str, name: str | None, token: str | None
) -> None:
    """It counts for the address, and for the account that it names, where guessing there is what it could be."""
    app = make()
    fields = {field: " Ann@Example.org", "password": "x", **({} if token is None else {"csrf_token": token})}

    assert make_browser(app).post(path, fields, expect_errors=True).status_code == 403
    assert rows(app) == [(kind, name, "unknown", "csrf", False)]


@pytest.mark.sec("RATE-01", "CSRF-04")
@pytest.mark.parametrize(("path", "field"), [form[:2] for form in FORMS])
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_is_nobodys_attempt(
    make: Any, make_browser: Any, path: str, field: str, headers: dict[str, str]
) -> None:
    """A page elsewhere that makes browsers send forms locks neither their network nor the account it names."""
    app = make()
    browser = make_browser(app)
    token = browser.get("/auth/login").forms[0]["csrf_token"].value
    fields = {field: ANN, "password": "x", "csrf_token": token}

    assert browser.post(path, fields, headers=headers, expect_errors=True).status_code == 403
    assert rows(app) == []


@pytest.mark.sec("RATE-04", "RESET-13")
@pytest.mark.parametrize(("path", "field", "kind"), [form[:3] for form in FORMS])
def test_a_form_that_cant_be_read_is_an_attempt(make: Any, make_browser: Any, path: str, field: str, kind: str) -> None:
    """Two names in one form are nobody's: the address alone is counted."""
    app = make()
    answer = make_browser(app).post(path, [(field, ANN), (field, "eve@example.org")], expect_errors=True)

    assert answer.status_code == 400
    assert rows(app) == [(kind, None, "unknown", "form", False)]


@pytest.mark.sec("RATE-04")
@pytest.mark.parametrize(
    ("path", "fields", "kind", "name"),
    [
        ("/auth/login", {"username": ANN, "password": ""}, "login", ANN),
        ("/auth/login", {"username": "", "password": "x"}, "login", None),
        ("/auth/request-password", {"email": ""}, "recovery", None),
        ("/auth/reset-password", {"email": ANN, "password": ""}, "recovery", None),
        ("/auth/register", {"username": ANN, "password": "", "confirm": ""}, "signup", ANN),
        ("/auth/resend", {"email": ""}, "signup", None),
    ],
)
def test_a_form_that_is_not_filled_in_is_an_attempt(
    make: Any, make_browser: Any, path: str, fields: dict[str, str], kind: str, name: str | None
) -> None:
    """Nothing is looked at, and it counts all the same."""
    app = make()
    browser = make_browser(app)
    token = browser.get("/auth/login").forms[0]["csrf_token"].value

    assert browser.post(path, {**fields, "csrf_token": token}).status_code == 200
    assert rows(app) == [(kind, name, "unknown", "form", False)]


@pytest.mark.sec("RATE-04", "RATE-10")
def test_forms_that_are_refused_lock_like_wrong_passwords(make: Any, make_browser: Any, hashes: Any) -> None:
    """After the last of them the right password is not looked at; and none of them costs a hash."""
    app = make(attempts={"login": {"limit": 3, "within": "10m", "lockout": "1h"}})
    browser = make_browser(app)
    token = browser.get("/auth/login").forms[0]["csrf_token"].value
    hashed = hashes(app)
    browser.post("/auth/login", {"username": ANN, "password": "x"}, expect_errors=True)
    for _ in range(2):
        browser.post("/auth/login", {"username": ANN, "password": "", "csrf_token": token})
    unfilled = {"username": ANN, "password": "", "csrf_token": token}
    right = {"username": ANN, "password": "correct horse battery staple", "csrf_token": token}

    for fields in (unfilled, right):
        answer = browser.post("/auth/login", fields, expect_errors=True)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3601")
    assert browser.post("/auth/login", {"username": ANN}, expect_errors=True).status_code == 403
    assert [row[3:] for row in rows(app)][3:] == [("form", True), ("locked", True), ("csrf", True)]
    assert hashed == []
    browser.post("/auth/login", {**right, "username": "nobody"})
    assert hashed


@pytest.fixture(name="hashes")
def _hashes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """Which hashes are computed from now on."""

    def watch(app: Any) -> list[str]:
        done: list[str] = []
        hasher = app.auth.hasher
        for name in ("verify", "verify_dummy"):
            before = getattr(type(hasher), name)

            def note(self: Any, *given: Any, _before: Any = before, _name: str = name) -> Any:
                done.append(_name)
                return _before(self, *given)

            monkeypatch.setattr(type(hasher), name, note)
        return done

    return watch
