"""A page that needs a permission."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.suites.base import AuthSuite

__all__ = ["PermissionTests"]


class PermissionTests(AuthSuite):
    """
    Who sees a page of the host that needs a permission.

    Attributes:
        page: The path of that page.
        permissions: The tokens that open it, all of them together.
        role: A role that doesn't open it by itself.
    """

    page: ClassVar[str]
    permissions: ClassVar[tuple[str, ...]]
    role: ClassVar[str] = "member"

    def status(self, browser: AuthClient, **more: Any) -> int:
        """How the page is answered there."""
        return int(browser.get(self.page, expect_errors=True, **more).status_int)

    def make(self, **more: Any) -> AuthClient:
        """A browser of a new user without the permissions, but for what is said."""
        return self.browser(self.make_user(role=self.role, **more))

    def test_nobody_is_led_to_the_login_page_and_back(self) -> None:
        """Who logs in there sees the page afterwards."""
        self.make_user(role=self.role, permissions=self.permissions)
        browser = self.browser()

        led = browser.get(self.page, expect_errors=True)
        target = urlsplit(self.place(led))

        assert target.path == self.url("login")
        assert parse_qs(target.query)["to"] == [self.page]
        assert self.place(self.log_in(browser, to=self.page)) == self.page
        assert self.status(browser) == 200

    def test_a_program_is_told_instead(self) -> None:
        """It gets a 401 with a challenge, and no page of HTML."""
        answer = self.browser().get(self.page, headers={"Accept": "application/json"}, expect_errors=True)

        assert answer.status_int == 401
        assert answer.headers["WWW-Authenticate"]
        assert answer.content_type == "application/json"

    def test_who_lacks_it_is_refused(self) -> None:
        """Being logged in is not enough, and half of several permissions neither."""
        assert self.status(self.make()) == 403
        for number, token in enumerate(self.permissions if len(self.permissions) > 1 else ()):
            assert self.status(self.make(username=f"half-{number}@example.org", permissions=[token])) == 403, token

    def test_who_has_it_sees_the_page(self) -> None:
        """By the user's own permissions."""
        assert self.status(self.make(permissions=self.permissions)) == 200

    def test_a_group_gives_it(self) -> None:
        """Members have what their group has."""
        browser = self.make(groups=["Finance"])
        assert self.status(browser) == 403

        self.give("group", "Finance")

        assert self.status(browser) == 200

    def test_a_bundle_gives_it(self) -> None:
        """Whoever has a bundle has what is in it."""
        browser = self.make(bundles=["Bookkeeping"])
        assert self.status(browser) == 403

        self.give("bundle", "Bookkeeping")

        assert self.status(browser) == 200

    def test_a_superuser_has_everything(self) -> None:
        """All of the catalogue."""
        self.give("group", "Finance")

        assert self.status(self.make(is_superuser=True)) == 200

    def test_what_is_taken_away_is_gone_at_the_next_request(self) -> None:
        """Without logging out in between, and whoever else has it keeps it."""
        browser = self.make(permissions=self.permissions)
        other = self.make(username="ben@example.org", permissions=self.permissions)
        assert self.status(browser) == 200

        with self.application.auth.database.unit() as db:
            user: Any = self.application.auth.users(db).by_username("ann@example.org")
            user.permissions.clear()

        assert self.status(browser) == 403
        assert self.status(other) == 200

    def give(self, kind: str, name: str) -> None:
        """Give the permissions to a group or bundle of that name, which is made if it is missing."""
        entities = self.application.auth.entities
        class_: Any = getattr(entities, kind)
        with self.application.auth.database.unit() as db:
            row = db.query(class_).filter_by(name=name).first() or class_(name=name)
            db.add(row)
            for token in self.permissions:
                known = entities.permission.get_by_token(db, token) or entities.permission(token=token)
                row.permissions.append(known)
