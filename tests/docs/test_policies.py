"""What the documentation promises in numbers is what the code does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from onegov_auth import database, engines, sessions
from onegov_auth.errors import InsecurePasswordError
from onegov_auth.passwords import PasswordPolicy
from onegov_auth.providers.registry import installed
from onegov_auth.settings import settings_from
from onegov_auth.settings.model import Settings
from onegov_auth_ldap.settings import TimeoutSettings
from onegov_auth_oidc import network
from onegov_auth_oidc.http import TOTAL_SECONDS

CONCEPTS = Path(__file__).resolve().parents[2] / "docs" / "concepts"

UNITS = {"day": 86_400, "hour": 3_600, "minute": 60}


@pytest.fixture(name="row")
def _row() -> Callable[[str, str], str]:
    """Call it with a page and the beginning of a table's row: the rest of that row."""

    def row(page: str, beginning: str) -> str:
        lines = (CONCEPTS / page).read_text(encoding="utf-8").splitlines()
        (found,) = [line for line in lines if line.startswith(f"| {beginning} |")]
        return found.removeprefix(f"| {beginning} |")

    return row


@pytest.fixture(name="defaults")
def _defaults() -> Settings:
    """The settings of a file that says nothing but what it must."""
    secret = "qM6Zl3dpUS0fJ2yD8rHk1xWvTb7nEo4cAgYi5uLs9tRjKhPw"
    return settings_from({"base_url": "https://app.example.org", "database": "sqlite://", "secrets": [secret]})


def spoken(time: timedelta) -> str:
    """A time as the pages say it: ``1 hour``, ``30 days``."""
    seconds = int(time.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS.items() if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


@pytest.mark.sec("ASVS-6.1.1")
@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("login", " failures"),
        ("factor", " failures"),
        ("recovery", ""),
        ("signup", ""),
        ("token", ""),
        ("per_address", " failures"),
    ],
    ids=["login", "factor", "recovery", "signup", "token", "per_address"],
)
def test_rate_limits(row: Callable[[str, str], str], defaults: Settings, name: str, counted: str) -> None:
    """The page about rate limits has the defaults of the settings, and says failures where only those count."""
    limit = getattr(defaults.attempts, name)
    said = f"{limit.limit}{counted} within {spoken(limit.within)} lock for {spoken(limit.lockout)}"

    assert said == row("rate-limits.md", f"`attempts.{name}`").split("|")[0].strip()


@pytest.mark.sec("ASVS-6.1.1")
def test_failures_in_a_row(row: Callable[[str, str], str], defaults: Settings) -> None:
    """The page about rate limits says after how many failures in a row an account is disabled."""
    said = f"{defaults.attempts.in_a_row} failures without a success in between"

    assert said == row("rate-limits.md", "`attempts.in_a_row`").split("|")[0].strip()


@pytest.mark.sec("ASVS-6.1.3", "ASVS-6.3.4")
def test_every_way_in_has_its_row(row: Callable[[str, str], str]) -> None:
    """Every installed kind of provider is in the table of ways in, with its strength."""
    for kind in installed():
        assert "factor" in row("ways-in.md", "local password" if kind == "local" else f"`{kind}`")


@pytest.mark.sec("ASVS-7.1.1")
@pytest.mark.parametrize("name", ["idle", "lifetime", "remember"])
def test_session_times(row: Callable[[str, str], str], defaults: Settings, name: str) -> None:
    """The page about sessions has the defaults of the settings, each with its reason."""
    _, default, reason, _ = f"|{row('sessions.md', f'`sessions.{name}`')}".split("|")

    assert default.strip() == spoken(getattr(defaults.sessions, name))
    assert len(reason.split()) > 5


@pytest.mark.sec("ASVS-7.1.2")
def test_parallel_sessions(defaults: Settings) -> None:
    """The page about sessions says how many there may be, and what happens at the limit."""
    text = (CONCEPTS / "sessions.md").read_text(encoding="utf-8")

    assert f"`sessions.max_per_user` is {defaults.sessions.max_per_user}" in text
    assert "ends the session that was unused the longest" in text


@pytest.mark.sec("ASVS-7.1.3")
def test_federated_sessions() -> None:
    """The page about sessions says how those here and at a provider belong together."""
    text = (CONCEPTS / "sessions.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Sessions here and at the provider")

    assert len(section.split()) > 50
    assert "`logout.rp_initiated`" in section


@pytest.mark.sec("ASVS-13.1.3", "ASVS-13.2.6")
def test_timeouts(row: Callable[[str, str], str]) -> None:
    """The page about timeouts has the numbers of the code."""
    assert f" {engines.BUSY_TIMEOUT // 1000} s " in row("timeouts.md", "SQLite, another writer")
    assert f" {database.TRIES} tries " in row("timeouts.md", "a lost race")
    for name, beginning in {"connect": "connecting", "operation": "one answer", "login": "all of it"}.items():
        seconds = getattr(TimeoutSettings(), name).total_seconds()
        assert f"{seconds:.0f} s " in row("timeouts.md", f"directory: {beginning}")
    provider = {"connecting": network.CONNECT_SECONDS, "reading": network.READ_SECONDS, "one exchange": TOTAL_SECONDS}
    for beginning, seconds in provider.items():
        assert f"{seconds:.0f} s " in row("timeouts.md", f"OpenID provider: {beginning}")


def test_last_seen() -> None:
    """The page about sessions says how often the time of last use is written."""
    assert sessions.TOUCH == 60
    assert "at most once a minute" in " ".join((CONCEPTS / "sessions.md").read_text(encoding="utf-8").split())


@pytest.mark.sec("ASVS-6.1.2")
def test_words_of_the_context() -> None:
    """The page about passwords says which words a password must not be made of: those that the policy compares with."""
    page = (CONCEPTS.parent / "how-to" / "password-policy.md").read_text(encoding="utf-8")
    policy = PasswordPolicy(words=("Town of Govikon",))

    assert "the username, the e-mail address or the name of the site" in page
    for clear in ("somebody.with.a.name", "somebody@govikon.example", "town of govikon 1"):
        with pytest.raises(InsecurePasswordError):
            policy.check(clear, "somebody.with.a.name", also=("somebody@govikon.example",))
