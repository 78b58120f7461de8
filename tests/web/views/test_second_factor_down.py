from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from onegov_auth.factors import FactorSettings
from onegov_auth.factors.totp import TOTPFactor
from onegov_auth.outcomes import Unavailable


@dataclass(frozen=True, kw_only=True)
class Unreachable(TOTPFactor):
    """A factor whose server is down."""

    def verify(self, *_: Any) -> Any:
        """Nobody can say."""
        return Unavailable("totp")

    def enrol(self, *_: Any) -> Any:
        """Likewise."""
        return Unavailable("totp")

    def challenge(self, *_: Any) -> Any:
        """Likewise."""
        return Unavailable("totp")


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site with an authenticator app, which administrators must have."""
    return make_town(second_factors={"totp": {}, "required_for": ["admin"]}, attempts={"factor": {"limit": 1}})


def break_down(town: Any) -> None:
    """From now on nobody can say."""
    town.app.auth.factors = {"totp": Unreachable(settings=FactorSettings())}


@pytest.mark.sec("YUBI-03")
def test_answer(town: Any, add_phone: Any) -> None:
    """A 503 that says so, which counts as no failure; once the server is back, the same login goes on."""
    phone = add_phone(town, town.member())
    town.clock.advance(60)
    browser, factors = town.browser(), town.app.auth.factors
    page = browser.log_in("ann@example.org", to="/personal").follow()
    break_down(town)
    for _ in range(3):
        page.form["code"] = phone.code()
        page = page.form.submit(expect_errors=True)
        assert page.status_code == 503
        assert "can&#39;t be reached" in page.text
    assert "nobody" in browser.get("/").text

    town.app.auth.factors = factors
    page.form["code"] = phone.code()
    assert page.form.submit().location == "https://app.example.org/personal"


def test_question(town: Any, add_phone: Any) -> None:
    """What can't be asked for leads to the choice, which says why."""
    add_phone(town, town.member())
    break_down(town)
    page = town.browser().log_in("ann@example.org").follow()

    assert "can&#39;t be reached" in page.text
    assert "How do you want to prove" in page.text


def test_set_up_at_login(town: Any) -> None:
    """Nothing can be set up, and nobody who must is in."""
    town.add("ada@example.org", "admin")
    browser = town.browser()
    page = browser.log_in("ada@example.org").follow()
    break_down(town)
    page = page.forms[0].submit().follow()

    assert "can&#39;t be reached" in page.text
    assert "nobody" in browser.get("/").text


def test_set_up(town: Any, token_of: Any) -> None:
    """On one's own page it is told as well."""
    browser = town.member()
    break_down(town)
    page = browser.post("/auth/account/factors/add/totp", {"csrf_token": token_of(browser)}, status=503)

    assert "can&#39;t be reached" in page.text


def test_removed_in_another_window(town: Any, add_phone: Any, token_of: Any) -> None:
    """A factor that is gone meanwhile is not there."""
    browser = town.member()
    add_phone(town, browser)
    found = re.search(r"/auth/account/factors/[0-9a-f-]{36}", browser.get("/auth/account/factors").text)
    assert found
    path = found[0]
    fields = {"csrf_token": token_of(browser), "remove": "1"}
    browser.post(path, fields, status=303)

    browser.post(path, fields, status=404)
