"""Forms that only the site's own pages can post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.people import PASSWORD
from onegov_auth.testing.suites.base import AuthSuite

__all__ = ["CsrfTests"]

#: The field that holds the token.
TOKEN = "csrf_token"

#: What a browser says of a request that a page of another site made it send.
FROM_ELSEWHERE = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


class CsrfTests(AuthSuite):
    """
    Every form of every page below demands its token, and no page of another site.

    Attributes:
        pages: The framework's pages for anybody that have forms; those that are switched off are left out.
        own_pages: Its pages for who is logged in.
        host_pages: The host's own pages with forms, for whoever :meth:`visitor` is.
    """

    pages: ClassVar[tuple[str, ...]] = ("login", "request-password", "register", "resend")
    own_pages: ClassVar[tuple[str, ...]] = (
        "logout",
        "account",
        "account/password",
        "account/email",
        "account/sessions",
        "account/factors",
        "account/tokens",
    )
    host_pages: ClassVar[tuple[str, ...]] = ()

    def visitor(self) -> Any:
        """Who is logged in on the pages that need somebody."""
        return self.make_user(role=next(iter(self.application.auth.settings.roles)))

    def forms(self) -> Iterator[tuple[AuthClient, Any]]:
        """Every form that posts, with the browser it is in."""
        browsers = ((self.browser(), self.pages, ()), (self.browser(self.visitor()), self.own_pages, self.host_pages))
        for browser, pages, host_pages in browsers:
            for path in (*(self.url(page) for page in pages), *host_pages):
                page = browser.get(path, expect_errors=True)
                if page.status_int == 404 and path not in host_pages:
                    continue
                assert page.status_int == 200, f"{path}: {page.status}"
                for form in dict.fromkeys(page.forms.values()):
                    if form.method.lower() == "post":
                        yield browser, form

    def post(self, browser: AuthClient, form: Any, token: str | None, headers: Any = None) -> int:
        """Post *form* as it stands, with that token; returns the status."""
        fields = [(name, value) for name, value in form.submit_fields() if name != TOKEN]
        fields += [] if token is None else [(TOKEN, token)]
        return int(browser.post(form.action, fields, headers=headers, expect_errors=True).status_int)

    def test_every_form_has_a_token(self) -> None:
        """There is none that another site could copy."""
        forms = [(form.action, TOKEN in form.fields) for _, form in self.forms()]

        assert len(forms) > 2
        assert [action for action, has_one in forms if not has_one] == []

    def test_a_form_without_its_token_is_refused(self) -> None:
        """Missing or made up, it is a 403, on every page."""
        for browser, form in self.forms():
            for token in (None, "", "0123456789abcdef.made-up"):
                assert self.post(browser, form, token) == 403, f"{form.action} with the token {token!r}"

    def test_a_token_of_another_browser_is_refused(self) -> None:
        """An attacker's own token is of no use in anybody else's browser."""
        foreign = self.browser().csrf_token()

        for browser, form in self.forms():
            assert self.post(browser, form, foreign) == 403, form.action

    @pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=lambda headers: "-".join(next(iter(headers.items()))))
    def test_a_form_of_another_site_is_refused(self, headers: dict[str, str]) -> None:
        """Even with the right token."""
        for browser, form in self.forms():
            assert self.post(browser, form, browser.csrf_token(), headers) == 403, form.action

    def test_with_its_token_a_form_is_taken(self) -> None:
        """What the others are refused for is the token: the login form of the same page logs in."""
        self.make_user("ben@example.org")
        browser = self.browser()
        page = self.login_page(browser)
        form = self.fill_in(page, "ben@example.org", PASSWORD)

        assert self.post(browser, form, None) == 403
        assert not self.is_in(browser)
        assert self.post(browser, form, form[TOKEN].value) == 303
        assert self.is_in(browser)

    def test_another_site_logs_nobody_out(self) -> None:
        """A refused logout leaves the person in."""
        browser = self.browser(self.visitor())
        form = browser.get(self.url("logout")).forms[0]

        assert self.post(browser, form, None) == 403
        assert self.is_in(browser)

    def test_a_token_ends_with_the_login(self) -> None:
        """One from before it is worth nothing afterwards: nobody prepares a form for whoever logs in next."""
        self.make_user()
        browser = self.browser()
        before = browser.csrf_token()
        self.log_in(browser)
        form = browser.get(self.url("logout")).forms[0]

        assert self.post(browser, form, before) == 403
        assert self.is_in(browser)
