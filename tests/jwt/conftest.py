"""Keys and tokens of an application, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.database import Database
from onegov_auth.jwt import AccessTokens, SigningKeys
from onegov_auth.keys import Keys
from onegov_auth.settings import Secret
from onegov_auth.settings.delivery import JWT
from onegov_auth.testing.clock import FakeClock

SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="make_keys")
def _make_keys(database: Database, clock: FakeClock) -> Callable[..., SigningKeys]:
    """The keys as one process knows them; the secret may be another one, newest first."""

    def make(*secrets: str, application: str = "main/app", algorithm: str = "EdDSA") -> SigningKeys:
        keys = Keys([Secret(secret) for secret in secrets or (SECRET,)], application)
        return SigningKeys(database, JWT(enabled=True, algorithm=algorithm), keys, clock=clock)

    return make


@pytest.fixture(name="keys")
def _keys(make_keys: Callable[..., SigningKeys]) -> SigningKeys:
    return make_keys()


@pytest.fixture(name="access")
def _access(keys: SigningKeys, clock: FakeClock) -> AccessTokens:
    return AccessTokens(keys, JWT(), issuer="https://app.example.org", audience="main/app", clock=clock)
