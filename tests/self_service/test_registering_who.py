"""Who may register: those whom a local password would let in (``passwords.login``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.errors import ExpiredSignupLinkError
from onegov_auth.models import SignupLink, User
from onegov_auth.outcomes import Done, Refused

COMPANY = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "x" * 40}
BREAK_GLASS = {"passwords": {"login": "break-glass"}, "privileged_roles": ["admin"]}
NONE = {"passwords": {"login": "none"}, "providers": {"local": {"kind": "local"}, "company": COMPANY}}


@pytest.mark.parametrize("settings", [NONE, BREAK_GLASS], ids=["none", "break-glass"])
def test_nobody_registers(make_auth: Callable[..., Auth], form: Any, client: Client, settings: Any) -> None:
    """Where a new account could not log in, nobody may make one."""
    auth = make_auth(**settings)
    refused = auth.register(form("ann@example.org"), client)

    assert not auth.registration_open()
    assert isinstance(refused, Refused)
    assert refused.code == "registration_disabled"


@pytest.mark.parametrize(
    ("settings", "role", "is_open"),
    [(NONE, "admin", False), (BREAK_GLASS, "member", False), (BREAK_GLASS, "admin", True)],
    ids=["none", "member", "admin"],
)
def test_a_signup_link(
    make_auth: Callable[..., Auth],
    form: Any,
    client: Client,
    database: Database,
    settings: Any,
    role: str,
    *,
    is_open: bool,
) -> None:
    """A signup link lets in whoever could log in with its role afterwards; of any other, no use is counted."""
    auth = make_auth(**settings)
    token = auth.new_signup_token(role)

    assert auth.registration_open(token) is is_open
    if is_open:
        assert isinstance(auth.register(form("ann@example.org"), client, token), Done)
    else:
        with pytest.raises(ExpiredSignupLinkError):
            auth.register(form("ann@example.org"), client, token)
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(User)) == int(is_open)
        assert db.scalars(select(SignupLink.uses)).one() == int(is_open)
