"""What a certified provider does to sessions here: it ends them, and is asked about them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Page
from sqlalchemy import select, update

from onegov_auth.auth import Auth
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import AuthEvent, UserSession
from onegov_auth.testing.servers import OidcProvider
from onegov_auth.testing.servers.browsing import forms, new_browser

Serve = Callable[..., tuple[str, Any]]


@dataclass
class Visit:
    """A browser at the site, and at the provider."""

    url: str
    op: OidcProvider
    browser: httpx.Client

    def log_in(self, login: str) -> None:
        """By the provider's button."""
        page = self.browser.get(f"{self.url}/auth/login?to=/personal")
        [form] = [form for form in forms(page.text) if "/provider/" in form.action]
        going = self.browser.post(f"{self.url}{form.action}", data=form.fields, headers={"Origin": self.url})
        address = going.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
        callback = self.op.log_in(address, login, self.browser)
        assert self.browser.get(callback).headers["Location"] == f"{self.url}/personal"

    @property
    def is_in(self) -> bool:
        """Whether somebody is logged in."""
        return self.browser.get(f"{self.url}/personal").status_code == 200

    def log_out(self) -> str:
        """Here first; returns where the provider ends its own session."""
        page = self.browser.get(f"{self.url}/auth/logout?to=/?bye=1")
        [form] = [form for form in forms(page.text) if form.action.endswith("/auth/logout")]
        going = self.browser.post(f"{self.url}{form.action}", data=form.fields, headers={"Origin": self.url})
        return going.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")


@pytest.fixture(name="served")
def _served(serve: Serve, own_oidc_op: OidcProvider) -> tuple[str, Any]:
    """The site, known to the provider with all its addresses."""

    def providers(url: str) -> dict[str, Any]:
        here = f"{url}/auth/provider/company"
        client = own_oidc_op.add_client(
            redirect_uris=[f"{here}/callback"],
            post_logout_redirect_uris=[f"{here}/logout"],
            backchannel_logout_uri=f"{here}/backchannel-logout",
            backchannel_logout_session_required=True,
            grant_types=["authorization_code", "refresh_token"],
        )
        return {
            "company": {
                "kind": "oidc",
                "issuer": own_oidc_op.issuer,
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "claims": {"username": "sub"},
                "roles": {"member": ["*"]},
                "recheck": "1h",
                "logout": {"frontchannel": True},
            }
        }

    return serve(providers)


@pytest.fixture(name="visit")
def _visit(served: tuple[str, Any], own_oidc_op: OidcProvider) -> Iterator[Callable[[], Visit]]:
    """Makes visits, each by a browser of its own."""
    browsers: list[httpx.Client] = []

    def visit() -> Visit:
        browsers.append(new_browser())
        return Visit(served[0], own_oidc_op, browsers[-1])

    yield visit
    for browser in browsers:
        browser.close()


@pytest.fixture(name="elsewhere")
def _elsewhere(served: tuple[str, Any]) -> Iterator[Auth]:
    """Another process on the same database."""
    database = Database(served[1].auth.settings.database.reveal())
    yield Auth(served[1].auth.settings, database)
    database.dispose()


@pytest.mark.sec("OIDC-44", "OIDC-47", "ASVS-7.6.1")
def test_the_provider_ends_the_session_here(
    served: tuple[str, Any], visit: Callable[[], Visit], elsewhere: Auth
) -> None:
    """Who logs out at the provider is out here, in all processes; the same person's other browser is not."""
    gone, stays = visit(), visit()
    gone.log_in("alice")
    stays.log_in("alice")
    token = gone.browser.cookies[served[1].cookies.session]
    assert elsewhere.sessions.lookup(token) is not None
    client_id = served[1].auth.settings.providers["company"].client_id
    back = urlencode({"client_id": client_id, "post_logout_redirect_uri": f"{gone.url}/auth/provider/company/logout"})
    gone.op.log_out(f"{gone.op.issuer}/session/end?{back}", gone.browser)

    assert not gone.is_in
    assert elsewhere.sessions.lookup(token) is None
    assert stays.is_in


@pytest.mark.sec("OIDC-44", "SESS-03")
def test_out_here_and_there_and_back(visit: Callable[[], Visit]) -> None:
    """The session here is over before the browser leaves; the provider sends it back to where the person wanted."""
    gone = visit()
    gone.log_in("alice")
    address = gone.log_out()
    assert not gone.is_in
    sent = parse_qs(urlsplit(address).query)
    assert sent["post_logout_redirect_uri"] == [f"{gone.url}/auth/provider/company/logout"]
    assert sent["id_token_hint"][0].count(".") == 2
    back = gone.op.log_out(address, gone.browser)

    assert back.startswith(f"{gone.url}/auth/provider/company/logout?state=")
    assert gone.browser.get(back).headers["Location"] == f"{gone.url}/?bye=1"


@pytest.mark.sec("OIDC-55", "OIDC-56")
def test_a_frame_on_the_providers_page(served: tuple[str, Any], visit: Callable[[], Visit], page: Page) -> None:
    """A browser loads what is for the provider's frame there, without a cookie, and the session is over."""
    gone, stays = visit(), visit()
    gone.log_in("alice")
    stays.log_in("alice")
    session = served[1].auth.sessions.lookup(gone.browser.cookies[served[1].cookies.session])
    with served[1].auth.database.read() as db:
        sid = db.get_one(UserSession, session.session_id).provider_session
    query = urlencode({"iss": gone.op.issuer, "sid": sid})
    frame = f'<iframe src="{gone.url}/auth/provider/company/frontchannel-logout?{query}"></iframe>'
    page.route(f"{gone.op.issuer}/frames", lambda route: route.fulfill(body=frame, content_type="text/html"))
    # The made-up page has no address; one of another network may not call this machine by itself.
    page.context.grant_permissions(["local-network-access"])
    with page.expect_response(lambda response: "frontchannel-logout" in response.url) as answer:
        page.goto(f"{gone.op.issuer}/frames")

    assert answer.value.status == 200
    assert page.frames[1].title() == "Logout"
    assert page.context.cookies() == []
    assert not gone.is_in
    assert stays.is_in


def make_due(auth: Auth) -> None:
    """An hour goes by for all sessions."""
    with auth.database.unit() as db:
        db.execute(update(UserSession).values(checked=utcnow() - timedelta(hours=1)))


@pytest.mark.sec("OIDC-40", "OIDCX-17", "OAUTH-23")
def test_the_provider_still_vouches(served: tuple[str, Any], visit: Callable[[], Visit]) -> None:
    """Asked after an hour with the refresh token, and after another with the one that came instead."""
    person = visit()
    person.log_in("alice")
    tokens = []
    for _ in range(2):
        make_due(served[1].auth)
        assert person.is_in
        with served[1].auth.database.read() as db:
            row = db.scalars(select(UserSession)).one()
            tokens.append(served[1].auth.rechecks.token_of(db, row.id))
            assert row.check_began is None
    assert all(tokens)


@pytest.mark.sec("OIDC-42")
def test_somebody_who_left_the_company(served: tuple[str, Any], visit: Callable[[], Visit]) -> None:
    """Whose account is gone at the provider is out here within the time that was set."""
    person = visit()
    person.log_in("alice")
    person.op.set_accounts([account for account in person.op.accounts if account.login != "alice"])
    assert person.is_in
    make_due(served[1].auth)

    assert not person.is_in
    with served[1].auth.database.read() as db:
        event = db.scalars(select(AuthEvent).order_by(AuthEvent.id.desc())).first()
        assert event is not None
        assert (event.type, event.code) == ("session_ended", "invalid_grant")


def test_a_provider_that_is_down_for_a_while(served: tuple[str, Any], visit: Callable[[], Visit]) -> None:
    """Nobody is thrown out by that alone, and the login page says that it can't be reached."""
    person = visit()
    person.log_in("alice")
    make_due(served[1].auth)
    person.op.stop()

    assert person.is_in
    with new_browser() as other:
        assert "reached at the moment" in other.get(f"{person.url}/auth/login").text
