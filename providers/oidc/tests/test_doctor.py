from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.servers.hostile_oidc import ABSENT, HostileOidcProvider, Reply, make_pair
from onegov_auth_oidc import OIDCProvider

Make = Callable[..., OIDCProvider]


def states(provider: OIDCProvider, **claims: Any) -> dict[str, CheckState]:
    return {check.name: check.state for check in provider.check("jane", claims or None)}


def found(provider: OIDCProvider, name: str, **claims: Any) -> Check:
    return {check.name: check for check in provider.check(claims=claims or None)}[name]


def test_a_healthy_provider(make: Make) -> None:
    """All is well, and what is not built yet is said to be skipped."""
    assert states(make()) == {
        "discovery": CheckState.OK,
        "id_token_alg": CheckState.OK,
        "client_auth": CheckState.OK,
        "PKCE": CheckState.OK,
        "keys": CheckState.OK,
        "logout": CheckState.OK,
        "back-channel logout": CheckState.SKIPPED,
        "redirect URI": CheckState.OK,
    }


def test_the_redirect_uri_is_told(make: Make) -> None:
    """What has to be registered is shown to be copied."""
    assert found(make(), "redirect URI").detail == "https://app.example.org/auth/provider/company/callback"


@pytest.mark.parametrize(
    ("reply", "words"),
    [(Reply(404), "there is no OpenID provider"), (Reply(200, [b"{}"]), "exactly as the provider does")],
    ids=["404", "issuer"],
)
def test_no_metadata(op: HostileOidcProvider, make: Make, reply: Reply, words: str) -> None:
    """What failed comes with a hint, and what can't be looked at is skipped."""
    op.replies["/.well-known/openid-configuration"] = reply
    provider = make()

    assert (states(provider)["discovery"], states(provider)["keys"]) == (CheckState.FAILED, CheckState.SKIPPED)
    assert words in found(provider, "discovery").hint


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"id_token_signing_alg_values_supported": ["ES256"]}, "id_token_alg"),
        ({"id_token_signing_alg_values_supported": ABSENT}, "id_token_alg"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_auth"),
        ({"token_endpoint_auth_methods_supported": "all"}, "client_auth"),
        ({"code_challenge_methods_supported": ABSENT}, "PKCE"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"end_session_endpoint": ABSENT}, "logout"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_a_warning(
    op: HostileOidcProvider, make: Make, metadata: dict[str, object], name: str
) -> None:
    """Metadata may be wrong or incomplete, so that what it does not list is a warning."""
    op.metadata = metadata

    assert states(make())[name] is CheckState.WARNING


def test_the_standards_default_counts(op: HostileOidcProvider, make: Make) -> None:
    """A provider that lists no client authentication knows the one by header (Discovery §3)."""
    op.metadata = {"token_endpoint_auth_methods_supported": ABSENT}

    assert states(make())["client_auth"] is CheckState.OK


def test_a_public_client_is_well(make: Make) -> None:
    """Few providers list that a client may have no secret."""
    assert states(make(client_auth="none"))["client_auth"] is CheckState.OK


@pytest.mark.parametrize("how", ["down", "other keys"])
def test_keys_that_cannot_be_used_fail(op: HostileOidcProvider, make: Make, how: str) -> None:
    """Without a key for the pinned algorithm nobody could log in."""
    if how == "down":
        op.replies["/jwks"] = Reply(500)
    op.keys = [make_pair("one", "EC")]

    assert states(make())["keys"] is CheckState.FAILED


def test_what_is_switched_off_is_not_looked_at(make: Make) -> None:
    """No logout is wanted, so none is looked for."""
    provider = make(logout={"rp_initiated": False, "backchannel": False})

    assert not {"logout", "back-channel logout"} & set(states(provider))


@pytest.mark.parametrize(
    ("claims", "name", "state", "detail"),
    [
        (
            {"sub": "1", "email": "a@b.c", "groups": ["x", "a"]},
            "claims",
            CheckState.OK,
            "id 1, username a@b.c, e-mail a@b.c",
        ),
        ({"sub": "1", "email": "a@b.c", "groups": ["x", "a"]}, "groups", CheckState.OK, "a, x"),
        ({"sub": "1", "email": "a@b.c", "groups": []}, "groups", CheckState.OK, "none"),
        ({"sub": "1", "email": "a@b.c"}, "groups", CheckState.WARNING, "there is no claim groups"),
        ({"sub": "1"}, "claims", CheckState.FAILED, "missing_claim: email"),
    ],
)
def test_pasted_claims(make: Make, claims: dict[str, object], name: str, state: CheckState, detail: str) -> None:
    """What would be read from claims is shown before anybody logs in."""
    check = found(make(), name, **claims)

    assert (check.state, check.detail) == (state, detail)
