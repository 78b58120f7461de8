from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from onegov_auth.accounts import Hooks
from onegov_auth.cli.failures import Failure
from onegov_auth.cli.operator import Operator, Work, find_user, operating_system_user, settings_for_dsn
from onegov_auth.cli.options import Options
from onegov_auth.database import Database
from onegov_auth.domain import Step
from onegov_auth.errors import SettingsError
from onegov_auth.models import AuthEvent, User

SECRET = "a secret for tests only, of more than 32 characters"


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    """A settings file with two tenants."""
    path = tmp_path / "auth.yml"
    settings = {
        "application": "example/app",
        "base_url": "https://app.example.org",
        "database": f"sqlite:///{tmp_path / 'app.db'}",
        "secrets": [SECRET],
        "roles": {"admin": ["Public", "Personal", "Private", "Secret"], "anonymous": ["Public"]},
        "registration": {"role": "admin"},
        "change_username_roles": ["admin"],
        "tenants": {"example/other": {"database": f"sqlite:///{tmp_path / 'other.db'}"}},
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def test_settings_from_a_file(config: Path) -> None:
    """The settings come from the file that is named, for the tenant that is named."""
    named = Operator(Options(config=str(config))).settings
    other = Operator(Options(config=str(config), application="example/other")).settings

    assert (named.application, list(named.roles)) == ("example/app", ["admin", "anonymous"])
    assert (other.application, other.database.reveal()[-8:]) == ("example/other", "other.db")


def test_settings_from_the_working_directory(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, auth.yml of the working directory is read."""
    monkeypatch.chdir(config.parent)

    assert Operator(Options()).settings.application == "example/app"


def test_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is nothing to read, the sentence says what to name."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Failure, match=r"^There is no auth\.yml here: name the settings .* or a database") as raised:
        _ = Operator(Options()).settings

    assert raised.value.exit_code == 3


def test_database_alone(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a database and no file, the defaults hold, even where an auth.yml lies around."""
    monkeypatch.chdir(config.parent)

    settings = Operator(Options(dsn=f"sqlite:///{tmp_path}/x.db")).settings

    assert (settings.application, settings.database.reveal()) == ("main/app", f"sqlite:///{tmp_path}/x.db")
    assert "editor" in settings.roles


def test_database_in_place_of_the_files(config: Path) -> None:
    """A database and a schema that are named replace those in the file."""
    operator = Operator(Options(config=str(config), dsn="postgresql://localhost/x", schema="other"))

    assert operator.settings.database.reveal() == "postgresql://localhost/x"
    assert (operator.settings.schema_name, operator.settings.application) == ("other", "example/app")


@pytest.mark.parametrize("file", [True, False])
def test_database_of_another_kind(config: Path, *, file: bool) -> None:
    """A database that isn't supported is refused however it is named."""
    operator = Operator(Options(config=str(config) if file else None, dsn="mysql://x/y"))

    with pytest.raises(SettingsError, match="database: only SQLite and PostgreSQL are supported"):
        _ = operator.settings


def test_configured_needs_a_file() -> None:
    """A command that needs secrets is refused with a database alone."""
    with pytest.raises(Failure, match="needs the settings"):
        Operator(Options(dsn="sqlite://")).configured()


def test_configured(config: Path) -> None:
    """With a file it is given the settings."""
    assert Operator(Options(config=str(config))).configured().application == "example/app"


def test_missing_database_is_not_made(config: Path) -> None:
    """A slip of the pen in the database's name doesn't make an empty one."""
    with pytest.raises(Failure, match=r"There is no database .*app\.db: make it with onegov-auth db upgrade") as raised:
        _ = Operator(Options(config=str(config))).database

    assert raised.value.exit_code == 5
    assert not (config.parent / "app.db").exists()


def test_dsn_is_taken_as_it_is() -> None:
    """A password with a dollar sign is no variable."""
    settings = settings_for_dsn("postgresql://a:${X}@localhost/x", "tenant")

    assert (settings.database.reveal(), settings.schema_name) == ("postgresql://a:${X}@localhost/x", "tenant")


def test_impossible_schema() -> None:
    """A schema that can't be one is refused."""
    with pytest.raises(SettingsError, match="schema"):
        settings_for_dsn("postgresql://localhost/x", 'a"b')


def operator_for(database: Database) -> Operator:
    return Operator(Options(dsn=database.engine.url.render_as_string(hide_password=False)))


def test_find_user(database: Database, add_user: Any) -> None:
    """A user is found by any spelling of the name; nobody else is."""
    add_user("ann")

    with database.read() as db:
        assert find_user(db, "ANN").username == "ann"
        with pytest.raises(Failure, match=r"^There is no user b\\x07b\.$"):
            find_user(db, "b\x07b")


def test_demand(database: Database, add_user: Any) -> None:
    """Somebody can be demanded before anything is asked for."""
    add_user("ann")
    operator = operator_for(database)

    operator.demand("ann")
    with pytest.raises(Failure, match="There is no user bob"):
        operator.demand("bob")
    operator.close()


def test_change_writes_its_events(database: Database, add_user: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What is done and what is told of it are one: row and log line, with who did it."""
    caplog.set_level("INFO", "onegov_auth.events")
    ann = add_user("ann")
    operator = operator_for(database)

    def work(unit: Work) -> str:
        unit.tell("tested", unit.user("ann"), Step("what", "this"))
        unit.tell("tested_all")
        return "done"

    assert operator.change(work) == "done"
    operator.close()

    with database.read() as db:
        one, everybody = db.scalars(select(AuthEvent).order_by(AuthEvent.id)).all()
    assert (one.type, one.user_id, one.username, one.code, one.address) == ("tested", ann.id, "ann", "ok", "cli")
    assert one.user_agent == operating_system_user().user_agent
    assert (everybody.user_id, everybody.username) == (None, None)
    assert [record.message.count('"tested"') for record in caplog.records] == [1, 0]


def test_failed_change_changes_nothing(database: Database, add_user: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What fails half-way is undone, and not told of."""
    caplog.set_level("INFO", "onegov_auth.events")
    add_user("ann")
    operator = operator_for(database)

    def work(unit: Work) -> None:
        unit.user("ann").role = "admin"
        unit.tell("tested")
        raise Failure("No.")

    with pytest.raises(Failure, match="No"):
        operator.change(work)
    operator.close()

    with database.read() as db:
        assert db.scalars(select(User.role)).all() == ["member"]
        assert db.scalars(select(AuthEvent)).all() == []
    assert caplog.records == []


def test_hooks_without_an_application() -> None:
    """Without ``--app`` nobody is told anything."""
    assert Operator(Options()).hooks == Hooks()


def test_operating_system_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs as a number without a name is that number."""

    def fail() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", fail)

    assert operating_system_user().user_agent == str(os.getuid())
