"""Authenticator apps and recovery codes that an operator gives and takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.models import OutboxMessage, User
from onegov_auth.settings import Secret

SECRETS = ["a secret of tests, long enough for everything here"]
APP = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(name="configured")
def _configured(run: Any, tmp_path: Path, database: Database) -> Callable[..., Any]:
    """Calls a command with settings, and returns what it said as JSON."""
    path = tmp_path / "auth.yml"
    mapping = {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": SECRETS}
    path.write_text(yaml.safe_dump({**mapping, "second_factors": {"totp": {"issuer": "A & B"}}}))

    def configured(*arguments: str) -> Any:
        result = run("--config", str(path), *arguments, "--json")
        return json.loads(result.stdout) if result.exit_code == 0 else (result.exit_code, result.output)

    return configured


@pytest.fixture(name="factors")
def _factors(database: Database) -> Callable[[], list[tuple[str, str | None]]]:
    """Type and secret of ann's factors."""

    def factors() -> list[tuple[str, str | None]]:
        keyed = Database(database.engine.url, database.schema, keys=Keys([Secret(SECRETS[0])], "main/app"))
        with keyed.read() as db:
            user = db.scalars(select(User).where(User.username == "ann@example.org")).one()
            found = sorted((factor.type, factor.clear_secret) for factor in user.factors)
        keyed.dispose()
        return found

    return factors


@pytest.fixture(autouse=True)
def _ann(add_user: Callable[..., User], open_session: Callable[..., str]) -> None:
    open_session(add_user("ann@example.org"))


def test_a_secret_is_made(configured: Any, factors: Any, told: Any, database: Database) -> None:
    """It has 160 bits, is printed once with what apps scan, ends the sessions and is told by mail."""
    said = configured("change-totp", "ann@example.org", "--generate")

    assert len(base64.b32decode(said["secret"])) == 20
    assert said["uri"] == (f"otpauth://totp/A%20%26%20B:ann@example.org?secret={said['secret']}&issuer=A%20%26%20B")
    assert said["sessions"] == 1
    assert factors() == [("totp", said["secret"])]
    assert told() == [("factor_added", "ann@example.org", [["factor", "totp"], ["sessions", "1"]])]
    with database.read() as db:
        assert list(db.scalars(select(OutboxMessage.kind))) == ["factor_changed"]


@pytest.mark.sec("ASVS-6.5.6", "NIST-48")
def test_a_secret_is_given_and_taken_away(configured: Any, factors: Any, told: Any) -> None:
    """As people type it; an empty one takes the app away."""
    assert "secret" not in configured(
        "change-totp", "ann@example.org", "--secret", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"
    )
    assert factors() == [("totp", APP)]
    assert configured("change-totp", "ann@example.org", "--secret", "")["totp"] is False
    assert factors() == []
    assert [type_ for type_, *_ in told()] == ["factor_added", "factor_removed"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "--secret or --generate"),
        (["--generate", "--secret", APP], "--secret or --generate"),
        (["--secret", "0189"], "not Base32"),
        (["--secret", "GEZDGNBV"], "too short"),
    ],
)
def test_what_is_refused(configured: Any, factors: Any, arguments: list[str], expected: str) -> None:
    """Neither or both options, what is no Base32, and less than 128 bits."""
    code, output = configured("change-totp", "ann@example.org", *arguments)

    assert code == 2
    assert expected in output
    assert factors() == []


def test_new_recovery_codes(configured: Any, factors: Any, told: Any) -> None:
    """Ten are printed once, and void the old ones; somebody without a factor gets none."""
    code, output = configured("recovery-codes", "ann@example.org")
    assert "could stand in for" in output
    assert code == 4
    configured("change-totp", "ann@example.org", "--secret", APP)
    first = configured("recovery-codes", "ann@example.org")["codes"]
    second = configured("recovery-codes", "ann@example.org")["codes"]

    assert (len(first), len(second), set(first) & set(second)) == (10, 10, set())
    assert [type_ for type_, _ in factors()] == ["recovery_codes", "totp"]
    assert [type_ for type_, *_ in told()] == ["factor_added", "factor_added", "factor_changed"]


def test_without_settings(run: Any) -> None:
    """A secret is not encrypted with a key that nobody keeps."""
    result = run("change-totp", "ann@example.org", "--generate")

    assert result.exit_code != 0
    assert "--config" in result.output
