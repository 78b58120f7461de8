"""The samples of API tokens and of API clients work."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import httpx
import pytest

from onegov_auth.models import PermissionRow, User

PASSWORD = "correct horse battery staple"


@pytest.fixture(name="application")
def _application(examples: Path, place: Path) -> Any:
    """The sample, with access tokens, for somebody who may read invoices."""
    with (place / "auth.yml").open("a") as settings:
        settings.write("\ntokens: {jwt: {enabled: true}}\n")
    application = runpy.run_path(str(examples / "invoices_api.py"))["application"]
    with application.auth.database.unit() as db:
        user = db.query(User).one()
        row = PermissionRow.get_by_token(db, "invoices.read") or PermissionRow(token="invoices.read")
        user.permissions.append(row)
    return application


@pytest.fixture(name="site")
def _site(application: Any) -> httpx.Client:
    return httpx.Client(transport=httpx.WSGITransport(app=application), base_url="http://localhost:8080")


def test_api_token(application: Any, site: httpx.Client) -> None:
    """A token for invoices reads invoices."""
    auth = application.auth
    with auth.database.unit() as db:
        user = db.query(User).one()
        token, _ = auth.api_tokens.create(db, user.id, "Backup", scope=["invoices.read"])

    assert site.get("/invoices").status_code == 303
    answer = site.get("/invoices", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"invoices": [1, 2], "for": "ann@example.org"}


def test_methods_of_a_user(application: Any) -> None:
    """The lines of the page do what they say."""
    with application.auth.database.unit() as db:
        user = db.query(User).one()
        token = user.reset_auth_token()
        assert user.verify_token(token)
        assert User.get_user_for_api_token(db, user.generate_api_token(token)) is user
        assert User.get_by_token(db, token) is user


def test_client(examples: Path, site: httpx.Client) -> None:
    """The client logs in, gets the next token when one is no good any more, and logs out."""
    client = runpy.run_path(str(examples / "token_client.py"))["Client"](site, "ann@example.org", PASSWORD)
    assert client.get("/invoices").json()["for"] == "ann@example.org"

    client.access = "expired"
    assert client.get("/invoices").status_code == 200
    assert client.access != "expired"
    client.log_out()
    assert client.ask("/invoices").status_code == 401
