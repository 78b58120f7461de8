"""Every page, as people see it: in light and dark, on phone and desktop, with a keyboard and a screen reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.accounts.looking import look
from tests.end_to_end.moving import follow, press

AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def public_pages(town: Any, page: Page) -> Iterator[str]:
    """Those for people who are not logged in, with what may go wrong on them."""

    def at(path: str) -> None:
        page.goto(f"{town.url}/auth/{path}")

    at("login")
    yield "login"
    page.get_by_label("E-Mail Address").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    press(page, "Log in")
    yield "login-refused"
    at("logout")
    yield "logout-done"
    at("nowhere")
    yield "problem"
    at("register")
    yield "register"
    page.get_by_label("E-Mail Address").fill("ann")
    page.locator("form").evaluate("form => { form.noValidate = true }")
    press(page, "Create the account")
    yield "register-refused"
    at("register?token=expired")
    yield "register-expired"
    at("resend")
    yield "resend"
    at("resend?sent=1")
    yield "resend-sent"
    at("activate?token=expired")
    yield "activate-expired"
    at("request-password")
    yield "request-password"
    at("request-password?sent=1")
    yield "request-password-sent"
    at("account/email?confirm=expired")
    yield "email-confirm-expired"


def mailed_pages(town: Any, page: Page) -> Iterator[str]:
    """Those that links in mails lead to."""
    page.goto(f"{town.url}/auth/register")
    page.get_by_label("E-Mail Address").fill("ben@example.org")
    page.get_by_label("Password", exact=True).fill(town.password)
    page.locator("input[name=confirm]").fill(town.password)
    press(page, "Create the account")
    page.goto(town.link(town.mail()))
    yield "activate"
    press(page, "Activate")
    yield "activate-done"
    town.add("cleo@example.org", email="cleo@example.org", email_verified=True)
    page.goto(f"{town.url}/auth/request-password")
    page.get_by_label("E-Mail Address").fill("cleo@example.org")
    press(page, "Send the mail")
    page.goto(town.link(town.mail()))
    yield "reset-password"
    page.get_by_label("E-Mail Address").fill("cleo@example.org")
    page.get_by_label("New password").fill("short")
    press(page, "Save the new password")
    yield "reset-password-refused"


def own_pages(town: Any, page: Page) -> Iterator[str]:
    """Those of somebody with a long name, many sessions and something to tell."""
    name = "Wilhelmina-Alexandra von Hohenlohe-Waldenburg-Schillingsfürst zu Öttingen"
    address = "wilhelmina-alexandra.von-hohenlohe-waldenburg-schillingsfuerst@post.example.org"
    town.add(address, realname=name, email=address, email_verified=True)
    town.log_in(page, address, to="/auth/account")
    yield "account"
    crowd(town, address)
    for path in ("password", "email", "identities", "sessions", "tokens", "activity"):
        page.goto(f"{town.url}/auth/account/{path}")
        yield f"account-{path}"
    page.goto(f"{town.url}/auth/account/sessions?page=2")
    yield "account-sessions-2"
    page.goto(f"{town.url}/auth/account/password")
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password, once more").fill("short")
    press(page, "Change the password")
    yield "account-password-refused"
    page.goto(f"{town.url}/auth/account/email")
    page.get_by_label("New e-mail address").fill("w@example.org")
    press(page, "Change the address")
    yield "account-email-pending"
    page.goto(link(town, "w@example.org"))
    yield "email-confirm"
    page.goto(link(town, address))
    yield "email-revoke"
    town.ahead = timedelta(minutes=6)
    page.goto(f"{town.url}/auth/account/sessions")
    yield "account-confirm"
    page.goto(f"{town.url}/auth/logout")
    yield "logout"


def link(town: Any, receiver: str) -> str:
    """The link of the last mail to somebody."""
    mails = [mail for mail in town.post.wait_for(town.read + 2) if mail["X-Envelope-To"] == receiver]
    return str(town.link(mails[-1]))


def crowd(town: Any, username: str) -> None:
    """Thirty other sessions of somebody."""
    auth = town.app.auth
    with auth.database.unit() as db:
        user = auth.users(db).by_username(username)
        for _ in range(30):
            db.add(
                auth.entities.session(
                    user_id=user.id,
                    token_hash=uuid4().hex * 2,
                    provider="local",
                    created=town.now(),
                    last_seen=town.now(),
                    expires=town.now() + timedelta(hours=1),
                    address="2001:db8:85a3:8d3:1319:8a2e:370:7348",
                    user_agent=AGENT,
                )
            )


def admin_pages(town: Any, page: Page) -> Iterator[str]:
    """Those of an administrator."""
    town.add("admin@example.org", "admin", realname="Ada Admin")
    town.log_in(page, "admin@example.org", to="/auth/admin/signup-links")
    yield "signup-links-empty"
    page.get_by_label("Editor").check()
    press(page, "Make the link")
    yield "signup-links-made"
    press(page, "Revoke")
    yield "signup-links"


def user_pages(town: Any, page: Page) -> Iterator[str]:
    """Those of the users, for an administrator."""
    town.add("admin@example.org", "admin", realname="Ada Admin")
    for number in range(60):
        town.add(f"person{number:02}@example.org", "member", realname=f"Person {number}", active=number % 7 != 0)
    with town.app.auth.database.unit() as db:
        entities = town.app.auth.entities
        ann = town.app.auth.users(db).by_username("person01@example.org")
        ann.groups = [entities.group(name="Finance"), entities.group(name="A group with a rather long name")]
        ann.permissions = [entities.permission(token=f"invoices.{what}") for what in ("read", "write", "delete")]
        ann.email, ann.tags, ann.is_superuser = "person01@example.net", ["blue"], True
        db.add(entities.factor(user_id=ann.id, type="totp", name="Phone", secret="x"))
    town.log_in(page, "admin@example.org", to="/auth/admin")
    yield "admin"
    follow(page.get_by_role("link", name="Users", exact=True).last)
    yield "users"
    page.get_by_label("Username, name or e-mail address").fill("nobody")
    press(page, "Show")
    yield "users-nobody"
    follow(page.get_by_role("link", name="Show all"))
    follow(page.get_by_role("link", name="Add: User"))
    yield "users-new"
    page.get_by_label("Username").fill("person02@example.org")
    press(page, "Save")
    yield "users-new-refused"
    page.goto(f"{town.url}/auth/admin/users?q=person01")
    follow(page.get_by_role("link", name="person01@example.org"))
    follow(page.get_by_role("link", name="invoices.read"))
    yield "users-one"
    follow(page.get_by_role("link", name="Delete …"))
    yield "users-delete"
    page.goto(f"{town.url}/auth/admin/users?q=person")
    for number in (1, 2):
        page.get_by_label(f"Select Person {number}", exact=True).check()
    press(page, "Add to a group")
    yield "users-selected"


def step_pages(town: Any, page: Page) -> Iterator[str]:
    """What may be asked for before somebody gets in: a new password, the profile, the terms."""
    town.add("ann@example.org")
    with town.app.auth.database.unit() as db:
        town.app.auth.users(db).by_username("ann@example.org").require_step("change_password")
    town.log_in(page, "ann@example.org")
    yield "step-password"
    town.password = "eleven quiet otters under the bridge"
    page.get_by_label("New password", exact=True).fill(town.password)
    page.get_by_label("New password, once more").fill(town.password)
    press(page, "Save and go on")
    yield "step-terms"
    page.get_by_label("I accept").check()
    press(page, "Go on")
    yield "step-profile"
    page.get_by_label("Name").fill("Ann")
    press(page, "Save and go on")
    expect(page.locator("#who")).to_have_text("Ann|ann@example.org|member")


def factor_pages(town: Any, page: Page) -> Iterator[str]:
    """Those of second factors: one's own, and at the login."""
    town.add("ann@example.org")
    town.log_in(page, "ann@example.org", to="/auth/account/factors")
    yield "factors-none"
    press(page, "Authenticator app")
    page.get_by_text("Type the key instead").click()
    app = pyotp.TOTP(page.locator(".secret").inner_text().replace(" ", ""))
    yield "factor-add-totp"
    page.get_by_label("Code from the app").fill("12345")
    press(page, "Save and go on")
    yield "factor-add-refused"
    page.get_by_label("Code from the app").fill(app.at(town.now()))
    page.get_by_label("What do you call it?").fill("My old telephone with the broken display")
    press(page, "Save and go on")
    yield "recovery-codes"
    press(page, "Make recovery codes")
    yield "recovery-codes-made"
    follow(page.get_by_role("link", name="I have kept them"))
    yield "factors"
    follow(page.get_by_role("link", name="Change My old telephone"))
    yield "factor"
    for kind, name in (("Passkey", "webauthn"), ("Code by text message", "mtan"), ("YubiKey", "yubikey")):
        page.goto(f"{town.url}/auth/account/factors")
        press(page, kind)
        yield f"factor-add-{name}"
        if name == "mtan":
            page.get_by_label("Phone number").fill("079 123 45 67")
            press(page, "Send me a code")
            yield "factor-add-mtan-code"
    page.goto(f"{town.url}/auth/logout")
    press(page, "Log out")
    yield from factors_at_login(town, page)
    yield from forced_pages(town, page)


def factors_at_login(town: Any, page: Page) -> Iterator[str]:
    """Those of somebody with an app and recovery codes who logs in."""
    page.goto(f"{town.url}/auth/login")
    yield "login-factors"
    press(page, "Log in with a passkey")
    yield "passkey"
    town.log_in(page, "ann@example.org")
    yield "second-factor"
    page.get_by_label("Code from the app").fill("12345")
    press(page, "Go on")
    yield "second-factor-refused"
    follow(page.get_by_role("link", name="Use another way"))
    yield "second-factors"
    press(page, "Recovery codes")
    yield "second-factor-recovery"


def forced_pages(town: Any, page: Page) -> Iterator[str]:
    """Those of an administrator who has to set one up."""
    town.add("ada@example.org", "admin")
    town.log_in(page, "ada@example.org")
    yield "set-up"
    press(page, "Authenticator app")
    yield "set-up-totp"
    follow(page.get_by_role("link", name="Set up another one"))
    press(page, "Code by text message")
    page.get_by_label("Phone number").fill("079 123 45 68")
    press(page, "Send me a code")
    yield "set-up-mtan"


FACTORS: dict[str, Any] = {
    "webauthn": {"passwordless": True},
    "yubikey": {"client_id": "1", "secret_key": "c2VjcmV0", "urls": ["http://127.0.0.1:9/"]},
    "totp": {},
    "mtan": {"enabled": True},
    "recovery_codes": {},
    "required_for": ["admin"],
    "trusted_device": "14d",
}

STEPS = {"terms": {"version": "2026", "url": "/terms"}, "profile": ["realname"]}


@pytest.mark.parametrize("pages", [public_pages, mailed_pages, own_pages, admin_pages, user_pages])
def test_every_page(town: Any, page: Page, axe: str, pages: Callable[[Any, Page], Iterator[str]]) -> None:
    """
    axe-core finds nothing in light or dark, on phone or desktop; nothing has to be scrolled sideways at 320 pixels.

    What a browser's security policy forbids would fail the test as well.
    """
    complaints = [complaint for name in pages(town, page) for complaint in look(page, name, axe)]

    assert complaints == []


def test_steps(make_town: Callable[..., Any], page: Page, axe: str) -> None:
    """Neither does it on the pages of the steps at login, which somebody takes one after the other."""
    town = make_town(steps=STEPS)

    assert [complaint for name in step_pages(town, page) for complaint in look(page, name, axe)] == []


def test_factors(make_town: Callable[..., Any], page: Page, axe: str, tmp_path: Path) -> None:
    """Nor on those of second factors."""
    town = make_town(host="localhost", second_factors=FACTORS, sms={"url": f"spool:{tmp_path}/sms", "sender": "Town"})

    assert [complaint for name in factor_pages(town, page) for complaint in look(page, name, axe)] == []


def test_keyboard(town: Any, page: Page) -> None:
    """The first key stop leads to the content, every stop can be seen, and what went wrong is where the focus is."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{town.url}/auth/logout")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("it => document.activeElement === it && it.getBoundingClientRect().top >= 0")
    page.goto(f"{town.url}/auth/request-password")
    expect(page.locator("input:focus")).to_have_count(1)
    for _ in range(3):
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")

    page.locator("form").evaluate("form => { form.noValidate = true }")
    press(page, "Send the mail")
    expect(page.get_by_role("alert")).to_be_focused()
