from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.web import own_pages

PATHS = {
    own_pages.Registration: "register",
    own_pages.Resending: "resend",
    own_pages.Activation: "activate",
    own_pages.PasswordRequest: "request-password",
    own_pages.PasswordReset: "reset-password",
    own_pages.PendingStep: "step",
    own_pages.ChoosePassword: "choose-password",
    own_pages.Account: "account",
    own_pages.Confirmation: "account/confirm",
    own_pages.OwnPassword: "account/password",
    own_pages.OwnEmail: "account/email",
    own_pages.EmailConfirmation: "account/email/confirm",
    own_pages.EmailRevocation: "account/email/revoke",
    own_pages.OwnSessions: "account/sessions",
    own_pages.OwnIdentities: "account/identities",
    own_pages.OwnActivity: "account/activity",
    own_pages.SignupLinks: "admin/signup-links",
}


def test_pages_have_their_addresses(ask: Callable[..., Any]) -> None:
    """Every page is linked to through the mount, below its path."""

    def links(request: Any) -> list[str]:
        mount = request.app.child("auth")
        return [request.link(page(), app=mount) for page in PATHS]

    assert ask(links) == [f"https://app.example.org/auth/{path}" for path in PATHS.values()]


@pytest.mark.parametrize("path", [path for path in PATHS.values() if path != "step"])
def test_pages_answer_head(make_app: Any, make_browser: Any, path: str) -> None:
    """What can be read can be asked for without its content."""
    browser = make_browser(make_app(registration={"enabled": True}))

    assert browser.head(f"/auth/{path}").status_code in {200, 303}


def test_everybody_may_look_after_an_account(make_app: Any, make_browser: Any, add_user: Any) -> None:
    """Also somebody whose role may do nothing else."""
    browser = make_browser(make_app(roles={"admin": ["Secret"], "guest": []}))
    add_user("ann@example.org", "guest")
    browser.log_in("ann@example.org")

    assert "ann@example.org" in browser.get("/auth/account").text
