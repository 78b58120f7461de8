from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.keys import Keys
from onegov_auth.settings import Secret
from onegov_auth.web.flash import Flash, Message

KEYS = Keys([Secret("x" * 40)], "town/app")


def packed(*texts: str) -> str | None:
    """The cookie with these messages."""
    flash = Flash(KEYS, None)
    for text in texts:
        flash.add(text, "info")
    return flash.packed()


def signed(data: object) -> str:
    """A cookie of ours that holds something else."""
    body = base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
    return f"{body}.{KEYS.mac('flash', body)}"


def test_messages_survive_the_cookie() -> None:
    """What was added is read again, once, in its order."""
    flash = Flash(KEYS, packed("eins", "zwei «ü»"))

    assert flash
    assert list(flash.consume()) == [Message("eins", "info"), Message("zwei «ü»", "info")]
    assert not flash
    assert flash.packed() is None


def test_nothing_changes_unread() -> None:
    """Messages that nobody showed stay, and no cookie is written again."""
    assert Flash(KEYS, packed("a")).changed is False
    assert Flash(KEYS, None).changed is False


def test_oldest_messages_make_room() -> None:
    """What does not fit in the cookie is dropped from the front."""
    value = packed("old" * 500, "new" * 100)

    assert value is not None
    assert [message.text[:3] for message in Flash(KEYS, value).consume()] == ["new"]
    assert packed("x" * 5000) is None


@pytest.mark.sec("SESS-12")
@pytest.mark.parametrize("cookie", ["x", "x.y", "W10.AAAA", signed("text"), signed([["a"]]), signed([1]), "ä.ü"])
def test_foreign_cookies_are_nothing(cookie: str) -> None:
    """A cookie that is not ours holds no messages, breaks nothing, and is deleted."""
    flash = Flash(KEYS, cookie)

    assert not flash
    assert flash.changed


def test_signature_is_of_one_application() -> None:
    """Another application's messages are not shown here."""
    assert not Flash(Keys([Secret("x" * 40)], "town/other"), packed("a"))


def test_message_appears_on_the_next_page_only(browser: Any, ask: Callable[..., Any], app: Any) -> None:
    """A message is shown once, escaped, with a role that screen readers announce."""
    ask(lambda request: [request.alert("<b>"), request.success("s"), request.info("i"), request.warning("w")], browser)
    assert app.cookies.flash in browser.cookies

    page = browser.get("/auth/login")
    assert '<p class="message alert" role="alert">&lt;b&gt;</p>' in page.text
    assert page.text.count('role="status"') == 3
    assert "&lt;b&gt;" not in browser.get("/auth/login").text
    assert app.cookies.flash not in browser.cookies
