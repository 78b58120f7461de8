from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from onegov_auth.web import factor_pages

ID = UUID("00000000-0000-0000-0000-000000000001")
FACTORS = {"totp": {}, "recovery_codes": {}, "webauthn": {"passwordless": True}}


def test_pages_have_their_addresses(ask: Callable[..., Any]) -> None:
    """Every page is linked to through the mount, below its path."""
    pages = {
        factor_pages.FactorChoosing(): "second-factor",
        factor_pages.FactorAnswer("totp"): "second-factor/totp",
        factor_pages.Passkey(): "passkey",
        factor_pages.OwnFactors(): "account/factors",
        factor_pages.OwnCodes(): "account/factors/codes",
        factor_pages.FactorAdding("totp"): "account/factors/add/totp",
        factor_pages.OwnFactor(ID): f"account/factors/{ID}",
    }

    def links(request: Any) -> list[str]:
        mount = request.app.child("auth")
        return [request.link(page, app=mount) for page in pages]

    assert ask(links) == [f"https://app.example.org/auth/{path}" for path in pages.values()]


def test_pages_answer_head(make_app: Any, make_browser: Any) -> None:
    """What can be read can be asked for without its content."""
    browser = make_browser(make_app(second_factors=FACTORS))

    for path in ("account/factors", "account/factors/codes", "account/factors/add/totp", f"account/factors/{ID}"):
        assert browser.head(f"/auth/{path}").status_code == 303
    for path in ("second-factor", "second-factor/totp"):
        assert browser.head(f"/auth/{path}", status=400)
