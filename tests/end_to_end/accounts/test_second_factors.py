"""Second factors in a browser: set up, used, refused, removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.moving import press

Towns = Callable[..., Any]
Pages = Callable[[], Page]

FACTORS: dict[str, Any] = {"totp": {}, "recovery_codes": {}}


@pytest.fixture(name="town")
def _town(make_town: Towns) -> Any:
    """A site with an authenticator app and recovery codes."""
    return make_town(second_factors=FACTORS, attempts={"factor": {"limit": 3, "within": "5m", "lockout": "15m"}})


class Phone:
    """An authenticator app; no two of its codes are of the same time."""

    def __init__(self, town: Any, page: Page) -> None:
        page.get_by_text("Type the key instead").click()
        self.secret = (page.locator(".secret").inner_text()).replace(" ", "")
        self.town = town

    def code(self, steps: int = 0) -> str:
        """The code it shows now, or some steps from now."""
        return pyotp.TOTP(self.secret).at(self.town.now() + timedelta(seconds=30 * steps))

    def later(self) -> str:
        """The code it shows in a minute."""
        self.town.ahead += timedelta(minutes=1)
        return self.code()

    def wrong(self) -> str:
        """A code that it does not show these days."""
        near = {self.code(steps) for steps in range(-12, 13)}
        return next(code for code in (f"{number:06}" for number in range(1000)) if code not in near)


def set_up(town: Any, page: Page) -> Phone:
    """Set an app up on one's own page of factors, as somebody who has just logged in."""
    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_role("button", name="Authenticator app").click()
    phone = Phone(town, page)
    page.get_by_label("Code from the app").fill(phone.code())
    page.get_by_label("What do you call it?").fill("My phone")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    return phone


def with_phone(town: Any, page: Page) -> Phone:
    """Ann with an app, in the browser she set it up with."""
    town.add("ann@example.org", email="ann@example.org", email_verified=True)
    town.log_in(page, "ann@example.org", to="/auth/account")
    return set_up(town, page)


def answer(page: Page, code: str) -> None:
    """Type a code and go on."""
    page.get_by_label("Code from the app").fill(code)
    page.get_by_role("button", name="Go on").click()


def is_in(page: Page) -> None:
    """Where the login led to."""
    expect(page.locator("#who")).to_have_text("ann@example.org|ann@example.org|member")


def test_authenticator_app(town: Any, new_page: Pages) -> None:
    """Set up by its code, listed by its name, and asked for at the next login, which it opens."""
    page = new_page()
    phone = with_phone(town, page)
    page.get_by_role("link", name="Not now").click()
    row = page.locator(".rows li", has_text="My phone")
    expect(row).to_contain_text("Not used yet")

    other = new_page()
    town.log_in(other, "ann@example.org")
    expect(other.get_by_label("Code from the app")).to_be_focused()
    answer(other, phone.later())
    is_in(other)
    page.reload()
    expect(row).to_contain_text("Last used")


def test_wrong_used_and_too_many_codes(town: Any, new_page: Pages) -> None:
    """A used code, a code of a phone whose clock is off, and wrong ones are told apart; after three there is a wait."""
    phone = with_phone(town, new_page())
    page = new_page()
    town.log_in(page, "ann@example.org")
    code = phone.later()
    answer(page, code)
    is_in(page)

    other = new_page()
    town.log_in(other, "ann@example.org")
    for text, tried in (("used already", code), ("clock of your device", phone.code(8)), ("not right", phone.wrong())):
        answer(other, tried)
        expect(other.get_by_role("alert")).to_contain_text(text)
    answer(other, phone.later())
    expect(other.get_by_role("alert")).to_contain_text("Too many attempts")
    # Beginning again is no way around it.
    town.log_in(other, "ann@example.org")
    answer(other, phone.later())
    expect(other.get_by_role("alert")).to_contain_text("Too many attempts")


def test_removed_app(town: Any, new_page: Pages) -> None:
    """Renamed, then removed, which is told by mail; from then on the password is enough."""
    page = new_page()
    with_phone(town, page)
    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_role("link", name="Change My phone").click()
    page.get_by_label("Name").fill("Old phone")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("link", name="Change Old phone").click()
    page.get_by_role("button", name="Remove Old phone").click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()
    assert [town.mail()["X-Envelope-To"] for _ in range(2)] == ["ann@example.org"] * 2

    other = new_page()
    town.log_in(other, "ann@example.org")
    is_in(other)


def test_recovery_codes(town: Any, new_page: Pages) -> None:
    """Ten codes are shown once; one of them opens a login, once, and a mail tells of it."""
    page = new_page()
    with_phone(town, page)
    press(page, "Make recovery codes")
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 codes left")).to_be_visible()
    town.read = len(town.post.wait_for(2))

    for number, code in enumerate([codes[0], codes[0].lower().replace("-", " "), codes[1]]):
        other = new_page()
        town.log_in(other, "ann@example.org")
        other.get_by_role("link", name="Use another way").click()
        other.get_by_role("button", name="Recovery codes").click()
        other.get_by_label("Recovery code").fill(code)
        other.get_by_role("button", name="Go on").click()
        if number == 1:
            expect(other.get_by_role("alert")).to_contain_text("used already")
        else:
            is_in(other)
            # The other one tells of the new browser.
            subjects = [town.mail()["Subject"].lower() for _ in range(2)]
            assert any("recovery code" in subject for subject in subjects)
    page.reload()
    expect(page.get_by_text("8 codes left")).to_be_visible()


def test_trusted_browser(make_town: Towns, new_page: Pages) -> None:
    """In a browser that is trusted nobody is asked again; to change factors, everybody is."""
    town = make_town(second_factors={**FACTORS, "trusted_device": "14d"})
    phone = with_phone(town, new_page())
    page = new_page()
    town.log_in(page, "ann@example.org")
    page.get_by_label("Do not ask again in this browser for 14 days").check()
    answer(page, phone.later())
    is_in(page)
    page.goto(f"{town.url}/auth/logout")
    page.get_by_role("button", name="Log out").click()
    town.log_in(page, "ann@example.org")
    is_in(page)

    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_label("Password").fill(town.password)
    page.get_by_role("button", name="Go on").click()
    answer(page, phone.later())
    expect(page.get_by_text("My phone")).to_be_visible()


def test_step_up(town: Any, new_page: Pages) -> None:
    """Six minutes later, what comes next wants the password and the code once more, and leads where it was wanted."""
    page = new_page()
    phone = with_phone(town, page)
    town.ahead += timedelta(minutes=6)
    page.goto(f"{town.url}/auth/account/sessions")
    page.get_by_label("Password").fill(town.password)
    page.get_by_role("button", name="Go on").click()
    answer(page, phone.later())
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_forced_set_up(make_town: Towns, new_page: Pages) -> None:
    """An administrator without a factor sets one up in the middle of the login, and keeps recovery codes."""
    town = make_town(second_factors={**FACTORS, "required_for": ["admin"]})
    town.add("ada@example.org", "admin")
    page = new_page()
    town.log_in(page, "ada@example.org")
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    page.goto(f"{town.url}/personal")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    town.log_in(page, "ada@example.org")
    page.get_by_role("button", name="Authenticator app").click()
    phone = Phone(town, page)
    page.get_by_label("Code from the app").fill(phone.wrong())
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Code from the app").fill(phone.code())
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Make recovery codes").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("#who")).to_have_text("ada@example.org|ada@example.org|admin")

    # It was the last one, and stays.
    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_role("link", name="Change", exact=False).first.click()
    expect(page.get_by_text("your account must have one")).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
