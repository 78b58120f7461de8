"""The throw-away OpenID provider, by hand-written requests of its relying party."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from onegov_auth.testing.servers import OidcProvider, ServerFailedError, ServerMissingError
from onegov_auth.testing.servers.browsing import new_browser
from onegov_auth.testing.servers.oidc import CALLBACKS, Account

VERIFIER = "a-code-verifier-of-at-least-43-characters-as-rfc-7636-demands"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(name="browser")
def _browser() -> Iterator[httpx.Client]:
    with new_browser() as browser:
        yield browser


def authorization_url(op: OidcProvider, **changes: str) -> str:
    """A complete request; a changed parameter that is empty is left out."""
    parameters = {
        "client_id": op.client_id,
        "redirect_uri": CALLBACKS[0],
        "response_type": "code",
        "scope": "openid profile email",
        "state": "st",
        "nonce": "no",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{op.issuer}/auth?{urlencode({name: value for name, value in parameters.items() if value})}"


def query(url: str) -> dict[str, str]:
    """The parameters of a callback."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def tokens(op: OidcProvider, browser: httpx.Client, callback: str, **changes: str) -> Any:
    """What the code is worth."""
    form = {
        "grant_type": "authorization_code",
        "code": query(callback)["code"],
        "redirect_uri": CALLBACKS[0],
        "code_verifier": VERIFIER,
        **changes,
    }
    return browser.post(f"{op.issuer}/token", data=form, auth=(op.client_id, op.client_secret)).json()


def claims(id_token: str) -> dict[str, Any]:
    """An ID token's claims, unverified."""
    payload = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def userinfo(op: OidcProvider, browser: httpx.Client, answer: Any) -> Any:
    """What userinfo says."""
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    return browser.get(f"{op.issuer}/me", headers=headers).json()


def test_somebody_logs_in(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """The callback has code, state and issuer; the tokens say who it is."""
    callback = oidc_op.log_in(authorization_url(oidc_op), "chloe")
    answer = tokens(oidc_op, browser, callback)

    assert callback.startswith(CALLBACKS[0])
    assert query(callback)["state"] == "st"
    assert query(callback)["iss"] == oidc_op.issuer
    assert claims(answer["id_token"])["sub"] == "company-chloe"
    assert claims(answer["id_token"])["nonce"] == "no"


def test_claims_come_with_userinfo(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """Name and groups by the scope profile, the address by the scope email (OpenID Connect Core §5.4)."""
    answer = tokens(oidc_op, browser, oidc_op.log_in(authorization_url(oidc_op), oidc_op.account("chloe")))

    assert "email" not in claims(answer["id_token"])
    assert userinfo(oidc_op, browser, answer) == {
        "sub": "company-chloe",
        "given_name": "Chloé",
        "family_name": "Müller-Çelik",
        "groups": ["editors"],
        "email": "chloe@example.org",
        "email_verified": True,
    }


def test_groups_have_a_scope_of_their_own(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """Groups without the profile."""
    callback = oidc_op.log_in(authorization_url(oidc_op, scope="openid groups"), "bob")
    answer = tokens(oidc_op, browser, callback)

    assert userinfo(oidc_op, browser, answer) == {"sub": "company-bob", "groups": ["editors", "staff"]}


def test_claims_can_be_in_the_id_token(browser: httpx.Client) -> None:
    """As many providers do, if it is started so."""
    with OidcProvider(id_token_claims=True) as op:
        answer = tokens(op, browser, op.log_in(authorization_url(op), "bob"))

        assert claims(answer["id_token"])["email"] == "bob@example.org"


def test_a_form_post_callback_comes_as_a_url(oidc_op: OidcProvider) -> None:
    """With the parameters the form would post."""
    callback = oidc_op.log_in(authorization_url(oidc_op, response_mode="form_post"), "bob")

    assert set(query(callback)) == {"code", "state", "iss"}


def test_a_wrong_password_gets_nowhere(oidc_op: OidcProvider) -> None:
    """The login page is shown again."""
    with pytest.raises(ServerFailedError, match="User name or password is wrong"):
        oidc_op.log_in(authorization_url(oidc_op), replace(oidc_op.account("bob"), password="x"))


def test_somebody_cancels(oidc_op: OidcProvider) -> None:
    """The callback brings the error, and our state."""
    answer = query(oidc_op.deny(authorization_url(oidc_op)))

    assert (answer["error"], answer["state"]) == ("access_denied", "st")


def test_pkce_is_demanded(oidc_op: OidcProvider) -> None:
    """A request without a challenge is refused."""
    answer = query(oidc_op.log_in(authorization_url(oidc_op, code_challenge="", code_challenge_method=""), "bob"))

    assert answer["error"] == "invalid_request"


def test_pkce_is_checked(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """A wrong verifier gets no tokens."""
    callback = oidc_op.log_in(authorization_url(oidc_op), "bob")

    assert tokens(oidc_op, browser, callback, code_verifier="x" * 43)["error"] == "invalid_grant"


def test_an_unknown_redirect_uri_is_not_redirected_to(oidc_op: OidcProvider) -> None:
    """The provider shows an error of its own."""
    with pytest.raises(ServerFailedError, match="invalid_redirect_uri"):
        oidc_op.log_in(authorization_url(oidc_op, redirect_uri="https://evil.example.com/"), "bob")


def test_redirect_uris_can_be_added(own_oidc_op: OidcProvider) -> None:
    """Also while it runs."""
    own_oidc_op.log_in(authorization_url(own_oidc_op), "bob")
    own_oidc_op.allow_redirect("http://127.0.0.1:9/cb")
    callback = own_oidc_op.log_in(authorization_url(own_oidc_op, redirect_uri="http://127.0.0.1:9/cb"), "bob")

    assert callback.startswith("http://127.0.0.1:9/cb?code=")


def test_the_provider_remembers_and_logs_out(own_oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """A second request asks no password, until the logout that the relying party began."""
    op, back = own_oidc_op, "http://localhost/out"
    op.allow_redirect(after_logout=[back])
    answer = tokens(op, browser, op.log_in(authorization_url(op), "bob", browser))
    silent = op.log_in(authorization_url(op, prompt="none"), "bob", browser)
    parameters = {"id_token_hint": answer["id_token"], "post_logout_redirect_uri": back, "state": "s"}
    ended = op.log_out(f"{op.issuer}/session/end?{urlencode(parameters)}", browser)
    afterwards = op.log_in(authorization_url(op, prompt="none"), "bob", browser)

    assert "code" in query(silent)
    assert ended == f"{back}?state=s"
    assert query(afterwards)["error"] == "login_required"


def test_accounts_can_be_chosen_and_changed(browser: httpx.Client) -> None:
    """Claims that are None are absent, others are added, and changes count at once."""
    zoe = Account("s-1", "zoe", "pw", email="zoe@example.org", extra={"preferred_username": "zz"})
    with OidcProvider(accounts=[zoe]) as op:
        before = userinfo(op, browser, tokens(op, browser, op.log_in(authorization_url(op), "zoe")))
        op.add_account(replace(zoe, email_verified=True))
        after = userinfo(op, browser, tokens(op, browser, op.log_in(authorization_url(op), "zoe")))

    expected = {"sub": "s-1", "email": "zoe@example.org", "email_verified": False, "preferred_username": "zz"}
    assert before == expected
    assert after == {**expected, "email_verified": True}


def test_how_somebody_proved_it_is_told(own_oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """An account may say which methods it used (RFC 8176)."""
    own_oidc_op.add_account(Account("s-2", "kim", "pw", extra={"amr": ["pwd", "otp"]}))
    requested = json.dumps({"id_token": {"amr": None}})
    callback = own_oidc_op.log_in(authorization_url(own_oidc_op, claims=requested), "kim")

    assert claims(tokens(own_oidc_op, browser, callback)["id_token"])["amr"] == ["pwd", "otp"]


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
def test_clients_can_be_added(oidc_op: OidcProvider, browser: httpx.Client, algorithm: str) -> None:
    """With an algorithm, and without a secret, of their own."""
    client = oidc_op.add_client(
        redirect_uris=[CALLBACKS[0]], token_endpoint_auth_method="none", id_token_signed_response_alg=algorithm
    )
    callback = oidc_op.log_in(authorization_url(oidc_op, client_id=client.client_id), "bob")
    form = {
        "grant_type": "authorization_code",
        "code": query(callback)["code"],
        "redirect_uri": CALLBACKS[0],
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
    }
    id_token = browser.post(f"{oidc_op.issuer}/token", data=form).json()["id_token"]
    head = json.loads(base64.urlsafe_b64decode(id_token.split(".")[0] + "=="))

    assert client.client_secret == ""
    assert head["alg"] == algorithm


def test_a_restart_keeps_the_issuer_and_makes_new_keys(own_oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """So a key rotation can be tested."""
    issuer = own_oidc_op.issuer
    before = {key["kid"] for key in browser.get(f"{issuer}/jwks").json()["keys"]}
    own_oidc_op.restart()
    after = {key["kid"] for key in browser.get(f"{issuer}/jwks").json()["keys"]}

    assert own_oidc_op.issuer == issuer
    assert len(before) == len(after) == 3
    assert not before & after


def test_two_providers_run_side_by_side(oidc_op: OidcProvider, own_oidc_op: OidcProvider) -> None:
    """Another issuer, another secret."""
    assert oidc_op.issuer != own_oidc_op.issuer
    assert oidc_op.client_secret != own_oidc_op.client_secret


def test_a_foreign_browser_is_refused(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """Who takes over somebody's login page without the cookie gets no form."""
    with new_browser() as victim:
        page = victim.get(authorization_url(oidc_op)).headers["location"]

    assert browser.get(f"{oidc_op.issuer}{urlsplit(page).path}").status_code == 400


def test_an_unknown_page_is_not_found(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """A login has no other pages than login and abort."""
    page = urlsplit(browser.get(authorization_url(oidc_op)).headers["location"]).path

    assert browser.get(f"{oidc_op.issuer}{page}/other").status_code == 404


def test_a_changed_name_is_no_markup(oidc_op: OidcProvider, browser: httpx.Client) -> None:
    """What is put into a page is escaped."""
    answer = browser.get(authorization_url(oidc_op, client_id="<script>"))

    assert "<script>" not in answer.text


def test_accounts_and_clients_are_kept_before_the_start() -> None:
    """What is changed before the start is there after it, and nothing is written until then."""
    op = OidcProvider()
    op.allow_redirect("https://a.example.org/cb")
    client = op.add_client("mine", redirect_uris=["https://b.example.org/cb"])

    assert client.client_id == "mine"
    assert op._directory is None
    with op:
        callback = op.log_in(authorization_url(op, client_id="mine", redirect_uri="https://b.example.org/cb"), "bob")
    assert callback.startswith("https://b.example.org/cb?code=")


def test_an_unknown_account_is_an_error(oidc_op: OidcProvider) -> None:
    """A login nobody has is no account."""
    with pytest.raises(KeyError):
        oidc_op.account("nobody")


def test_a_missing_server_names_its_package() -> None:
    """Who has no Node.js is told what to install."""

    class Missing(OidcProvider):
        """Not installed."""

        program = "node-of-nobody"

    with pytest.raises(ServerMissingError, match="install the package nodejs"):
        Missing().start()
