from __future__ import annotations

from dataclasses import dataclass

import pytest

from onegov_auth.testing.providers import KnownIssuer, KnownPeople
from onegov_auth.web.names import provider_name, visible


@pytest.mark.sec("UNI-05")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Zoë Müller-Sørensen", "Zoë Müller-Sørensen"),
        ("a\u202enna", "a\ufffdnna"),
        ("a\u200bnna\n", "a\ufffdnna\ufffd"),
        ("x" * 300, "x" * 254 + "…"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """Characters that can't be seen are shown as such, and long names end."""
    assert visible(text) == shown


@dataclass(frozen=True, kw_only=True)
class Company(KnownIssuer):
    """With a button in Markdown."""

    @property
    def button(self) -> str:
        """What people press."""
        return "Log in with **Company & Co**"


def test_provider_name() -> None:
    """A provider is called what its button emphasises, or by its name; so is one that is gone."""
    providers = {"company": Company(name="company"), "staff": KnownPeople(name="staff")}

    assert provider_name(providers, "company") == "Company & Co"
    assert provider_name(providers, "staff") == "staff"
    assert provider_name(providers, "gone") == "gone"
