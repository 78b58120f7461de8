from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from onegov_auth.web import AuthPages
from onegov_auth.web.render import inline_markdown, markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Use your **staff** account", "<p>Use your <strong>staff</strong> account</p>\n"),
        ("*a* `b`", "<p><em>a</em> <code>b</code></p>\n"),
        ("[help](https://example.org)", '<p><a href="https://example.org" rel="noopener noreferrer">help</a></p>\n'),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
    ],
)
def test_hints_are_markdown(text: str, html: str) -> None:
    """Emphasis, code, links and lists are shown."""
    assert markdown(text) == html


@pytest.mark.sec("REDIR-10", "ASVS-1.2.1", "ASVS-1.2.2")
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](https://evil.example/x.png)",
        '<a href="https://evil.example" onclick="x">x</a>',
        "<img src=x onerror=alert(1)>",
        "&lt;script&gt;",
    ],
)
def test_hints_hold_no_code(text: str) -> None:
    """What is no harmless Markdown is text."""
    for html in (markdown(text), inline_markdown(text)):
        assert not any(part in html for part in ("<script", "<img", 'href="javascript:', 'href="data:', 'onclick="x">'))


@pytest.mark.sec("REDIR-10", "ASVS-1.2.2")
@pytest.mark.parametrize(
    "url", ["ftp://example.org", "tel:123", "javascript:alert(1)", "vbscript:x", "file:///etc/passwd"]
)
def test_links_lead_to_web_sites_and_mail(url: str) -> None:
    """A link to anything else is none."""
    assert "href" not in markdown(f"[x]({url})")


def test_buttons_hold_no_links() -> None:
    """A button's text has no paragraph and no link in it."""
    assert inline_markdown("Log in with **Company**") == "Log in with <strong>Company</strong>"
    assert "<a" not in inline_markdown("[x](https://example.org)")


def test_application_replaces_a_template(make_app: Any, make_browser: Any, app_class: Any, tmp_path: Path) -> None:
    """A template of that name in the directory of a subclass takes the place of ours, and its layout stays."""
    (tmp_path / "auth").mkdir()
    (tmp_path / "auth" / "login.jinja2").write_text(
        '{% extends "auth/layout.jinja2" %}{% block main %}<p>Welcome to {{ site }}</p>{% endblock %}'
    )

    class Pages(AuthPages):
        pass

    @Pages.template_directory()
    def _templates() -> str:
        return str(tmp_path)

    class Site(app_class):  # type: ignore[misc] # a class made by a fixture
        auth_pages: ClassVar[type[AuthPages]] = Pages

    page = make_browser(make_app(cls=Site, title="<Town>")).get("/auth/login")

    assert "<p>Welcome to &lt;Town&gt;</p>" in page.text
    assert 'href="/auth/static/style.css?v=' in page.text


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/auth/nothing"])
def test_pages_can_be_used_by_everybody(browser: Any, path: str) -> None:
    """A language, a width for phones, one heading, a main part, and a label for every field."""
    text = browser.get(path, expect_errors=True).text

    assert '<html lang="en">' in text
    assert 'name="viewport" content="width=device-width' in text
    assert text.count("<h1>") == text.count("<main") == 1
    for field in ("username", "password", "remember"):
        assert (f'id="{field}"' in text) == (f'<label for="{field}"' in text)


@pytest.mark.sec("ASVS-3.4.3")
@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/auth/nothing"])
def test_pages_need_nothing_their_policy_forbids(browser: Any, path: str) -> None:
    """No inline style or script, and nothing from another site."""
    text = browser.get(path, expect_errors=True).text

    assert not any(part in text for part in ("<style", "style=", "onclick", "<script>", "http://", "https://"))
