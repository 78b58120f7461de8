from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from onegov_auth.providers import Secret
from onegov_auth_oidc import OIDCSettings

BLOCK: dict[str, Any] = {
    "kind": "oidc",
    "issuer": "https://id.example.com/realms/main",
    "client_id": "example-app",
    "client_secret": "s3cret",
}

#: The block of the reference configuration, word by word.
REFERENCE: dict[str, Any] = {
    **BLOCK,
    "preset": None,
    "endpoints": None,
    "allowed_tenants": [],
    "client_auth": "client_secret_basic",
    "client_keys": [],
    "assertion_audience": "issuer",
    "scope": ["openid", "profile", "email"],
    "claims": {
        "id": "sub",
        "username": "email",
        "email": "email",
        "realname": ["given_name", "family_name"],
        "groups": "groups",
    },
    "graph": None,
    "id_token_alg": "RS256",
    "response_mode": "query",
    "acr": [],
    "amr": [],
    "domains": [],
    "leeway": "60s",
    "userinfo": "auto",
    "userinfo_token": "header",
    "recheck": None,
    "logout": {"rp_initiated": True, "backchannel": True, "frontchannel": False, "draft_tokens": False},
    "trust_amr": [],
    "button": "Log in with **Company**",
    "auto_login": False,
    "primary": False,
    "network": {"proxy": None, "ca_file": None, "allow": []},
    "roles": {"admin": ["app-admins"], "member": ["*"]},
    "grants": {"permissions": {}, "bundles": {}, "groups": {}},
    "default_role": None,
    "link": "refuse",
    "link_domains": [],
    "provision": True,
}


def test_the_reference_block_says_the_defaults() -> None:
    """The reference block is accepted, and but for button and roles it says what holds without it."""
    told = OIDCSettings.model_validate(REFERENCE)
    left_out = OIDCSettings.model_validate(BLOCK)
    differing = {name for name, value in told if getattr(left_out, name) != value}

    assert set(REFERENCE) == set(OIDCSettings.model_fields)
    assert differing == {"button", "roles"}
    assert left_out.leeway == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("issuer", "http://id.example.com", "https"),
        ("issuer", "https://id.example.com?x", "query"),
        ("issuer", "https://id.example.com#x", "fragment"),
        ("client_id", "", "at least 1 character"),
        ("client_secret", None, "client_secret: is needed"),
        ("client_secret", "", "client_secret: is needed"),
        ("client_auth", "tls_client_auth", "client_secret_basic"),
        ("scope", ["profile"], "openid"),
        ("scope", ["openid", "a b"], "pattern"),
        ("id_token_alg", "none", "RS256"),
        ("id_token_alg", "HS256", "RS256"),
        ("response_mode", "fragment", "query"),
        ("acr", ["a b"], "pattern"),
        ("leeway", "61s", "60s"),
        ("leeway", "soon", "duration"),
        ("userinfo", "sometimes", "auto"),
        ("recheck", "59s", "at least 1m"),
        ("recheck", "0s", "at least 1m"),
        ("logout", {"frontchanel": True}, "Extra"),
        ("claims", {"id": "email"}, "can change"),
        ("claims", {"id": ""}, "at least 1 character"),
        ("preset", "facebook", "google"),
    ],
)
def test_a_wrong_value_is_a_fault(key: str, value: object, words: str) -> None:
    """Each key is checked, and the fault says what is wrong."""
    with pytest.raises(ValidationError, match=words):
        OIDCSettings.model_validate({**BLOCK, key: value})


@pytest.mark.sec("LINK-02", "ASVS-10.5.2")
@pytest.mark.parametrize(
    "name", ["email", "preferred_username", "upn", "name", "login", "user.email", "https://example.org/email"]
)
def test_what_can_change_is_no_key(name: str) -> None:
    """An address or a name can't be made the stable key."""
    with pytest.raises(ValidationError, match="can change"):
        OIDCSettings.model_validate({**BLOCK, "claims": {"id": name}})


def test_one_claim_may_be_the_real_name() -> None:
    """The real name may come from one claim, written without a list."""
    assert OIDCSettings.model_validate({**BLOCK, "claims": {"realname": "name"}}).claims.realname == ("name",)


def test_a_public_client_has_no_secret() -> None:
    """Without client authentication no secret is needed."""
    settings = OIDCSettings.model_validate({**BLOCK, "client_secret": None, "client_auth": "none"})

    assert settings.client_secret_text() == ""


def test_the_secret_is_read_again(tmp_path: Path) -> None:
    """A secret in a file can be replaced while the application runs."""
    path = tmp_path / "secret"
    path.write_text("one\n", "utf-8")
    settings = OIDCSettings.model_validate({**BLOCK, "client_secret": Secret(path=path)})
    path.write_text("another\n", "utf-8")

    assert settings.client_secret_text() == "another"


@pytest.mark.sec("OAUTH-22")
@pytest.mark.parametrize(("issuer", "expected"), [("http://localhost:1", True), ("https://localhost:1", False)])
def test_plain_http_needs_a_plain_issuer(issuer: str, expected: bool) -> None:
    """Only an issuer that is itself a test provider on this machine makes http be believed."""
    assert OIDCSettings.model_validate({**BLOCK, "issuer": issuer}).plain_loopback is expected


def test_the_settings_have_a_schema() -> None:
    """Editors are told every key, and no secret is among the defaults."""
    schema = OIDCSettings.model_json_schema()

    assert set(schema["properties"]) == set(REFERENCE)
    assert sorted(schema["required"]) == ["client_id", "kind"]
    assert schema["properties"]["client_secret"]["default"] is None
