"""Getting back in after the password was forgotten."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.people import PASSWORD
from onegov_auth.testing.suites.base import AuthSuite

__all__ = ["RecoveryTests"]

#: What the password is changed to.
NEW = "eleven quiet otters under the bridge"


class RecoveryTests(AuthSuite):
    """
    The mail with the link, and what the link is good for. For hosts where ``recovery.enabled`` is true.

    Attributes:
        email_field: The field of the page on which a link is asked for.
        new_password_field: The field of the page that the link leads to.
        short: A password that the host's policy refuses.
    """

    email_field: ClassVar[str] = "email"
    new_password_field: ClassVar[str] = "password"
    short: ClassVar[str] = "short"

    def ask(self, email: str = "ann@example.org", browser: AuthClient | None = None) -> Any:
        """Ask for a link; returns the page that one ends on."""
        form = self.form_with((browser or self.browser()).get(self.url("request-password")), self.email_field)
        form[self.email_field] = email
        return form.submit(expect_errors=True).maybe_follow(expect_errors=True)

    def link(self, to: str = "ann@example.org") -> str:
        """Ask for a link, and read it in the mail."""
        self.ask(to)
        return self.outbox.link("reset-password", to)

    def reset(self, link: str, password: str = NEW, email: str = "ann@example.org") -> Any:
        """Follow a link and type another password; returns the answer, which may be the page without a form."""
        page = self.browser().get(link, expect_errors=True).maybe_follow(expect_errors=True)
        forms = [form for form in page.forms.values() if self.new_password_field in form.fields]
        if not forms:
            return page
        form = forms[0]
        form[self.email_field], form[self.new_password_field] = email, password
        return form.submit(expect_errors=True)

    def is_password(self, password: str, username: str = "ann@example.org") -> bool:
        """Whether that password lets the user in."""
        return int(self.log_in(self.browser(), username, password).status_int) == 303

    def test_a_mailed_link_changes_the_password(self) -> None:
        """The new one is good and the old one is not; nobody is logged in by it, and who was is out."""
        elsewhere = self.browser(self.make_user())
        link = self.link()
        browser = self.browser()
        form = self.form_with(browser.get(link).maybe_follow(), self.new_password_field)
        form[self.email_field], form[self.new_password_field] = "ann@example.org", NEW

        assert form.submit().status_int == 303
        assert not self.is_in(browser)
        assert not self.is_in(elsewhere)
        assert self.is_password(NEW)
        assert not self.is_password(PASSWORD)

    def test_the_link_leads_to_this_site(self) -> None:
        """Whatever host name the browser that asked gave."""
        self.make_user()
        self.ask(browser=self.browser(HTTP_X_FORWARDED_HOST="evil.example"))

        body = self.outbox.mails[-1].get_body(("plain",))

        assert body is not None
        assert f"{self.application.auth.settings.base_url}/" in body.get_content()
        assert "evil.example" not in body.get_content()

    def test_a_link_works_once(self) -> None:
        """Whoever finds the mail later finds nothing."""
        self.make_user()
        link = self.link()
        self.reset(link)

        self.reset(link, "another sentence about quiet otters")

        assert self.is_password(NEW)

    def test_looking_at_a_link_uses_nothing_up(self) -> None:
        """A mail scanner that opens it spoils nothing."""
        self.make_user()
        link = self.link()
        for _ in range(2):
            self.browser().get(link).maybe_follow()

        assert self.reset(link).status_int == 303

    def test_a_link_expires(self) -> None:
        """After the time the settings say."""
        self.make_user()
        link = self.link()

        self.clock.advance(self.application.auth.settings.recovery.valid.total_seconds() + 1)
        self.reset(link)

        assert self.is_password(PASSWORD)

    def test_a_newer_link_voids_the_older(self) -> None:
        """Only the last mail counts."""
        self.make_user()
        older, newer = self.link(), self.link()

        assert self.reset(older, "another sentence about quiet otters").status_int != 303
        assert self.reset(newer).status_int == 303

        assert self.is_password(NEW)

    def test_a_login_voids_a_link(self) -> None:
        """Whoever remembers the password after all needs none of the mails any more."""
        self.make_user()
        link = self.link()
        self.log_in(self.browser())

        self.reset(link)

        assert self.is_password(PASSWORD)

    @pytest.mark.parametrize("forge", [lambda link: link[:-4] + "AAAA", lambda link: link.partition("?")[0]])
    def test_a_forged_link_does_nothing(self, forge: Any) -> None:
        """Nobody makes one up."""
        self.make_user()

        self.reset(forge(self.link()))

        assert self.is_password(PASSWORD)

    def test_a_link_is_of_one_account(self) -> None:
        """Whoever has one changes nobody else's password."""
        self.make_user()
        self.make_user("ben@example.org")

        self.reset(self.link("ben@example.org"), email="ann@example.org")

        assert self.is_password(PASSWORD)
        assert self.is_password(PASSWORD, "ben@example.org")

    def test_the_policy_holds_here_too(self) -> None:
        """A password that may not be is refused, and the link stays good."""
        self.make_user()
        link = self.link()

        assert self.reset(link, self.short).status_int == 200
        assert self.reset(link).status_int == 303

    def test_asking_tells_nothing(self) -> None:
        """Known, unknown or switched off: the same page, and a mail to whom it may help only."""
        self.make_user()
        self.make_user("off@example.org", active=False)
        names = ("ann@example.org", "off@example.org", "nobody@example.org")

        pages = {self.neutral(self.ask(name), name) for name in names}

        assert len(pages) == 1
        assert [mail["To"] for mail in self.outbox.mails] == ["ann@example.org"]

    def test_asking_changes_nothing(self) -> None:
        """Anybody may ask for a link to anybody: whoever is in stays in, and the password stays good."""
        browser = self.browser(self.make_user())

        self.link()

        assert self.is_in(browser)
        assert self.is_password(PASSWORD)

    def test_nobody_is_flooded_with_mails(self) -> None:
        """Beyond the limit nothing is mailed, and the page says the same."""
        self.make_user()
        limit = self.application.auth.settings.attempts.recovery
        first = self.neutral(self.ask(), "ann@example.org")
        for _ in range(limit.limit + 2):
            last = self.neutral(self.ask(), "ann@example.org")

        assert last == first
        assert len(self.outbox.to("ann@example.org")) == limit.limit
