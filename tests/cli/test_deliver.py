from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml

from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.settings import load_settings
from onegov_auth.testing.servers import Smtp

Deliver = Callable[..., click.testing.Result]


@pytest.fixture(name="config")
def _config(database: Database, tmp_path: Path, smtp: Smtp) -> Path:
    """A settings file with this test's database and mail server."""
    settings = {
        "base_url": "https://app.example.org",
        "database": database.engine.url.render_as_string(hide_password=False),
        "secrets": ["a secret for tests only, of more than 32 characters"],
        "mail": {"url": smtp.url, "sender": "Example <auth@example.org>"},
    }
    path = tmp_path / "auth.yml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


@pytest.fixture(name="deliver")
def _deliver(config: Path) -> Deliver:
    def deliver(*options: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(main, ["--config", str(config), *options, "deliver"])

    return deliver


@pytest.fixture(name="queue")
def _queue(config: Path, database: Database) -> Callable[..., None]:
    def queue(*names: str) -> None:
        settings = load_settings(config)
        mailer = Mailer(settings, database, Keys(settings.secrets, settings.application))
        with database.unit() as db:
            for name in names:
                mailer.queue(db, "reset", f"{name}@example.org", {"url": "https://app.example.org/x"})

    return queue


def test_what_waits_is_sent(deliver: Deliver, queue: Callable[..., None], smtp: Smtp) -> None:
    """What was left by a server that ended is sent."""
    queue("ann", "later")
    result = deliver()

    assert (result.exit_code, result.stdout) == (0, "Sent: 1. Given up: 0. Still waiting: 1.\n")
    assert [message["To"] for message in smtp.messages] == ["ann@example.org"]


def test_what_is_given_up(deliver: Deliver, queue: Callable[..., None]) -> None:
    """Who runs it from cron learns by the exit code that something is given up."""
    queue("nobody")
    result = deliver("--json")

    assert result.exit_code == 4
    assert json.loads(result.stdout) == {"sent": 0, "failed": 1, "waiting": 0}


def test_settings_are_needed(database: Database) -> None:
    """A database alone says nothing of a mail server."""
    url = database.engine.url.render_as_string(hide_password=False)
    result = click.testing.CliRunner().invoke(main, ["--dsn", url, "deliver"])

    assert result.exit_code == 3
    assert "This needs the settings" in result.stderr


def test_templates_of_the_application(
    deliver: Deliver, queue: Callable[..., None], smtp: Smtp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``--app``, the application's own templates are used."""
    (tmp_path / "templates" / "mail").mkdir(parents=True)
    (tmp_path / "templates" / "mail" / "reset.jinja2").write_text("{% block subject %}Ours{% endblock %}")
    module = tmp_path / "with_mails.py"
    module.write_text("from onegov_auth import AuthApp\n\nclass App(AuthApp):\n    mail_templates = ['templates']\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    queue("ann")
    result: Any = deliver("--app", "with_mails:App")

    assert result.exit_code == 0, result.output
    assert smtp.messages[0]["Subject"] == "Ours"
