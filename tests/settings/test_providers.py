"""The keys all providers share."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from onegov_auth.settings.providers import ProviderSettings


def test_defaults() -> None:
    """Without a word, nobody is linked, everybody is provisioned, and no group gives a role."""
    settings = ProviderSettings(kind="any")

    assert (settings.link, settings.link_domains, settings.provision) == ("refuse", (), True)
    assert dict(settings.roles) == {}
    assert settings.default_role is None


def test_roles_keep_their_order() -> None:
    """The mapping of roles is frozen, in the order of the file."""
    settings = ProviderSettings.model_validate({"kind": "any", "roles": {"b": ["x"], "a": ["y", "z"]}})

    assert list(settings.roles.items()) == [("b", ("x",)), ("a", ("y", "z"))]
    assert not hasattr(settings.roles, "__setitem__")


@pytest.mark.sec("LINK-08")
def test_link_has_three_ways() -> None:
    """There is no other way to link accounts."""
    with pytest.raises(ValidationError, match="link"):
        ProviderSettings.model_validate({"kind": "any", "link": "always"})


def test_grants_give_nothing_by_default() -> None:
    """Without a word no group gives a right, and names are those of roles."""
    settings = ProviderSettings.model_validate({"kind": "any", "roles": {"a": ["x", "*"]}})

    assert list(settings.grants.rules()) == []
    assert settings.named_groups == {"x"}


def test_grants_name_what_is_given() -> None:
    """Each thing that is given stands with its kind and the groups that give it."""
    grants = {"permissions": {"a.b": ["x", "*"]}, "bundles": {"c d": ["y"]}, "groups": {"e": []}}
    settings = ProviderSettings.model_validate({"kind": "any", "grants": grants})

    assert list(settings.grants.rules()) == [
        ("permission", "a.b", ("x", "*")),
        ("bundle", "c d", ("y",)),
        ("group", "e", ()),
    ]
    assert settings.named_groups == {"x", "y"}
    assert not hasattr(settings.grants.bundles, "__setitem__")


@pytest.mark.parametrize(
    "grants",
    [
        {"roles": {"a": ["x"]}},
        {"permissions": {"": ["x"]}},
        {"bundles": {" ": ["x"]}},
        {"groups": {"a": [""]}},
        {"groups": {"a": "x"}},
        {"groups": ["a"]},
    ],
    ids=str,
)
def test_grants_that_are_none(grants: object) -> None:
    """An unknown key, an empty name and what is no list of groups are faults."""
    with pytest.raises(ValidationError, match="grants"):
        ProviderSettings.model_validate({"kind": "any", "grants": grants})
