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
