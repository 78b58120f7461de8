"""From a kind of message and its values to a mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from jinja2 import TemplateSyntaxError

from onegov_auth.i18n import languages
from onegov_auth.mail.messages import KINDS, Letter, Messages, is_address, one_line

AT = datetime(2026, 11, 21, 21, 13, tzinfo=UTC)
ID = UUID(int=7)
URL = "https://app.example.org/auth/reset-password?token=abc&x=1"
VALUES = {
    "url": URL,
    "until": AT,
    "username": "ann",
    "time": AT,
    "device": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "address": "192.0.2.1",
    "new": "new@example.org",
    "provider": "Company",
    "change": "added",
    "factor": "TOTP",
    "left": 3,
}

Make = Callable[..., EmailMessage]


@pytest.fixture(name="make")
def _make() -> Make:
    messages = Messages("Govikon", "https://app.example.org", "Town of Govikon <auth@example.org>")

    def make(kind: str = "reset", to: str = "ann@example.org", language: str = "en", **values: object) -> EmailMessage:
        return messages.make(Letter(kind, to, language, {**VALUES, **values}), ID, AT)

    return make


def part(message: EmailMessage, form: str) -> str:
    """The text or the HTML of a mail."""
    body = message.get_body((form,))
    assert body is not None
    return str(body.get_content())


class Reader(HTMLParser):
    """Keeps what stands between the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.found.append(data)


def shown(html: str) -> str:
    """What a reader sees of HTML."""
    reader = Reader()
    reader.feed(html.partition("<body")[2])
    return " ".join(" ".join(reader.found).split())


def test_head(make: Make) -> None:
    """Sender, receiver, subject, date, and that nobody typed it."""
    message = make()

    assert message["From"] == "Town of Govikon <auth@example.org>"
    assert message["To"] == "ann@example.org"
    assert message["Subject"] == "Set a new password at Govikon"
    assert message["Date"] == "Sat, 21 Nov 2026 21:13:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{ID}@example.org>"
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", languages())
def test_text_and_html_say_the_same(make: Make, kind: str, language: str) -> None:
    """Both forms come of one template, in every language, with no braces left and every word in both."""
    message = make(kind, language=language)
    text, html = part(message, "plain"), part(message, "html")
    words = set(re.findall(r"\w{4,}", shown(html)))

    assert not [word for word in re.findall(r"\w{4,}", text) if word not in words]
    assert "{" not in text + shown(html)
    assert f'lang="{language}"' in html
    assert URL in text
    assert URL.replace("&", "&amp;") in html
    assert "Govikon" in text
    assert max(map(len, text.splitlines())) <= max(72, len(URL), 2 + len("https://app.example.org") + 72)


def test_optional_values(make: Make) -> None:
    """What is not known is left out."""
    message = make("password_changed", address=None, device=None, time=None)
    text = part(message, "plain")

    assert "Address:" not in text
    assert "Device: Unknown device" in text
    assert "None" not in text + part(message, "html")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "factor_changed", "change": "removed"}, "was removed"),
        ({"kind": "factor_changed", "change": "other"}, "were changed"),
        ({"kind": "identity_linked", "change": "removed"}, "no longer"),
        ({"kind": "identity_linked", "change": "linked"}, "from now on"),
        ({"kind": "reset_external", "provider": None}, "your organisation"),
        ({"kind": "recovery_code_used", "left": 1}, "1 code is left"),
        ({"kind": "recovery_code_used", "left": 0}, "0 codes are left"),
    ],
)
def test_variants(make: Make, values: dict[str, object], sentence: str) -> None:
    """A kind says what happened."""
    assert sentence in " ".join(part(make(**values), "plain").split())


@pytest.mark.sec("HOST-06", "ASVS-1.3.7", "ASVS-1.2.1")
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "{url}", "{0.__class__}", '"><img src=x>', "%s", "{% raw %}"]
)
def test_values_are_nothing_but_text(make: Make, name: str) -> None:
    """A name is shown as it is: it is no HTML, no template and no placeholder."""
    message = make(username=name)

    assert f"Account: {name}\n" in part(message, "plain")
    assert name in shown(part(message, "html"))
    assert "<script" not in part(message, "html")
    assert "<img" not in part(message, "html")


@pytest.mark.sec("HOST-06")
@pytest.mark.parametrize(
    "name", ["http://evil.example/x", "www.evil.example", "JavaScript://evil", "see https://a.b/c now"]
)
def test_names_are_no_links(make: Make, name: str) -> None:
    """A name that a mail program would make a link of is not repeated."""
    message = make(username=name, provider=name)

    for form in ("plain", "html"):
        assert "evil" not in part(message, form)
        assert "a.b" not in part(message, form)


def test_long_values_are_cut(make: Make) -> None:
    """Nobody writes a letter of their own by way of a name."""
    assert "x" * 255 not in part(make(username="x" * 5000), "plain")


@pytest.mark.sec("HOST-06", "ASVS-1.3.11")
def test_a_title_makes_no_header() -> None:
    """A line end in what a subject is made of is a blank."""
    messages = Messages("Govikon\r\nBcc: eve@example.org", "https://app.example.org", "auth@example.org")
    message = messages.make(Letter("reset", "ann@example.org", "en", {"url": URL}), ID, AT)

    assert message["Bcc"] is None
    assert message["Subject"] == "Set a new password at Govikon Bcc: eve@example.org"


@pytest.mark.sec("HOST-06", "ASVS-1.3.11")
@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ann@example.org", True),
        ("ann+tag.x_y'z@sub.example.org", True),
        ("zoë@exämple.org", True),
        ("ann@example.org\r\nBcc: eve@example.org", False),
        ("ann@example.org\n", False),
        ("ann@example.org, eve@example.org", False),
        ("Ann <ann@example.org>", False),
        ('"ann eve"@example.org', False),
        ("ann\u2028@example.org", False),
        ("ann\u200b@example.org", False),
        ("ann@eve@example.org", False),
        ("ann", False),
        ("@example.org", False),
        ("x" * 65 + "@example.org", False),
    ],
)
def test_addresses(text: str, good: bool) -> None:
    """An address is one address: no name, no second one, nothing that ends a line."""
    assert is_address(text) is good


def test_one_line() -> None:
    """Line ends and invisible characters are blanks, and blanks are one."""
    assert one_line(" a\r\n\tb\x00\u2029\u200bc  d ") == "a b c d"


def test_unknown_kinds() -> None:
    """A kind is a template's name, and no path."""
    messages = Messages("Govikon", "https://app.example.org", "auth@example.org")

    assert all(messages.has(kind) for kind in KINDS)
    assert not any(messages.has(kind) for kind in ("gone", "", "../mail/reset", "text/layout", "Reset"))


def own(folder: Path, name: str, text: str) -> Messages:
    """Messages of an application with one template of its own."""
    (folder / "mail" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "mail" / name).write_text(text, encoding="utf-8")
    return Messages("Govikon", "https://app.example.org", "auth@example.org", [folder])


def test_templates_of_an_application(tmp_path: Path) -> None:
    """An application's template goes before ours, and has our layout and parts."""
    messages = own(
        tmp_path,
        "reset.jinja2",
        '{% extends "layout.jinja2" %}{% from "parts.jinja2" import p, button with context %}'
        "{% block subject %}Hey{% endblock %}{% block body %}{{ p('1 < 2') }}{{ button(url, 'Go') }}{% endblock %}",
    )
    message = messages.make(Letter("reset", "ann@example.org", "en", VALUES), ID, AT)

    assert message["Subject"] == "Hey"
    assert part(message, "plain").startswith(f"1 < 2\n\nGo:\n{URL}\n\n-- \n")
    assert "1 &lt; 2" in part(message, "html")


def test_a_layout_of_an_application(tmp_path: Path) -> None:
    """The frame of one form is replaced without touching the other."""
    messages = own(
        tmp_path, "html/layout.jinja2", "<p>OURS</p>{% block body %}{% endblock %}{% block subject %}{% endblock %}"
    )
    message = messages.make(Letter("reset", "ann@example.org", "en", VALUES), ID, AT)

    assert "<p>OURS</p>" in part(message, "html")
    assert "sent automatically" in part(message, "plain")


def test_kinds_of_an_application(tmp_path: Path) -> None:
    """An application adds kinds; a template that does not work says so where it is used."""
    assert own(tmp_path, "invoice.jinja2", "x").has("invoice")
    with pytest.raises(TemplateSyntaxError):
        own(tmp_path, "broken.jinja2", "{% block %}").has("broken")


@pytest.mark.sec("NIST-51")
@pytest.mark.parametrize(
    "kind",
    ["password_changed", "email_changed", "factor_changed", "identity_linked", "new_device", "recovery_code_used"],
)
def test_a_notice_says_what_to_do(make: Make, kind: str) -> None:
    """Whoever is told of something that they have not done themselves reads what to do now, in both forms."""
    message = make(kind)

    for form in ("plain", "html"):
        assert "If it was not you, " in part(message, form)
