from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from onegov_auth.providers import Callback, Redirect, Refused, Transaction, Unavailable, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import ABSENT, Call, HostileOidcProvider, Reply
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.presets import PRESETS

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]

JANE = {"login": "jane", "id": 583231, "name": "Jane Doe", "email": "profile@example.org"}
EMAILS = [
    {"email": "old@example.org", "primary": False, "verified": True},
    {"email": "jane@example.org", "primary": True, "verified": True},
]


class GitHub(HostileOidcProvider):
    """Answers as GitHub does: no metadata, no ID token, an API with pages; errors come with status 200."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.token = {"id_token": ABSENT, "scope": "read:user,user:email"}
        self.api: dict[str, Any] = {"/user": JANE, "/user/emails": EMAILS, "/user/orgs": [], "/user/teams": []}

    def right(self, call: Call) -> Reply:
        """The API, or the token endpoint; nothing else is there."""
        if call.path in self.api and call.headers.get("authorization") == "Bearer access":
            found = self.api[call.path]
            page = int(call.query.get("page", "1"))
            return self._json(found[(page - 1) * 100 : page * 100] if isinstance(found, list) else found)
        return super().right(call) if call.path == "/token" else Reply(404)

    def id_token(self, asked: Mapping[str, str]) -> str:
        """None is made: the request has no nonce either."""
        return "" if "nonce" not in asked else super().id_token(asked)

    def _json(self, content: object) -> Reply:
        return Reply(200, [json.dumps(content).encode()], {"Content-Type": "application/json"})


@pytest.fixture(name="op")
def _op(clock: FakeClock) -> Iterator[GitHub]:
    """GitHub, or what looks like it."""
    op = GitHub(clock)
    yield op
    op.close()


@pytest.fixture(name="github")
def _github(op: GitHub, make: Make) -> Callable[..., OIDCProvider]:
    """A client of it; only addresses differ from the preset."""

    def github(**block: Any) -> OIDCProvider:
        places = {"authorization": "/authorize", "token": "/token", "userinfo": "/user"}
        endpoints = {name: op.issuer + path for name, path in places.items()}
        return make(**{"preset": "github", "issuer": op.issuer, "endpoints": endpoints, **block})

    return github


def test_a_login(op: GitHub, github: Make, log_in: LogIn) -> None:
    """The number of the account is the key; the address is the primary one that was confirmed."""
    identity = log_in(github())

    assert isinstance(identity, VerifiedIdentity), identity
    assert (identity.issuer, identity.source_id, identity.username) == (op.issuer, "583231", "jane")
    assert (identity.email, identity.email_verified) == ("jane@example.org", True)
    assert (identity.realname, identity.groups) == ("Jane Doe", None)
    assert identity.authn.logout_hint is None
    assert op.paths() == ["/token", "/user", "/user/emails"]


@pytest.mark.sec("OAUTH-02", "OAUTH-04")
def test_what_is_asked_for(github: Make, begin: Begin) -> None:
    """Code flow with state and PKCE as everywhere; a nonce would be repeated by nobody."""
    url = begin(github())[0].url
    asked = dict(parse_qsl(urlsplit(url).query))

    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "read:user user:email"
    assert "nonce" not in asked
    assert len(asked["state"]) >= 43


@pytest.mark.sec("LINK-24")
@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{"email": "jane@example.org", "primary": True, "verified": False}],
        [{"email": "jane@example.org", "primary": False, "verified": True}],
        [{"email": "jane@example.org", "primary": 1, "verified": "true"}],
        ["jane@example.org"],
    ],
    ids=str,
)
def test_only_a_confirmed_primary_address_counts(op: GitHub, github: Make, log_in: LogIn, emails: Any) -> None:
    """The address of the profile may be any text, and is not taken."""
    op.api["/user/emails"] = emails
    identity = log_in(github())

    assert (identity.email, identity.email_verified) == (None, False)


def test_organisations_and_teams(op: GitHub, github: Make, log_in: LogIn) -> None:
    """With the scope that shows them they are groups, of all pages."""
    op.token["scope"] = "read:org,read:user"
    op.api["/user/orgs"] = [{"login": f"town-{number}"} for number in range(101)]
    op.api["/user/teams"] = [{"slug": "web", "organization": {"login": "town-1"}}, {"slug": "x"}, {"login": 1}]
    identity = log_in(github(scope=["read:user", "user:email", "read:org"]))

    assert len(identity.groups) == 102
    assert {"town-0", "town-100", "town-1/web"} <= identity.groups


def test_groups_that_were_not_granted_are_not_empty(op: GitHub, github: Make, log_in: LogIn) -> None:
    """People can take a scope away when they are asked: then nothing was said of groups."""
    op.api["/user/orgs"] = [{"login": "town"}]

    assert log_in(github(scope=["read:user", "user:email", "read:org"])).groups is None
    assert "/user/orgs" not in op.paths()


@pytest.mark.sec("LINK-15")
@pytest.mark.parametrize(
    "user", [{}, {"id": "583231", "login": "jane"}, {"id": True, "login": "jane"}, {"id": 1}, {"id": 1, "login": 2}]
)
def test_without_a_number_there_is_nobody(op: GitHub, github: Make, log_in: LogIn, user: dict[str, Any]) -> None:
    """A name can be given to somebody else; only the number is a key."""
    op.api["/user"] = user

    assert log_in(github()).code == "garbage"


def test_the_name_may_be_any_claim(op: GitHub, github: Make, log_in: LogIn) -> None:
    """An explicit key outranks the preset here too."""
    assert log_in(github(claims={"username": "email"})).username == "jane@example.org"
    assert op.api["/user"] == JANE


@pytest.mark.sec("AUTHLIB-07", "ASVS-6.8.4")
@pytest.mark.parametrize("hints", [{"max_age": "0"}, {"acr_values": "gold"}], ids=["age", "class"])
def test_a_demand_that_nobody_could_meet(op: GitHub, github: Make, clock: FakeClock, hints: dict[str, str]) -> None:
    """Who has to prove anew who they are can't do so here: nothing says when or how somebody logged in."""
    provider = github()
    pending = Transaction("s" * 43, "redirect", "company", "/", {}, clock() + timedelta(minutes=10), hints=hints)
    redirect = provider.start(pending)
    assert isinstance(redirect, Redirect)
    params = op.authorize(redirect.url)
    outcome = provider.finish(Callback(params), replace(pending, data=dict(redirect.remember)))

    assert isinstance(outcome, Refused)
    assert outcome.code == "demand_unmet"


@pytest.mark.sec("OIDCX-32", "OAUTH-14")
def test_a_refused_code(op: GitHub, github: Make, log_in: LogIn) -> None:
    """GitHub says with status 200 that it does not know a code; nothing more is asked then."""
    op.token = {"error": "bad_verification_code"}
    outcome = log_in(github())

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_grant"
    assert op.paths() == ["/token"]


def test_wrong_credentials(op: GitHub, github: Make, log_in: LogIn) -> None:
    """A wrong secret is the operator's affair, and no refusal of the person."""
    op.token = {"error": "incorrect_client_credentials"}
    outcome = log_in(github())

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "invalid_client"


@pytest.mark.parametrize("path", ["/user", "/user/emails"])
@pytest.mark.parametrize("reply", [Reply(500), Reply(401), Reply(200, [b"{}"]), Reply(302, [], {"Location": "/x"})])
def test_an_api_that_does_not_answer(op: GitHub, github: Make, log_in: LogIn, path: str, reply: Reply) -> None:
    """Nobody gets in on half an answer."""
    op.replies[path] = reply

    assert isinstance(log_in(github()), Unavailable)


def test_an_api_without_end(op: GitHub, github: Make, log_in: LogIn) -> None:
    """Pages are read up to a thousand entries; who is in more can't be told for sure what they are not in."""
    op.token["scope"] = "read:org"
    op.api["/user/orgs"] = [{"login": f"town-{number}"} for number in range(1000)]
    outcome = log_in(github(scope=["read:org"]))

    assert outcome.code == "too_large"
    assert op.paths().count("/user/orgs") == 10


@pytest.mark.sec("OAUTH-18")
@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "github"])
def test_nobody_else_goes_without_an_id_token(preset: str) -> None:
    """No setting makes an access token the proof; only the preset of a provider that has nothing else."""
    assert not PRESETS[preset].oauth2


@pytest.mark.sec("OAUTH-09")
@pytest.mark.parametrize(("iss", "accepted"), [("{op}", True), ("https://evil.example", False)])
def test_an_issuer_in_the_answer_has_to_be_right(
    op: GitHub, github: Make, log_in: LogIn, iss: str, accepted: bool
) -> None:
    """Whether GitHub names itself was not said; if it does, it has to be GitHub."""
    outcome = log_in(github(), iss=iss.format(op=op.issuer))

    assert isinstance(outcome, VerifiedIdentity) is accepted
    assert accepted or outcome.code == "wrong_iss"


@pytest.mark.parametrize(("key", "value"), [("acr", ["gold"]), ("amr", ["otp"]), ("recheck", "1h")])
def test_what_needs_an_id_token_stops_the_start(github: Make, key: str, value: object) -> None:
    """A demand that nothing could be compared with is refused at once."""
    with pytest.raises(ValueError, match=f"{key}: needs an ID token, which github has none of"):
        github(**{key: value})
