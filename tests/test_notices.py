from __future__ import annotations

from collections.abc import Callable

import pytest

from onegov_auth.auth import Auth
from onegov_auth.models import User
from onegov_auth.notices import address_of


@pytest.mark.sec("RESET-07", "LINK-24")
@pytest.mark.parametrize(
    ("username", "email", "verified", "address"),
    [
        ("ann@example.org", None, False, "ann@example.org"),
        ("ann", None, False, None),
        ("ann", "a@example.org", True, "a@example.org"),
        ("ann@example.org", "a@example.org", False, None),
        ("ann@example.org", "a@example.org", True, "a@example.org"),
        ("ann@büro", None, False, None),
    ],
)
def test_mails_go_to_the_surest_address(username: str, email: str | None, verified: bool, address: str | None) -> None:
    """The verified one; a username that is one, unless an unverified one stands beside it."""
    assert address_of(User(username=username, email=email, email_verified=verified)) == address


@pytest.mark.sec("HOST-01")
def test_links_are_made_of_the_settings(make_auth: Callable[..., Auth]) -> None:
    """Nothing of a request is in them, and what they carry is quoted."""
    notices = make_auth(base_url="https://one.example").notices

    assert notices.url("activate", token="a b&c") == "https://one.example/auth/activate?token=a+b%26c"
    assert notices.url("login") == "https://one.example/auth/login"
