"""What the throw-away domain is filled with."""

from __future__ import annotations

from base64 import b64decode

from onegov_auth.testing.servers.domain import ACCOUNTS, CROWD, SECRET, domain_seed, quoted

SEED = domain_seed("DC=x", "service-secret")


def decoded(seed: str) -> list[str]:
    """The DNs of all records."""
    return [b64decode(line[5:]).decode() for line in seed.splitlines() if line.startswith("dn:: ")]


def test_every_account_has_an_entry() -> None:
    """Each under the name its first part says, escaped as it is."""
    names = set(decoded(SEED))

    assert {f"{account.rdn},OU=people,DC=x" for account in ACCOUNTS} <= names
    assert len([name for name in names if name.startswith("CN=crowd ")]) == CROWD - 1


def test_containers_come_before_what_is_in_them() -> None:
    """A server that reads from the beginning can add each entry."""
    names = decoded(SEED)

    assert names.index("OU=people,DC=x") < names.index("CN=Carol,OU=people,DC=x")
    assert names.index("CN=nested-1,OU=groups,DC=x") < names.index("CN=nested-2,OU=groups,DC=x")


def test_a_password_is_quoted_in_utf_16() -> None:
    """As Active Directory takes it, and nobody reads it by accident."""
    assert quoted("ä") == b'"\x00\xe4\x00"\x00'
    assert SECRET not in SEED
