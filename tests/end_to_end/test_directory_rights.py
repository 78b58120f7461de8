"""Rights that a real directory's groups give: at a login, in a sync, and what an operator sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from onegov_auth import migrations
from onegov_auth.auth import Auth
from onegov_auth.cli import main
from onegov_auth.domain import Client
from onegov_auth.models import Bundle, PermissionRow, UserGroup
from onegov_auth.outcomes import LoggedIn
from onegov_auth.settings import load_settings
from onegov_auth.testing.servers import Slapd

SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="config")
def _config(own_slapd: Slapd, database_url: str, tmp_path: Path) -> Path:
    """The settings: the editors of the directory read invoices, by full name; the staff are in Finance."""
    slapd = own_slapd
    editors = f"CN=Editors, {slapd.groups_base}"
    settings = {
        "base_url": "https://app.example.org",
        "database": database_url,
        "secrets": [SECRET],
        "mail": {"url": f"maildir:{tmp_path}/mail"},
        "providers": {
            "local": {"kind": "local"},
            "staff": {
                "kind": "ldap",
                "servers": [slapd.ldaps_url],
                "tls": {"ca_file": str(slapd.ca_file)},
                "bind": {"dn": slapd.service_dn, "password": slapd.service_password},
                "people": {"base": slapd.people_base},
                "groups": {"base": slapd.groups_base},
                "roles": {"member": ["*"]},
                "grants": {
                    "permissions": {"invoices.read": [editors]},
                    "bundles": {"Books": ["editors"], "Gone": ["editors"]},
                    "groups": {"Finance": ["staff"]},
                },
                "sync": {"max_drop": "100%"},
            },
        },
    }
    path = tmp_path / "auth.yml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(name="auth")
def _auth(config: Path) -> Iterator[Auth]:
    """The road, and what may be given."""
    auth = Auth.from_settings(load_settings(config))
    migrations.upgrade(auth.database.engine)
    with auth.database.unit() as db:
        read = PermissionRow(token="invoices.read")
        db.add_all([read, PermissionRow(token="books.write"), UserGroup(name="Finance")])
        db.add(Bundle(name="Books", permissions=[read]))
    yield auth
    auth.close()


@pytest.fixture(name="command")
def _command(config: Path, auth: Auth) -> Callable[..., Result]:
    """``command("sync", "staff")`` runs the command on these settings."""
    del auth

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(config), *arguments])

    return command


@pytest.fixture(name="rights")
def _rights(auth: Auth, client: Client) -> Callable[[], dict[str, Any]]:
    """``rights()`` is what Alice has by the directory after another login."""

    def rights() -> dict[str, Any]:
        outcome = auth.login("alice", "alice-sings-in-the-rain", client)
        assert isinstance(outcome, LoggedIn), outcome
        with auth.database.read() as db:
            user = db.get_one(auth.entities.user, outcome.user.id)
            return {str(one.right): one.rule for one in auth.grants.of(db, user) if one.origin == "staff"}

    return rights


@pytest.mark.slow
def test_rights_follow_the_directory(
    own_slapd: Slapd, rights: Callable[[], dict[str, Any]], command: Callable[..., Result], auth: Auth
) -> None:
    """They come and go with the directory's groups, at a login and in a sync; explain tells why they are there."""
    group = f"cn=editors,{own_slapd.groups_base}"
    own_slapd.modify(group, {"member": [own_slapd.dn("alice"), own_slapd.dn("bob")]})
    here = rights()
    assert set(here) == {"permission invoices.read", "bundle Books", "group Finance"}
    assert here["permission invoices.read"].lower().startswith("cn=editors,")

    told = command("explain", "alice@example.org", "--permission", "invoices.read").stdout
    assert "mapped by provider staff from its group" in told

    own_slapd.modify(group, {"member": [own_slapd.dn("bob")]})
    assert rights() == {"group Finance": "staff"}

    own_slapd.modify(group, {"member": [own_slapd.dn("alice")]})
    synced = command("sync", "staff")
    assert "~ alice@example.org: changed (+ bundle Books, + permission invoices.read)" in synced.stdout
    assert command("sync", "staff").stdout.splitlines()[-1].endswith("unchanged.")
    with auth.database.read() as db:
        user = auth.users(db).by_username("alice@example.org")
        assert user is not None
        assert auth.rights.tokens(user.id.hex, user.rights_stamp) == {"invoices.read"}


@pytest.mark.slow
def test_a_check_names_them(own_slapd: Slapd, command: Callable[..., Result]) -> None:
    """A check names what somebody would get and by which group, and what the settings give that isn't there."""
    own_slapd.modify(f"cn=editors,{own_slapd.groups_base}", {"member": [own_slapd.dn("alice")]})
    lines = command("check", "staff", "--login", "alice").stdout.splitlines()

    assert lines[0] == "! grants: there is no bundle Gone"
    assert lines[-1].startswith(
        "✔ grants: bundle Books (editors), group Finance (staff), permission invoices.read (cn="
    )
