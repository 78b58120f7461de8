"""
Take pictures of the demo's pages into ``screenshots/``, wide and narrow, light and dark.

Usage: ``python docs/screenshots.py [URL]``. Without a URL the demo is started and stopped again. ``make screenshots``
takes those of people's own pages and of the administration beside them, while ``test_every_page.py`` and
``test_admin_pages.py`` in ``tests/end_to_end/accounts`` look at them.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from onegov_auth.testing.servers import PEOPLE

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "screenshots"
WIDTHS = {"wide": 1280, "narrow": 360}  # CSS pixels; the narrow one is WCAG 2.2 SC 1.4.10's and a small phone's
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PUBLIC = {"demo-home": "", "demo-login": "auth/login", "demo-mails": "mails"}
PERSONAL = {
    "demo-personal": "personal",
    "demo-invoices": "invoices",
    "demo-account": "auth/account",
    "demo-tokens": "auth/account/tokens",
}
START_TIMEOUT = 120  # seconds; the first start installs what the OpenID provider is made of

# The background services look for hosts on the internet at every start; --no-sandbox because root has no other choice.
CHROMIUM = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextmanager
def demo() -> Iterator[str]:
    """The running demo's address, read from what it prints."""
    command = [str(Path(sys.executable).with_name("onegov-auth")), "demo"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield printed_url(process)
        finally:
            process.send_signal(signal.SIGINT)


def printed_url(process: subprocess.Popen[str]) -> str:
    """The first address the demo prints. Exits when it prints none."""
    deadline = time.monotonic() + START_TIMEOUT
    for line in process.stdout or ():
        if found := re.search(r"https?://[\w.-]+:\d+/?", line):
            return found.group()
        if time.monotonic() > deadline:
            break
    sys.exit("the demo printed no address")


def shoot(page: Page, base: str, pages: dict[str, str], suffix: str) -> None:
    """One picture of each page, as long as the page is."""
    for name, path in pages.items():
        page.goto(f"{base}/{path}")
        page.screenshot(path=TARGET / f"{name}-{suffix}.png", full_page=True)


def log_in(page: Page, base: str) -> bool:
    """Log in as somebody of the directory; whether it worked."""
    person = PEOPLE[0]
    page.goto(f"{base}/auth/login")
    page.fill("input[name=username]", person.mail)
    page.fill("input[name=password]", person.password)
    with page.expect_navigation():
        page.press("input[name=password]", "Enter")
    return "/auth/login" not in page.url


def ask_for_mail(page: Page, base: str) -> None:
    """Have something to show among the mails."""
    page.goto(f"{base}/auth/request-password")
    page.fill("input[name=email]", "member@example.net")
    with page.expect_navigation():
        page.press("input[name=email]", "Enter")


def take(browser: Browser, base: str) -> None:
    """All pictures at all widths, in light and dark."""
    for (name, width), scheme in product(WIDTHS.items(), SCHEMES):
        suffix = f"{scheme}-{name}"
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        ask_for_mail(page, base)
        shoot(page, base, PUBLIC, suffix)
        if log_in(page, base):
            shoot(page, base, PERSONAL, suffix)
        else:
            print(f"{PEOPLE[0].mail} could not log in; only the public pages are taken", file=sys.stderr)
        page.close()


def main(url: str | None = None) -> None:
    """Take them of the site at *url*, or of a demo of our own."""
    chromium = shutil.which("chromium") or sys.exit("chromium was not found: install the package chromium")
    TARGET.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        if url:
            take(browser, url.rstrip("/"))
        else:
            with demo() as started:
                take(browser, started.rstrip("/"))
        browser.close()
    print(f"see {TARGET.relative_to(ROOT)}/")


if __name__ == "__main__":
    main(*sys.argv[1:2])
