from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from onegov_auth.accounts.local import SEEN
from onegov_auth.domain import AuthnContext
from onegov_auth.testing.providers import person
from onegov_auth.waiting import pack, unpack


def test_an_identity_is_the_same_afterwards() -> None:
    """Everything a session is opened with survives JSON; attributes and steps don't."""
    authn = AuthnContext(frozenset({"pwd", "otp"}), "urn:a", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "s", "h", "r")
    whole = person("company", "1", "ann", email="a@example.org", email_verified=True, realname="Ann", authn=authn)
    for identity in (whole, replace(whole, groups=frozenset({"a", "b"})), replace(whole, authn=AuthnContext())):
        assert unpack(json.loads(json.dumps(pack(identity)))) == identity
    local = replace(whole, attributes={SEEN: "fingerprint", "more": object()})
    assert unpack(json.loads(json.dumps(pack(local)))).attributes == {SEEN: "fingerprint"}
