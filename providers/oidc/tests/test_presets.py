from __future__ import annotations

from typing import Any, get_args

import pytest

from onegov_auth.errors import SettingsError
from onegov_auth.settings import settings_from
from onegov_auth_oidc import OIDCSettings
from onegov_auth_oidc.presets import PRESETS, PresetName, with_preset

NAMES = get_args(PresetName)

#: What each needs besides: the rest comes from the preset.
NEEDED: dict[str, dict[str, Any]] = {
    "google": {},
    "microsoft": {"allowed_tenants": ["0a1b2c3d-0000-4000-8000-000000000001"]},
    "keycloak": {"issuer": "https://id.example.com/realms/main"},
    "authentik": {"issuer": "https://id.example.com/application/o/example-app/"},
    "gitlab": {},
    "okta": {"issuer": "https://dev-1.okta.com"},
    "zitadel": {"issuer": "https://town-1.zitadel.cloud"},
    "github": {},
}


def load(preset: str, **block: Any) -> OIDCSettings:
    base = {"kind": "oidc", "preset": preset, "client_id": "app", "client_secret": "s3cret"}
    return OIDCSettings.model_validate({**base, **NEEDED[preset], **block})


def test_the_names_are_those_of_the_table() -> None:
    """Every preset can be named, and nothing else."""
    assert set(NAMES) == set(PRESETS) - {""} == set(NEEDED)


@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_is_complete(preset: str) -> None:
    """With the keys the page asks for each preset loads."""
    assert load(preset).special is PRESETS[preset]


@pytest.mark.parametrize(
    ("preset", "issuer"),
    [
        ("google", "https://accounts.google.com"),
        ("microsoft", "https://login.microsoftonline.com/{tenantid}/v2.0"),
        ("gitlab", "https://gitlab.com"),
        ("github", "https://github.com"),
    ],
)
def test_whose_issuer_is_one(preset: str, issuer: str) -> None:
    """Providers that are at one place bring their issuer."""
    assert load(preset).issuer == issuer


@pytest.mark.parametrize("preset", ["keycloak", "authentik", "okta", "zitadel"])
def test_whose_issuer_has_to_be_written(preset: str) -> None:
    """Where everybody has one of their own it is needed."""
    with pytest.raises(ValueError, match="issuer: is required"):
        OIDCSettings.model_validate({"kind": "oidc", "preset": preset, "client_id": "app", "client_secret": "s3cret"})


def test_an_explicit_key_outranks_the_preset() -> None:
    """Key by key, also inside of a block; the others are the preset's still."""
    settings = load("keycloak", claims={"groups": "roles"}, scope=["openid"])
    other = load("gitlab", issuer="https://git.town.example")

    assert settings.claims.groups == ("roles",)
    assert settings.claims.username == ("preferred_username",)
    assert settings.scope == ("openid",)
    assert other.issuer == "https://git.town.example"


def test_a_block_is_laid_over_the_presets() -> None:
    """One address of GitHub's may be another, and the others stay."""
    endpoints = load("github", endpoints={"token": "https://ghe.example/token"}).endpoints

    assert endpoints is not None
    assert (endpoints.token, endpoints.userinfo) == ("https://ghe.example/token", "https://api.github.com/user")


def test_an_unknown_preset_is_a_fault_that_names_the_known_ones() -> None:
    """The message says where, and what there is."""
    block = {"kind": "oidc", "preset": "facebook", "issuer": "https://x", "client_id": "a", "client_secret": "s"}
    with pytest.raises(SettingsError) as caught:
        settings_from(
            {
                "base_url": "https://app.example.org",
                "database": "sqlite://",
                "secrets": ["a secret for tests only, of more than 32 characters"],
                "providers": {"company": block},
            }
        )

    message = str(caught.value)
    assert "providers.company.preset: must be one of" in message
    assert all(name in message for name in NAMES)
    assert "s3cret" not in message


@pytest.mark.parametrize("block", [None, [], "x", {"preset": None}, {"preset": ["google"]}, {"preset": "facebook"}])
def test_what_is_no_block_is_left_for_the_check(block: object) -> None:
    """A wrong type is a fault of the settings, not of the presets."""
    assert with_preset(block) is block


def test_the_table_is_not_changed_by_its_use() -> None:
    """Loading twice gives the same: nothing is written into the defaults."""
    before = repr(PRESETS)
    load("keycloak", claims={"groups": "roles"})

    assert repr(PRESETS) == before


def test_a_block_that_is_another_type_is_a_fault() -> None:
    """A preset's block is not laid under what is no block."""
    with pytest.raises(ValueError, match="claims"):
        load("keycloak", claims=["sub"])
