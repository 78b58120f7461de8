"""How often somebody may guess."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import select

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.suites.base import WRONG, AuthSuite

__all__ = ["AuthAttemptTests"]


class AuthAttemptTests(AuthSuite):
    """
    The lockout of the login page, by whatever limits the settings have.

    Attributes:
        known: Users there are from the beginning; the first one's password is guessed.
    """

    known: ClassVar[tuple[str, ...]] = ("ann@example.org", "ben@example.org")

    def begin(self) -> Any:
        """Add the users; returns the limit of logins: ``limit``, ``within``, ``lockout``."""
        for name in self.known:
            self.make_user(name)
        return self.application.auth.settings.attempts.login

    def guess(self, times: int, username: str | None = None, browser: AuthClient | None = None) -> Any:
        """Type a wrong password so many times, from one address; returns the last answer."""
        browser = browser or self.browser(address="198.51.100.7")
        page = self.login_page(browser)
        for _ in range(times):
            answer = self.fill_in(page, username or self.known[0], WRONG).submit(expect_errors=True)
        return answer

    def rows(self) -> list[Any]:
        """The attempts that were stored, the oldest first."""
        attempts: Any = self.application.auth.entities.attempt
        with self.application.auth.database.read() as db:
            return list(db.scalars(select(attempts).order_by(attempts.datetime_utc, attempts.id)))

    def test_one_less_than_the_limit_locks_nobody_out(self) -> None:
        """Whoever mistypes a little less often still gets in."""
        limit = self.begin()

        self.guess(limit.limit - 1)

        assert self.log_in(self.browser()).status_int == 303

    def test_too_many_failures_lock_the_account(self) -> None:
        """Then the right password is refused too, wherever it comes from, and the page says to wait."""
        limit = self.begin()

        self.guess(limit.limit)
        browser = self.browser()
        page = self.log_in(browser)

        assert page.status_int == 429
        assert 0 < int(page.headers["Retry-After"]) <= limit.lockout.total_seconds() + 1
        assert not self.is_in(browser)

    def test_the_spelling_of_a_name_gives_no_other_budget(self) -> None:
        """Capital letters and spaces count for the same account."""
        limit = self.begin()

        for number in range(limit.limit):
            self.guess(1, (self.known[0].upper(), f" {self.known[0]}")[number % 2])

        assert self.log_in(self.browser()).status_int == 429

    def test_others_are_not_locked_out(self) -> None:
        """The lock is on one account."""
        limit = self.begin()

        self.guess(limit.limit)

        assert self.log_in(self.browser(), self.known[1]).status_int == 303

    def test_unknown_names_are_locked_as_well(self) -> None:
        """The lock tells nobody which users there are."""
        limit = self.begin()
        known = self.neutral(self.guess(limit.limit + 1), self.known[0])

        unknown = self.neutral(self.guess(limit.limit + 1, "nobody@example.org"), "nobody@example.org")

        assert unknown == known
        assert unknown.startswith("429")

    def test_a_lockout_ends(self) -> None:
        """After its time, and not before, the right password is right again."""
        limit = self.begin()
        self.guess(limit.limit)

        self.clock.advance(limit.lockout.total_seconds() - 1)
        assert self.log_in(self.browser()).status_int == 429
        self.clock.advance(2)

        assert self.log_in(self.browser()).status_int == 303

    def test_knocking_does_not_prolong_it(self) -> None:
        """Attempts during a lockout are stored as such, and count for nothing."""
        limit = self.begin()
        self.guess(limit.limit)
        self.clock.advance(limit.lockout.total_seconds() - 1)
        self.guess(limit.limit)
        self.clock.advance(2)

        assert self.log_in(self.browser()).status_int == 303
        assert [row.is_during_lockout for row in self.rows()].count(True) == limit.limit

    def test_nothing_is_hashed_during_a_lockout(self) -> None:
        """Who is locked out costs the server nothing."""
        limit = self.begin()
        self.guess(limit.limit)
        hasher = self.application.auth.hasher
        before = hasher.compared

        self.guess(3)

        assert hasher.compared == before

    def test_a_success_gives_the_budget_back(self) -> None:
        """Failures before the last success don't count."""
        limit = self.begin()

        for _ in range(2):
            self.guess(limit.limit - 1)
            assert self.log_in(self.browser()).status_int == 303

    def test_old_failures_do_not_count(self) -> None:
        """Only those close together do."""
        limit = self.begin()

        self.guess(limit.limit - 1)
        self.clock.advance(limit.within.total_seconds() + 1)
        self.guess(1)

        assert self.log_in(self.browser()).status_int == 303

    def test_refused_forms_count_as_well(self) -> None:
        """Leaving the token out of the form is no way to guess for nothing."""
        limit = self.begin()
        browser = self.browser(address="198.51.100.7")
        form = self.fill_in(self.login_page(browser), self.known[0], WRONG)
        fields = [(name, value) for name, value in form.submit_fields() if name != "csrf_token"]
        for _ in range(limit.limit):
            browser.post(form.action, fields, expect_errors=True)

        assert self.log_in(self.browser()).status_int == 429

    def test_the_owner_is_not_locked_out_of_a_known_browser(self) -> None:
        """Where somebody logged in before, others' guesses elsewhere keep nobody out."""
        limit = self.begin()
        browser = self.browser()
        self.log_in(browser)
        browser.get(self.url("logout")).forms[0].submit()

        self.guess(limit.limit)

        assert self.log_in(self.browser()).status_int == 429
        assert self.log_in(browser).status_int == 303

    def test_one_address_may_not_try_everybody(self) -> None:
        """Many names from one address lock the address, and nobody elsewhere."""
        self.begin()
        limit = self.application.auth.settings.attempts.per_address
        if limit is None:
            return
        browser = self.browser(address="203.0.113.9")
        page = self.login_page(browser)
        for number in range(limit.limit):
            self.fill_in(page, f"name-{number}@example.org", WRONG).submit(expect_errors=True)

        assert self.log_in(browser).status_int == 429
        assert self.log_in(self.browser()).status_int == 303

    def test_every_attempt_is_stored(self) -> None:
        """With what was typed, from where, how it ended, and without the password."""
        self.begin()
        self.guess(1)
        self.guess(1, "nobody@example.org")
        self.log_in(self.browser())

        rows = self.rows()

        assert [(row.attempt_type, row.user_input, row.success) for row in rows] == [
            ("login", self.known[0], False),
            ("login", "nobody@example.org", False),
            ("login", self.known[0], True),
        ]
        assert [row.source_ip for row in rows] == ["198.51.100.7", "198.51.100.7", "192.0.2.1"]
        assert not any(WRONG in str(vars(row)) for row in rows)
