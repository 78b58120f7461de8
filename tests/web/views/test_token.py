from __future__ import annotations

import json
import logging
from typing import Any

import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import event, select

from onegov_auth.domain import Client
from onegov_auth.jwt.keys import Registry
from onegov_auth.models import CHANGE_PASSWORD, RefreshToken, SigningKey, User, UserSession
from onegov_auth.outcomes import Refused
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownPeople, person

PASSWORD = "correct horse battery staple"
ANN = {"username": "ann@example.org", "password": PASSWORD}
PATH = "/auth/token"


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site with access tokens, and somebody with an account."""
    town = make_town(tokens={"jwt": {"enabled": True}})
    town.add("ann@example.org", "editor")
    return town


def post(town: Any, path: str = PATH, status: int = 200, **fields: str) -> Any:
    return town.browser().post_json(path, fields, status=status).json


def tokens(town: Any, **more: str) -> Any:
    return post(town, PATH, 200, **ANN, **more)


def status(town: Any, access: str, path: str = "/private") -> int:
    headers = {"Authorization": f"Bearer {access}"}
    code: int = town.browser().get(path, headers=headers, expect_errors=True).status_code
    return code


def sessions(town: Any) -> int:
    with town.app.auth.database.read() as db:
        return len(db.scalars(select(UserSession)).all())


def test_a_login_gives_tokens(town: Any) -> None:
    """An access token that is the user for ten minutes, a refresh token, and no cookie."""
    response = town.browser().post_json(PATH, ANN)
    given = response.json

    assert given["token_type"] == "Bearer"
    assert given["expires_in"] == 600
    assert "scope" not in given
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert status(town, given["access_token"]) == 200
    town.clock.advance(600)
    assert status(town, given["access_token"]) == 401


def test_a_form_will_do(town: Any) -> None:
    """The fields may be those of a form as well."""
    assert status(town, town.browser().post(PATH, ANN).json["access_token"]) == 200


@pytest.mark.sec("ASVS-9.2.2", "ASVS-9.2.3", "ASVS-9.2.4", "ASVS-10.3.1")
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_profile(make_town: Any, algorithm: str) -> None:
    """The token is of the profile of RFC 9068, and anybody can verify it with the published keys."""
    town = make_town(tokens={"jwt": {"enabled": True, "algorithm": algorithm}})
    town.add("ann@example.org")
    access = tokens(town, scope="Personal invoices.read")["access_token"]
    page = town.browser().get("/auth/jwks.json")

    found = jwt.decode(access, KeySet.import_key_set(page.json), registry=Registry(algorithms=[algorithm]))
    assert page.content_type == "application/jwk-set+json"
    assert page.headers["Cache-Control"] == "public, max-age=300"
    assert found.header["typ"] == "at+jwt"
    assert found.header["alg"] == algorithm
    assert found.claims.keys() == {"iss", "aud", "client_id", "sub", "sid", "iat", "exp", "jti", "scope"}
    assert found.claims["iss"] == "https://app.example.org"
    assert found.claims["aud"] == "main/app"
    assert found.claims["sub"] == town.user("ann@example.org").id.hex
    assert found.claims["scope"] == "Personal invoices.read"


@pytest.mark.sec("ASVS-9.1.3")
def test_published_keys_are_public(town: Any) -> None:
    """No private member is in the key set, and what is stored of it is encrypted."""
    tokens(town)
    (key,) = town.browser().get("/auth/jwks.json").json["keys"]

    assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    with town.app.auth.database.read() as db:
        row = db.scalars(select(SigningKey)).one()
    assert row.private.startswith("v1.")
    assert '"d"' not in json.dumps(row.public)


@pytest.mark.sec("ENUM-01", "RATE-04")
def test_refusals_look_alike(town: Any) -> None:
    """A wrong password, an unknown name, a token that is none: one and the same 401, in JSON and with a challenge."""
    wrong = (
        {**ANN, "password": "wrong"},
        {"username": "nobody@example.org", "password": "wrong"},
        {"refresh_token": "x" * 43},
        {"refresh_token": ""},
        {"transaction": "a.b", "code": "123456"},
    )
    answers = [town.browser().post_json(PATH, fields, status=401) for fields in wrong]

    assert {(answer.json["error"], answer.json["message"]) for answer in answers} == {
        ("invalid_grant", "This did not work. Please log in again.")
    }
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


@pytest.mark.sec("RATE-04", "RATE-09")
def test_limits_are_those_of_a_login(town: Any) -> None:
    """Guesses here and on the login page share one budget."""
    for _ in range(15):
        post(town, status=401, username="ann@example.org", password="wrong")

    response = town.browser().post_json(PATH, ANN, status=429)
    assert int(response.headers["Retry-After"]) > 0
    assert town.browser().log_in("ann@example.org").status_code == 429


def test_what_has_to_be_done_in_a_browser(town: Any) -> None:
    """Who has to choose another password first is sent to a browser, and has no session yet."""
    with town.app.auth.database.unit() as db:
        db.scalars(select(User)).one().require_step(CHANGE_PASSWORD)

    assert post(town, PATH, 403, **ANN)["error"] == "browser_required"
    assert sessions(town) == 0


@pytest.mark.sec("RATE-04")
def test_unknown_refresh_tokens_are_counted(make_town: Any) -> None:
    """An address that comes with too many of them has to wait."""
    town = make_town(tokens={"jwt": {"enabled": True}}, attempts={"token": {"limit": 1}})
    post(town, PATH, 401, refresh_token="x" * 43)
    assert post(town, PATH, 429, refresh_token="y" * 43)["error"] == "too_many_attempts"


@pytest.mark.sec("CSRF-01")
def test_another_site_tries_no_password(town: Any) -> None:
    """A page of another origin can't make its visitors' browsers log in or refresh."""
    for fields in (ANN, {"refresh_token": "x"}):
        town.browser().post(PATH, fields, headers={"Origin": "https://evil.example"}, status=403)


@pytest.mark.parametrize(
    "body", ["{", "[]", '["a"]', '{"username": 1}', '{"a": {"b": "c"}}', '{"a": "1", "a": "2"}', "[" * 10000]
)
def test_what_is_no_object_of_texts(town: Any, body: str) -> None:
    """Broken JSON, other types and doubled names are a 400 and never a 500."""
    town.browser().post(PATH, body, content_type="application/json", status=400)


@pytest.mark.sec("RACE-17", "TOK-04")
@pytest.mark.sec("ASVS-16.5.1")
@pytest.mark.parametrize("scope", ["a" * 2001, "\U0001f600" * 501, "x\x00y", "x\ny", "\ud800"], ids=ascii)
def test_what_is_no_scope(town: Any, scope: str) -> None:
    """A scope that can't be kept, or that makes a token too long for any server, is refused before anybody logs in."""
    assert post(town, status=400, **ANN, scope=scope)["error"] == "invalid_scope"
    assert sessions(town) == 0


def test_longest_scope(town: Any) -> None:
    """A token with the longest scope is still one."""
    assert status(town, tokens(town, scope=f"Personal {'é' * 990}")["access_token"], "/personal") == 200


@pytest.mark.sec("ASVS-16.5.2")
def test_directory_is_down(make_town: Any) -> None:
    """Who can't be asked for is told so, and has not typed a wrong password."""
    settings = ProviderSettings(kind="known-people", roles={"member": ("*",)})
    dora = person("staff", "id-1", "dora", email="dora@example.org")
    staff = KnownPeople(name="staff", settings=settings, people={"dora": (PASSWORD, dora)}, down={"yes"})
    town = make_town(staff, tokens={"jwt": {"enabled": True}})
    answer = post(town, status=503, username="dora", password=PASSWORD)
    assert answer["error"] == "unavailable"
    assert answer["message"] == "Nobody can be asked right now. Please try again later."

    staff.down.clear()
    assert status(town, post(town, username="dora", password=PASSWORD)["access_token"], "/personal") == 200


def test_refresh_tokens_rotate(town: Any) -> None:
    """Each gives the next pair, with the same scope."""
    first = tokens(town, scope="Private")
    second = post(town, refresh_token=first["refresh_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == "Private"
    assert status(town, second["access_token"]) == 200
    assert status(town, second["access_token"], "/personal") == 403
    assert sessions(town) == 1


@pytest.mark.sec("RACE-17")
def test_a_used_one_ends_everything(town: Any) -> None:
    """Whoever comes with a used refresh token ends the session, the newest tokens and all (RFC 9700 §4.14.2)."""
    first = tokens(town)
    second = post(town, refresh_token=first["refresh_token"])
    post(town, status=401, refresh_token=first["refresh_token"])

    assert sessions(town) == 0
    assert status(town, second["access_token"]) == 401
    post(town, status=401, refresh_token=second["refresh_token"])


@pytest.mark.sec("SESS-05", "TOK-03", "ASVS-7.4.2", "ASVS-7.4.3")
@pytest.mark.parametrize("how", ["revoked", "session", "deactivated", "by date", "password", "role", "deleted"])
def test_what_ends_the_session_ends_the_tokens(town: Any, how: str) -> None:
    """With the very next request both tokens are over."""
    given = tokens(town)
    if how == "revoked":
        assert post(town, f"{PATH}/revoke", refresh_token=given["refresh_token"]) == {}
    with town.app.auth.database.unit() as db:
        user = db.scalars(select(User)).one()
        if how == "session":
            town.app.auth.sessions.end_all(db, user.id)
        elif how == "deactivated":
            user.active = False
        elif how == "by date":
            user.disabled_utc = town.clock()
        elif how == "password":
            user.password = "another one entirely"
        elif how == "role":
            user.role = "member"
        elif how == "deleted":
            db.delete(user)

    assert status(town, given["access_token"], "/personal") == 401
    post(town, status=401, refresh_token=given["refresh_token"])


def test_a_session_lasts_as_long_as_the_refresh_token(town: Any) -> None:
    """Unused for days, the client gets its next pair, until the day the settings say."""
    given = tokens(town)
    for _ in range(2):
        town.clock.advance(14 * 86400)
        given = post(town, refresh_token=given["refresh_token"])
    town.clock.advance(3 * 86400)
    post(town, status=401, refresh_token=given["refresh_token"])


@pytest.mark.sec("CSRF-01")
def test_tokens_of_a_session(town: Any) -> None:
    """A page of ours gets tokens for whoever is logged in, which end with that session; no other page does."""
    browser = town.logged_in()
    browser.post(PATH, {}, status=403)
    csrf = browser.get("/auth/account").forms[0]["csrf_token"].value
    given = browser.post(PATH, {}, headers={"X-CSRF-Token": csrf}).json
    assert status(town, given["access_token"]) == 200

    browser.log_out()
    assert status(town, given["access_token"]) == 401
    post(town, status=401, refresh_token=given["refresh_token"])


def test_nobody_is_logged_in(town: Any) -> None:
    """Without a session there is nothing to give tokens for, with a form's token neither."""
    browser = town.browser()
    csrf = browser.get("/auth/login").forms[0]["csrf_token"].value
    assert browser.post(PATH, {"csrf_token": csrf}, status=401).json["error"] == "invalid_grant"


@pytest.mark.sec("TOK-05")
def test_tokens_make_no_tokens(town: Any) -> None:
    """Neither does an access token get a family of its own, nor does it open a page of ours."""
    headers = {"Authorization": f"Bearer {tokens(town)['access_token']}"}

    assert town.browser().post(PATH, {}, headers=headers, status=401).json["error"] == "invalid_grant"
    town.browser().get("/auth/account/tokens", headers=headers, status=403)


def test_one_statement_finds_everything(town: Any) -> None:
    """A request by access token asks the database once, as one by cookie does."""
    access = tokens(town)["access_token"]
    statements: list[str] = []
    event.listen(town.app.auth.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    assert status(town, access) == 200
    assert statements == []


@pytest.mark.sec("TOK-08", "LOG-02")
def test_no_token_in_log(town: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Neither kind of token is in a log line at any level."""
    caplog.set_level(logging.DEBUG)
    given = tokens(town)
    again = post(town, refresh_token=given["refresh_token"])
    status(town, again["access_token"], "/secret")
    post(town, status=401, refresh_token=given["refresh_token"])

    assert caplog.text
    for pair in (given, again):
        assert pair["access_token"] not in caplog.text
        assert pair["refresh_token"] not in caplog.text


def test_off_by_default(make_town: Any) -> None:
    """Without the setting there are no such pages, and no access token is looked at."""
    town = make_town()
    town.browser().post_json(PATH, ANN, status=404)
    town.browser().get("/auth/jwks.json", status=404)
    assert status(town, "a.b.c") == 401


def test_a_session_that_is_over(town: Any) -> None:
    """Tokens for a session that ended meanwhile are refused."""
    auth = town.app.auth
    outcome = auth.login("ann@example.org", PASSWORD, Client(address="192.0.2.1"))
    with auth.database.unit() as db:
        identity = auth.sessions.by_id(outcome.session.id)
        auth.sessions.end(db, outcome.session.id)

    assert auth.token_session(identity) == Refused("unknown_session")
    with auth.database.read() as db:
        assert db.scalars(select(RefreshToken)).all() == []


class TestSecondFactor:
    """Of somebody who has one."""

    @pytest.fixture(name="town")
    def _with_factor(self, make_town: Any) -> Any:
        town = make_town(tokens={"jwt": {"enabled": True}}, second_factors={"totp": {}})
        town.add("ann@example.org", "editor")
        with town.app.auth.database.unit() as db:
            user = db.scalars(select(User)).one()
            user.second_factor = {"type": "totp", "data": pyotp.random_base32()}
        return town

    def code(self, town: Any) -> str:
        """What the app shows now."""
        with town.app.auth.database.read() as db:
            secret = db.scalars(select(User)).one().second_factor["data"]
        return pyotp.TOTP(secret).at(town.clock())

    @pytest.mark.sec("MFA-01")
    def test_it_is_asked_for_and_answered(self, town: Any) -> None:
        """The password alone gives no token but a login that waits, for this client only and once."""
        asked = post(town, status=401, **ANN)
        assert asked["error"] == "factor_required"
        assert asked["factors"] == ["totp"]
        post(town, status=401, transaction=asked["transaction"].replace(".", "x.", 1), code=self.code(town))
        wrong = post(town, status=401, transaction=asked["transaction"], code="000000")
        assert wrong["error"] == "invalid_grant"

        given = post(town, transaction=asked["transaction"], code=self.code(town))
        assert status(town, given["access_token"]) == 200
        post(town, status=401, transaction=asked["transaction"], code=self.code(town))

    def test_asked_once_more(self, town: Any) -> None:
        """Without a code, the factor is asked for: that is how a text message is sent."""
        asked = post(town, status=401, **ANN)
        again = post(town, status=401, transaction=asked["transaction"], factor="totp")
        assert again["error"] == "factor_required"
        assert post(town, transaction=again["transaction"], code=self.code(town))["access_token"]
