"""The samples about mails, languages and passwords do what their pages say."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from onegov_auth.errors import InsecurePasswordError
from onegov_auth.mail.messages import KINDS, Letter, Messages
from onegov_auth.settings import Settings, settings_from

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    """The samples of a page in a language."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="settings")
def _settings() -> Callable[[str], Settings]:
    def settings(block: str) -> Settings:
        raw = {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": ["0123456789abcdef" * 3]}
        return settings_from({**raw, **yaml.safe_load(block.replace("${MAIL_PASSWORD}", "secret"))})

    return settings


@pytest.mark.parametrize("page", ["mail.md", "password-policy.md"])
def test_settings(page: str, settings: Callable[[str], Settings]) -> None:
    """The settings on the pages are good ones."""
    assert [settings(block) for block in blocks(page, "yaml")]


@pytest.mark.parametrize(
    "url",
    re.findall(r"^\| `((?:smtps?|console|maildir):[^`]*)`", (HOW_TO / "mail.md").read_text("utf-8"), re.MULTILINE),
)
def test_addresses_of_mail_servers(url: str, settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """Every address in the table is one that the settings take."""
    authority = tmp_path / "own.pem"
    authority.write_text("")
    url = url.replace("/etc/ssl/own.pem", str(authority))

    assert settings(f"mail: {{url: '{url}'}}").mail.url.reveal() == url


def test_every_mail_is_listed() -> None:
    """The page has a line for each kind of mail, and for no other."""
    rows = re.findall(r"^\| `([a-z_]+)` \|", (HOW_TO / "mail.md").read_text("utf-8"), re.MULTILINE)

    assert set(rows) == set(KINDS)


def test_own_mails() -> None:
    """The template of the page makes a mail in both forms."""
    app = runpy.run_path(str(ROOT / "docs" / "examples" / "own_mails" / "app.py"))["App"]
    messages = Messages("Example", "https://app.example.org", "auth@example.org", app.mail_templates)
    values = {"url": "https://app.example.org/auth/activate", "until": datetime(2026, 1, 2, tzinfo=UTC)}
    message = messages.make(Letter("activate", "ann@example.org", "de", values), UUID(int=1), datetime.now(UTC))
    bodies = [str(part.get_content()) for part in message.iter_parts()]

    assert message["Subject"] == "Welcome to Example"
    assert ["Works until" in body for body in bodies] == [True, True]


def test_own_policy(settings: Callable[[str], Settings]) -> None:
    """The policy of the page has its own check, and not the one it leaves out."""
    app = runpy.run_path(str(ROOT / "docs" / "examples" / "own_policy.py"))["App"]
    policy = app.password_policy.from_settings(settings("title: Example"))

    policy.check("somebody@example.org", "somebody@example.org")
    with pytest.raises(InsecurePasswordError, match="without our slogan"):
        policy.check("Alles klar, Herr Kommissar")


def test_languages() -> None:
    """The sample runs as it stands."""
    (sample,) = blocks("languages.md", "python")

    exec(compile(sample, "languages.md", "exec"), {})
