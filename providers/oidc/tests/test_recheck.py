from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from onegov_auth.providers import (
    Callback,
    Rechecked,
    Redirect,
    Refused,
    Services,
    SessionInfo,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers import OidcProvider
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply, make_pair, signed
from onegov_auth_oidc import OIDCProvider, OIDCSettings

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]


@pytest.fixture(name="session")
def _session(op: HostileOidcProvider, clock: FakeClock) -> SessionInfo:
    """A session of the person the provider tells of."""
    now = clock()
    person = op.person["sub"]
    return SessionInfo(uuid4(), uuid4(), "company", person, now, now, now + timedelta(hours=8), issuer=op.issuer)


@pytest.fixture(name="rechecking")
def _rechecking(op: HostileOidcProvider, make: Make) -> OIDCProvider:
    """A relying party that asks again every hour."""
    op.refresh_token = "first"
    return make(recheck="1h")


def test_a_login_keeps_what_it_asks_again_with(rechecking: OIDCProvider, log_in: LogIn) -> None:
    """With the key set a refresh token is asked for and handed to the session."""
    assert log_in(rechecking).authn.refresh_token == "first"
    assert rechecking.recheck_after == timedelta(hours=1)


@pytest.mark.sec("OAUTH-16")
def test_without_the_key_nothing_is_kept(op: HostileOidcProvider, make: Make, log_in: LogIn, begin: Begin) -> None:
    """A refresh token that nobody asked for is dropped."""
    op.refresh_token = "first"
    provider = make()

    assert log_in(provider).authn.refresh_token is None
    assert provider.recheck_after is None
    assert "offline_access" not in begin(provider)[0].url


@pytest.mark.sec("OAUTH-16")
@pytest.mark.parametrize("token", ["", "a\x00b", "\ud800", "x" * 8193, 7], ids=lambda token: ascii(token)[:20])
def test_a_refresh_token_that_can_not_be_kept(
    op: HostileOidcProvider, rechecking: OIDCProvider, log_in: LogIn, token: object
) -> None:
    """What is no refresh token (RFC 6749 A.17), or a huge one, is dropped, and the login goes on without it."""
    op.token = {"refresh_token": token}

    assert log_in(rechecking).authn.refresh_token is None


@pytest.mark.parametrize(
    ("block", "params"),
    [
        ({}, {"scope": "openid profile email offline_access"}),
        ({"scope": ["openid", "offline_access"]}, {"scope": "openid offline_access"}),
        ({"preset": "google"}, {"scope": "openid profile email", "access_type": "offline", "prompt": "consent"}),
        ({"preset": "keycloak"}, {"scope": "openid profile email"}),
        ({"preset": "gitlab"}, {"scope": "openid profile email"}),
    ],
)
def test_how_a_refresh_token_is_asked_for(
    make: Make, begin: Begin, op: HostileOidcProvider, block: dict[str, Any], params: dict[str, str]
) -> None:
    """By a scope, which is there once, or as the preset says."""
    url = begin(make(**{"recheck": "1h", "issuer": op.issuer, **block}))[0].url
    found = dict(parse_qsl(urlsplit(url).query))

    assert {name: found.get(name) for name in ("scope", "access_type", "prompt") if name in found} == params


def test_a_provider_may_give_none(
    op: HostileOidcProvider, make: Make, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    """That nothing can be asked again is said in the event, and to the operator."""
    identity = log_in(make(recheck="1h"))

    assert identity.authn.refresh_token is None
    assert identity.steps[-1].name == "recheck"
    assert "recheck is on" in caplog.text
    assert op.refresh_token is None


@pytest.mark.parametrize("token", ["", 1, "x" * 8193, None], ids=["empty", "number", "long", "null"])
def test_what_is_no_refresh_token_is_none(op: HostileOidcProvider, make: Make, log_in: LogIn, token: object) -> None:
    """Nonsense in its place keeps nobody out, and is not kept."""
    op.token = {"refresh_token": token}

    assert log_in(make(recheck="1h")).authn.refresh_token is None


@pytest.mark.sec("OIDC-40", "OIDCX-17", "OAUTH-23")
def test_the_person_is_still_there(op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo) -> None:
    """Each refresh token is used once, and the new one handed back."""
    one = rechecking.recheck("first", session)
    assert isinstance(one, Rechecked), one
    two = rechecking.recheck(one.token, session)

    assert isinstance(two, Rechecked), two
    assert len({"first", one.token, two.token}) == 3
    assert two.token == op.refresh_token
    assert op.call("/token").form == {"grant_type": "refresh_token", "refresh_token": one.token}
    assert two.id_token


@pytest.mark.sec("OIDC-23", "AUTHLIB-12")
def test_a_new_id_token_may_name_its_access_token(
    op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo
) -> None:
    """The hash is that of the access token that came along this time."""
    half = hashlib.sha256(b"access").digest()[:16]
    op.refreshed = {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}

    assert isinstance(rechecking.recheck("first", session), Rechecked)


@pytest.mark.sec("OIDC-40")
def test_the_old_token_may_go_on(op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo) -> None:
    """A provider that does not rotate gives no new one, and may leave the ID token out (RFC 6749 §6)."""
    op.token = {"refresh_token": ABSENT, "id_token": ABSENT}

    assert rechecking.recheck("first", session) == Rechecked("first")


@pytest.mark.sec("OAUTH-23")
def test_the_person_is_gone(rechecking: OIDCProvider, session: SessionInfo) -> None:
    """A refresh token that is not good any more ends the session."""
    outcome = rechecking.recheck("other", session)

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_grant"


@pytest.mark.sec("OIDC-41", "OIDC-42", "AUTHLIB-12")
@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://other.example"}, "invalid_id_token_iss"),
        ({"sub": "somebody-else"}, "recheck_other_person"),
        ({"sub": ABSENT}, "invalid_id_token_sub"),
        ({"aud": "other"}, "invalid_id_token_aud"),
        ({"exp": 1}, "invalid_id_token_exp"),
        ({"iat": 1}, "invalid_id_token_iat"),
        ({"azp": "other"}, "invalid_id_token_azp"),
        ({"at_hash": "wrong"}, "invalid_id_token_at_hash"),
    ],
    ids=str,
)
def test_somebody_else_is_refused(
    op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo, claims: dict[str, Any], code: str
) -> None:
    """The new ID token is checked as the first one, and is of the same person; nothing more is asked then."""
    op.refreshed = claims
    outcome = rechecking.recheck("first", session)

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == code
    assert "/userinfo" not in op.paths()


@pytest.mark.parametrize("told", ["7", "8", None])
def test_a_key_that_userinfo_tells(
    op: HostileOidcProvider, make: Make, log_in: LogIn, session: SessionInfo, told: str | None
) -> None:
    """Where the key is another claim than ``sub`` and no ID token has it, UserInfo is asked as at the login."""
    op.refresh_token = "first"
    op.person["number"] = "7"
    provider = make(recheck="1h", claims={"id": "number"})
    known = replace(session, source_id=log_in(provider).source_id)
    op.userinfo = {"number": ABSENT if told is None else told}
    verdict: Any = provider.recheck("first", known)

    assert known.source_id == "7"
    assert isinstance(verdict, Rechecked) if told == "7" else verdict.code == "recheck_other_person"


@pytest.mark.sec("OIDC-42", "AUTHLIB-12")
@pytest.mark.parametrize(("userinfo", "code"), [("never", "recheck_other_person"), ("auto", "invalid_userinfo_sub")])
def test_a_key_that_nobody_tells(
    op: HostileOidcProvider, make: Make, session: SessionInfo, userinfo: str, code: str
) -> None:
    """Without UserInfo, or with somebody else's, a key that the ID token lacks is nobody's."""
    op.refresh_token = "first"
    op.person["number"] = session.source_id
    op.userinfo = {"sub": "somebody else"}
    verdict: Any = make(recheck="1h", claims={"id": "number"}, userinfo=userinfo).recheck("first", session)

    assert verdict.code == code


@pytest.mark.sec("OIDC-41")
def test_the_issuer_of_the_session_counts(rechecking: OIDCProvider, session: SessionInfo) -> None:
    """Should the settings have another issuer by now, the session of the old one ends."""
    outcome = rechecking.recheck("first", replace(session, issuer="https://old.example"))

    assert isinstance(outcome, Refused)
    assert outcome.code == "recheck_other_issuer"


@pytest.mark.sec("OIDC-42")
def test_a_session_of_nobody_is_refused(rechecking: OIDCProvider, session: SessionInfo) -> None:
    """Without a key there is nobody to compare with."""
    outcome = rechecking.recheck("first", replace(session, source_id=None))

    assert isinstance(outcome, Refused)
    assert outcome.code == "recheck_other_person"


@pytest.mark.sec("AUTHLIB-12")
def test_the_new_token_is_signed(op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo) -> None:
    """Another key's signature proves nothing here either."""
    op.forge = lambda header, claims: signed(header, json.dumps(claims).encode(), make_pair("x", number=1).private)
    outcome = rechecking.recheck("first", session)

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_id_token_signature"


def test_a_provider_that_is_down_decides_nothing(
    op: HostileOidcProvider, rechecking: OIDCProvider, session: SessionInfo
) -> None:
    """Nobody is logged out because a server is off."""
    op.replies["/token"] = Reply(503)

    assert isinstance(rechecking.recheck("first", session), Unavailable)


# --- giving it back ---


@pytest.mark.sec("OAUTH-23")
def test_a_refresh_token_is_given_back(op: HostileOidcProvider, rechecking: OIDCProvider) -> None:
    """At the endpoint of the metadata, by the application that it belongs to (RFC 7009 §2.1)."""
    op.metadata = {"revocation_endpoint": f"{op.issuer}/revoke"}
    rechecking.revoke("first")
    call = op.call("/revoke")

    assert call.form == {"token": "first", "token_type_hint": "refresh_token"}
    assert call.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("how", ["no endpoint", "error", "off"])
def test_giving_back_never_fails(op: HostileOidcProvider, rechecking: OIDCProvider, how: str) -> None:
    """The session is over already, whatever the provider makes of it."""
    if how == "error":
        op.metadata = {"revocation_endpoint": f"{op.issuer}/revoke"}
        op.replies["/revoke"] = Reply(500)
    if how == "off":
        op.close()
    rechecking.revoke("first")

    assert "/token" not in op.paths()


# --- a certified provider ---


def test_a_certified_provider(oidc_op: OidcProvider, services: Services, clock: FakeClock, begin: Begin) -> None:
    """The npm oidc-provider gives out a refresh token, takes it, and rotates it."""
    client = oidc_op.add_client(
        redirect_uris=[services.callback_url], grant_types=["authorization_code", "refresh_token"]
    )
    block = {"kind": "oidc", "issuer": oidc_op.issuer, "client_id": client.client_id}
    settings = OIDCSettings.model_validate({**block, "client_secret": client.client_secret, "recheck": "1h"})
    provider = OIDCProvider.create("company", settings, services)
    redirect, transaction = begin(provider)
    # Its default policy gives a refresh token only to who was asked for consent (OpenID Connect Core §11).
    url = oidc_op.log_in(f"{redirect.url}&prompt=consent", "alice")
    identity = provider.finish(Callback(dict(parse_qsl(urlsplit(url).query))), transaction)
    assert isinstance(identity, VerifiedIdentity), identity
    assert identity.authn.refresh_token is not None
    now = clock()
    session = SessionInfo(
        uuid4(), uuid4(), "company", identity.source_id, now, now, now + timedelta(hours=1), issuer=identity.issuer
    )
    outcome = provider.recheck(identity.authn.refresh_token, session)

    assert isinstance(outcome, Rechecked), outcome
    assert outcome.id_token
