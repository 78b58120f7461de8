"""Logging in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from onegov_auth.testing.people import PASSWORD
from onegov_auth.testing.suites.base import WRONG, AuthSuite

__all__ = ["AuthTests"]

#: What only its attacker calls a path on this site.
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "/\t/evil.example/",
    "javascript:alert(1)",
)

#: Variables that a server, a proxy or a test might set, and none of which is a proof.
NO_PROOF = {
    "TEST_USER_ID": "{id}",
    "REMOTE_USER": "{name}",
    "AUTH_USER": "{name}",
    "HTTP_REMOTE_USER": "{name}",
    "HTTP_X_REMOTE_USER": "{name}",
    "HTTP_X_FORWARDED_USER": "{name}",
    "HTTP_X_USER": "{name}",
    "HTTP_X_AUTH_TOKEN": "{name}",
}


class AuthTests(AuthSuite):
    """
    Who gets in by the login page, who doesn't, and what that tells.

    Attributes:
        refused: What may be the matter with a user: the attributes by which nobody is let in. A host adds its own.
    """

    refused: ClassVar[dict[str, dict[str, Any]]] = {
        "inactive": {"active": False},
        "disabled by date": {"disabled_utc": timedelta(days=-1)},
        "without a password": {"password_hash": ""},
    }

    def test_the_right_password_gets_in(self) -> None:
        """The answer is a redirect, and from then on the browser is the user's."""
        self.make_user()
        browser = self.browser()

        assert not self.is_in(browser)
        assert self.place(self.log_in(browser, to="/somewhere?a=1")) == "/somewhere?a=1"
        assert self.is_in(browser)

    def test_the_name_is_found_however_it_is_written(self) -> None:
        """Capital letters and spaces around it make no other name."""
        self.make_user("ann@example.org")

        assert self.log_in(self.browser(), " ANN@Example.org ").status_int == 303

    @pytest.mark.parametrize("change", [str.upper, lambda clear: f" {clear}", lambda clear: clear[:-1], lambda _: ""])
    def test_another_password_does_not(self, change: Any) -> None:
        """The password is compared exactly as it was typed, and never sent back."""
        self.make_user()
        browser, typed = self.browser(), change(PASSWORD)

        page = self.log_in(browser, password=typed)

        assert not self.is_in(browser)
        assert page.status_int in {200, 400, 401, 403}
        assert not typed or typed not in page.text

    def test_refusals_look_alike(self) -> None:
        """Nobody learns from the page whether a user exists, or what is the matter with one who does."""
        self.make_user()
        for number, values in enumerate(self.refused.values()):
            self.make_user(f"refused-{number}@example.org", **self._moved(values))
        wrong = self.neutral(self.log_in(self.browser(), password=WRONG), "ann@example.org")

        unknown = self.neutral(self.log_in(self.browser(), "nobody@example.org"), "nobody@example.org")

        assert unknown == wrong
        for number, what in enumerate(self.refused):
            name, browser = f"refused-{number}@example.org", self.browser()
            assert self.neutral(self.log_in(browser, name), name) == wrong, what
            assert not self.is_in(browser), what

    def test_every_refusal_costs_a_hash(self) -> None:
        """An unknown name takes as long as a wrong password."""
        self.make_user()
        hasher, pages = self.application.auth.hasher, [self.login_page(self.browser()) for _ in range(2)]
        costs = []
        for page, name in zip(pages, ("ann@example.org", "nobody@example.org"), strict=True):
            before = hasher.compared
            self.fill_in(page, name, WRONG).submit(expect_errors=True)
            costs.append(hasher.compared - before)

        assert costs == [1, 1]

    @pytest.mark.parametrize("to", ELSEWHERE)
    def test_nobody_is_led_to_another_site(self, to: str) -> None:
        """Whatever the address of the login page or the form says, it leads to a page of this site."""
        self.make_user()
        browser = self.browser()
        form = self.fill_in(self.login_page(browser), "ann@example.org", PASSWORD)
        fields = [(name, value) for name, value in form.submit_fields() if name != "to"]

        assert self.place(browser.post(form.action, [*fields, ("to", to)])).startswith("/")
        assert self.place(self.log_in(self.browser(), to=to)).startswith("/")

    def test_the_address_logs_nobody_in(self) -> None:
        """Name and password in the query are not looked at."""
        self.make_user()
        browser = self.browser()
        credentials = {self.username_field: "ann@example.org", self.password_field: PASSWORD}

        browser.get(self.url("login"), {"local": "1", **credentials})

        assert not self.is_in(browser)

    def test_head_is_answered_without_a_body(self) -> None:
        """A link checker sees the page, and changes nothing."""
        response = self.browser().head(self.url("login"), expect_errors=True)

        assert response.status_int in {200, 405}
        assert response.body == b""

    def test_a_login_begins_a_new_session(self) -> None:
        """A cookie that somebody else put into the browser is worth nothing afterwards."""
        self.make_user()
        browser, name = self.browser(), self.application.cookies.session
        browser.set_cookie(name, "A" * 43)

        self.log_in(browser)
        first = browser.cookies[name]
        self.log_in(browser)

        assert first not in {"A" * 43, browser.cookies[name]}
        stale = self.browser()
        stale.set_cookie(name, first)
        assert not self.is_in(stale)

    def test_a_variable_of_the_request_logs_nobody_in(self) -> None:
        """Nothing that a server, a proxy or a test sets is a proof: there is no back door for tests."""
        user = self.make_user(role="admin")
        values = {"id": str(self._key(user)), "name": user.username}

        for variable, value in NO_PROOF.items():
            assert not self.is_in(self.browser(**{variable: value.format(**values)})), variable
        assert not self.is_in(self.browser(**{name: value.format(**values) for name, value in NO_PROOF.items()}))

    def test_leaving_takes_a_button(self) -> None:
        """An image on another site can't log anybody out."""
        browser = self.browser(self.make_user())

        page = browser.get(self.url("logout"))

        assert self.is_in(browser)
        assert page.forms[0].method.lower() == "post"

    def test_who_left_is_out(self) -> None:
        """The session is over at the server: its cookie is worth nothing any more."""
        browser, name = self.browser(self.make_user()), self.application.cookies.session
        token = browser.cookies[name]

        browser.get(self.url("logout")).forms[0].submit()

        stale = self.browser()
        stale.set_cookie(name, token)
        assert not self.is_in(browser)
        assert not self.is_in(stale)

    @pytest.mark.parametrize("change", [{"active": False}, {"password": WRONG}, {"disabled_utc": timedelta()}])
    def test_who_may_not_come_in_is_out(self, change: dict[str, Any]) -> None:
        """Deactivation, a date that has come and a changed password count from the next request on."""
        browser = self.browser(self.make_user())
        assert self.is_in(browser)

        self.change_user(**self._moved(change))

        assert not self.is_in(browser)

    def change_user(self, username: str = "ann@example.org", **values: Any) -> None:
        """Change attributes of a user."""
        with self.application.auth.database.unit() as db:
            user: Any = self.application.auth.users(db).by_username(username)
            for name, value in values.items():
                setattr(user, name, value)

    def _moved(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same, with lengths of time turned into times."""
        return {name: self.clock() + value if isinstance(value, timedelta) else value for name, value in values.items()}

    def _key(self, user: Any) -> Any:
        return next(iter(user.__mapper__.primary_key_from_instance(user)))
