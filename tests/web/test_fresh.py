"""Changes that ask for a fresh login, on any page of the site."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web.fresh import prove_again


@pytest.mark.sec("ASVS-7.5.1")
def test_old_login_is_asked_again(browser: Any, add_user: Any, ask: Any, clock: Any) -> None:
    """A fresh login goes on; an old one is led to the page that asks, and back to a path of this site only."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")
    assert ask(lambda request: prove_again(request, "/x"), browser) is None
    clock.advance(360)
    answer = ask(lambda request: prove_again(request, "https://evil.example/x?y=1"), browser)

    assert answer.location == "https://app.example.org/auth/account/confirm?to=%2Fx%3Fy%3D1"
