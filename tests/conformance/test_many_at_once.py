"""One code and one state, a hundred times at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from onegov_auth import migrations
from onegov_auth.database import Database
from onegov_auth.models import UserSession
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider

MANY = 100


@pytest.fixture(name="site_url", params=["sqlite", "postgresql"])
def _site_url(request: pytest.FixtureRequest) -> str:
    """The same on both databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    database = Database(url)
    migrations.upgrade(database.engine)
    database.dispose()
    return url


@pytest.fixture(name="storm")
def _storm(site: Any, visitor: Any) -> Callable[[str], list[httpx.Response]]:
    """The same browser asks for one address, by a hundred threads that begin together."""
    together = threading.Barrier(MANY)

    def storm(url: str) -> list[httpx.Response]:
        cookies = {cookie.name: cookie.value or "" for cookie in visitor.browser.cookies.jar}

        def ask() -> httpx.Response:
            with httpx.Client(transport=httpx.WSGITransport(app=site.app), cookies=cookies, trust_env=False) as client:
                together.wait()
                return client.get(url, headers={"Sec-Fetch-Dest": "document"})

        with ThreadPoolExecutor(MANY) as pool:
            return [future.result() for future in [pool.submit(ask) for _ in range(MANY)]]

    return storm


@pytest.mark.sec("OIDCX-32", "OAUTH-14", "RACE-08")
def test_one_of_a_hundred_callbacks(
    op: HostileOidcProvider,
    serve: Callable[..., None],
    site: Any,
    visitor: Any,
    storm: Callable[[str], list[httpx.Response]],
) -> None:
    """Exactly one is a login: the code is sent once, one session is opened, and all others are refused."""
    serve(userinfo="always")
    callback = visitor.get(visitor.leave()).headers["location"]
    answers = storm(callback)
    with site.database.read() as db:
        sessions = db.query(UserSession).count()

    assert sorted(answer.status_code for answer in answers) == [303] + [400] * (MANY - 1)
    assert sessions == 1
    assert [op.paths().count(path) for path in ("/token", "/userinfo")] == [1, 1]
    assert site.codes().count("ok") == 1
