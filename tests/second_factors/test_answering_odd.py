"""Answers that no page of ours sends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.auth import Auth
from onegov_auth.domain import Client
from onegov_auth.models import User
from onegov_auth.outcomes import LoggedIn, Refused


@pytest.mark.sec("MFA-04")
@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\u0661\u0662\u0663\u0664\u0665\u0666", "[" * 90_000])
def test_texts_that_no_database_takes(
    auth: Auth, ann: User, client: Client, asked: Callable[..., str], code: Callable[..., str], odd: str
) -> None:
    """As a type of factor or as a code they are refused like any other; the login stays pending."""
    del ann
    transaction = asked(auth, client)
    for outcome in (
        auth.challenge(transaction, odd, client),
        auth.verify_factor(transaction, odd, "123456", client),
        auth.verify_factor(transaction, "totp", odd, client),
    ):
        assert isinstance(outcome, Refused)
        assert outcome.code in {"unknown_factor", "invalid_code"}

    assert isinstance(auth.verify_factor(transaction, "totp", code(), client), LoggedIn)
