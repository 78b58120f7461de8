"""Rights that the groups of an OpenID provider give: at a login in a browser, and by pasted claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from playwright.sync_api import Page

from onegov_auth import migrations
from onegov_auth.auth import Auth
from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.models import Bundle, UserGroup
from onegov_auth.testing.plugin import require_server
from onegov_auth.testing.servers import MockOidcProvider

GRANTS = {"bundles": {"Books": ["EDITORS"]}, "groups": {"Everybody": ["*"], "Finance": ["admins"]}}


@pytest.mark.slow
def test_claims_give_rights_at_a_login(serve: Callable[..., tuple[str, Any]], page: Page) -> None:
    """Who logs in at the provider has what the groups in the claims give, and no more."""
    op = require_server(MockOidcProvider)
    try:

        def providers(url: str) -> dict[str, Any]:
            below = f"{url}/auth/provider/company"
            op.allow_redirect(f"{below}/callback", after_logout=[f"{below}/logout"])
            block = {"kind": "oidc", "issuer": op.issuer, "client_id": op.client_id, "client_secret": op.client_secret}
            return {"company": {**block, "userinfo": "always", "roles": {"member": ["*"]}, "grants": GRANTS}}

        url, app = serve(providers)
        auth: Auth = app.auth
        with auth.database.unit() as db:
            db.add_all([Bundle(name="Books"), UserGroup(name="Everybody"), UserGroup(name="Finance")])
        page.goto(f"{url}/personal")
        page.click("text=company")
        page.wait_for_url(f"{op.issuer}/**")
        page.fill("input[name=sub]", op.account("bob").sub)
        page.click("button:has-text('Authorize')")
        page.wait_for_url(f"{url}/personal")

        with auth.database.read() as db:
            user = auth.users(db).query().filter_by(source="company").one()
            held = {str(one.right): (one.origin, one.rule) for one in auth.grants.of(db, user)}
        assert held == {"bundle Books": ("company", "EDITORS"), "group Everybody": ("company", "*")}
    finally:
        op.close()


def test_pasted_claims_show_the_rights(tmp_path: Path) -> None:
    """A check of pasted claims names the rights they would give, and those that aren't there."""
    block = {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "app", "client_secret": "x" * 40}
    url = f"sqlite:///{tmp_path}/auth.db"
    company = {**block, "roles": {"member": ["*"]}, "grants": GRANTS}
    settings = {
        "base_url": "https://app.example.org",
        "database": url,
        "secrets": ["a secret of 32 characters or more"],
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump({**settings, "providers": {"company": company}}))
    database = Database(url)
    migrations.upgrade(database.engine)
    with database.unit() as db:
        db.add_all([Bundle(name="Books"), UserGroup(name="Everybody")])
    database.dispose()
    claims = json.dumps({"sub": "1", "email": "ann@example.org", "groups": ["editors", "admins"]})
    arguments = ["--config", str(tmp_path / "auth.yml"), "check", "company", "--claims", "-"]
    lines = CliRunner().invoke(main, arguments, input=claims).stdout.splitlines()

    assert "! grants: there is no group Finance" in lines
    assert lines[-1] == "✔ grants: bundle Books (EDITORS), group Everybody (*)"
