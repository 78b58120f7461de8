"""Passkeys, YubiKeys and text messages in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onegov_auth.testing.servers.yubiserver import Yubiserver
from onegov_auth.testing.yubikey import SoftwareYubiKey

Towns = Callable[..., Any]
Pages = Callable[[], Page]


def with_authenticator(page: Page) -> Page:
    """Give the browser an authenticator with a finger on it: a virtual one (WebAuthn §11)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def make_passkey(town: Any, page: Page) -> None:
    """Ann logs in and makes a passkey."""
    town.add("ann@example.org")
    town.log_in(page, "ann@example.org", to="/auth/account/factors")
    page.get_by_role("button", name="Passkey").click()
    page.get_by_label("What do you call it?").fill("My laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text("My laptop")).to_be_visible()


def log_out(town: Any, page: Page) -> None:
    """Press the button."""
    page.goto(f"{town.url}/auth/logout")
    page.get_by_role("button", name="Log out").click()


def remove(town: Any, page: Page, browser: Page) -> None:
    """Ann takes her only factor away, and is let in by the password alone from then on."""
    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_role("link", name=re.compile("^Change ")).click()
    page.get_by_role("button", name=re.compile("^Remove ")).click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()
    town.log_in(browser, "ann@example.org")
    is_in(browser)


def is_in(page: Page) -> None:
    """Where the login led to."""
    expect(page.locator("#who")).to_have_text("ann@example.org|ann@example.org|member")


def test_passkey_as_second_factor(make_town: Towns, new_page: Pages) -> None:
    """Made, asked for after the password, refused in a browser that has none, removed."""
    town = make_town(host="localhost", second_factors={"webauthn": {}})
    page = with_authenticator(new_page())
    make_passkey(town, page)
    log_out(town, page)
    town.log_in(page, "ann@example.org")
    page.get_by_role("button", name="Use the passkey").click()
    is_in(page)

    stranger = with_authenticator(new_page())
    town.log_in(stranger, "ann@example.org")
    stranger.get_by_role("button", name="Use the passkey").click()
    expect(stranger.get_by_role("alert")).to_contain_text("did not work")
    stranger.goto(f"{town.url}/personal")
    expect(stranger.get_by_role("heading", name="Log in")).to_be_visible()

    page.goto(f"{town.url}/auth/account/factors")
    page.get_by_role("link", name="Change My laptop").click()
    page.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()


def test_passkey_alone(make_town: Towns, new_page: Pages) -> None:
    """Without username and password, where that is switched on."""
    town = make_town(host="localhost", second_factors={"webauthn": {"passwordless": True}})
    page = with_authenticator(new_page())
    make_passkey(town, page)
    log_out(town, page)

    page.goto(f"{town.url}/auth/login?to=/personal")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_role("button", name="Use the passkey").click()
    is_in(page)


def test_page_of_a_passkey_without_javascript(make_town: Towns, chromium: Any) -> None:
    """The page says that it needs JavaScript, and what else there is."""
    town = make_town(host="localhost", second_factors={"webauthn": {"passwordless": True}})
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{town.url}/auth/login")
    page.get_by_role("button", name="Log in with a passkey").click()

    expect(page.get_by_text("JavaScript is switched off")).to_be_visible()
    expect(page.get_by_role("button", name="Use the passkey")).to_be_hidden()
    expect(page.get_by_role("link", name="Log in another way")).to_be_visible()
    page.context.close()


@pytest.fixture(name="yubikeys")
def _yubikeys(make_town: Towns, own_yubiserver: Yubiserver) -> tuple[Any, SoftwareYubiKey]:
    """A site that asks a validation server, and a key that the server knows."""
    server = own_yubiserver
    block = {"client_id": server.client_id, "secret_key": server.secret_key, "urls": [server.url]}
    return make_town(second_factors={"yubikey": block}), server.new_yubikey()


def touch(page: Page, key: SoftwareYubiKey, button: str) -> None:
    """Put the finger on the key."""
    page.get_by_label("YubiKey").fill(key.touch())
    page.get_by_role("button", name=button).click()


def test_yubikey(yubikeys: tuple[Any, SoftwareYubiKey], new_page: Pages) -> None:
    """Set up by a touch; given with the password or after it; a used password is refused; removed."""
    town, key = yubikeys
    town.add("ann@example.org")
    page = new_page()
    town.log_in(page, "ann@example.org", to="/auth/account/factors")
    page.get_by_role("button", name="YubiKey").click()
    touch(page, key, "Save and go on")
    expect(page.locator(".rows")).to_contain_text("YubiKey")

    second = new_page()
    second.goto(f"{town.url}/auth/login?to=/personal")
    second.get_by_label("E-Mail Address").fill("ann@example.org")
    second.get_by_label("Password").fill(town.password)
    used = key.touch()
    second.get_by_label("YubiKey").fill(used)
    second.get_by_role("button", name="Log in", exact=True).click()
    is_in(second)

    third = new_page()
    town.log_in(third, "ann@example.org")
    third.get_by_label("YubiKey").fill(used)
    third.get_by_role("button", name="Go on").click()
    expect(third.get_by_role("alert")).to_contain_text("used already")
    touch(third, SoftwareYubiKey(serial=7), "Go on")
    expect(third.get_by_role("alert")).to_contain_text("not right")
    touch(third, key, "Go on")
    is_in(third)
    remove(town, third, new_page())


def test_validation_server_is_down(
    yubikeys: tuple[Any, SoftwareYubiKey], own_yubiserver: Yubiserver, new_page: Pages
) -> None:
    """Nobody is told that the key is wrong, and nobody is in."""
    town, key = yubikeys
    town.add("ann@example.org")
    page = new_page()
    town.log_in(page, "ann@example.org", to="/auth/account/factors")
    page.get_by_role("button", name="YubiKey").click()
    touch(page, key, "Save and go on")
    expect(page.locator(".rows")).to_contain_text("YubiKey")
    own_yubiserver.stop()

    other = new_page()
    town.log_in(other, "ann@example.org")
    touch(other, key, "Go on")
    expect(other.get_by_role("alert")).to_contain_text("can't be reached")


def test_text_messages(make_town: Towns, new_page: Pages, tmp_path: Path) -> None:
    """A number is proven by a code; at the next login a code goes there, once; another one on a click; removed."""
    spool = tmp_path / "sms"
    town = make_town(second_factors={"mtan": {"enabled": True}}, sms={"url": f"spool:{spool}", "sender": "Town"})
    town.add("ann@example.org")
    page = new_page()
    town.log_in(page, "ann@example.org", to="/auth/account/factors")
    page.get_by_role("button", name="Code by text message").click()
    page.get_by_label("Phone number").fill("12")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("alert")).to_contain_text("valid phone number")
    page.get_by_label("Phone number").fill("079 123 45 67")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("A code was sent to")).to_contain_text("67")
    assert "123 45" not in page.content()
    page.get_by_label("Code from the message").fill(code(town, spool, 1))
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator(".rows")).to_contain_text("Code by text message")

    town.ahead += timedelta(minutes=1)
    other = new_page()
    town.log_in(other, "ann@example.org")
    first = code(town, spool, 2)
    other.get_by_label("Code from the message").fill("AAAAAA")
    other.get_by_role("button", name="Go on").click()
    expect(other.get_by_role("alert")).to_contain_text("not right")
    assert len(list(spool.iterdir())) == 2
    town.ahead += timedelta(minutes=1)
    other.get_by_role("button", name="Send another code").click()
    second = code(town, spool, 3)
    for tried in (first, second):
        other.get_by_label("Code from the message").fill(tried)
        other.get_by_role("button", name="Go on").click()
    is_in(other)
    remove(town, other, new_page())


def code(town: Any, spool: Path, count: int) -> str:
    """The code of the newest text message, once there are so many."""
    town.app.auth.mailer.deliver()
    files = sorted(spool.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    assert len(files) == count
    found = re.search(r"\b[A-Z1-9]{6}\b", files[-1].read_text(encoding="utf-8"))
    assert found
    return found.group()
