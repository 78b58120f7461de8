from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.models import OutboxMessage, User

KEY, OTHER = "ccccccbcgujh", "ccccccbcgujd"
PASSWORD = KEY + "ingjrdejhgfnuetrgigvejhhgbkugded"
NUMBER = "+41791234567"


@pytest.fixture(name="factors")
def _factors(database: Database) -> Callable[[str], list[tuple[str, Any]]]:
    """Type and value of somebody's factors."""

    def factors(username: str) -> list[tuple[str, Any]]:
        with database.read() as db:
            user = db.scalars(select(User).where(User.username == username)).one()
            return sorted((factor.type, factor.value) for factor in user.factors)

    return factors


@pytest.fixture(name="give")
def _give(database: Database, add_user: Callable[..., User]) -> Callable[..., User]:
    """``give("ann", yubikey=…)`` adds a user with that YubiKey."""

    def give(username: str, yubikey: str) -> User:
        user = add_user(username)
        with database.unit() as db:
            db.get_one(User, user.id).yubikey = yubikey
        return user

    return give


@pytest.mark.parametrize("typed", [KEY, PASSWORD])
def test_a_yubikey_is_given(run: Any, add_user: Any, open_session: Any, factors: Any, told: Any, typed: str) -> None:
    """By its public id or a touch; whoever was logged in is out, and it is written down."""
    open_session(add_user("ann"))

    result = run("change-yubikey", "ann", "--yubikey", typed)

    assert (result.exit_code, result.stdout) == (0, "ann has another YubiKey now; sessions ended: 1.\n")
    assert factors("ann") == [("yubikey", KEY)]
    assert told() == [("factor_added", "ann", [["factor", "yubikey"], ["sessions", "1"]])]


def test_a_yubikey_is_changed_and_taken_away(answer: Any, give: Any, factors: Any, told: Any) -> None:
    """Another one takes its place; an empty text takes it away."""
    give("ann", KEY)

    assert answer("change-yubikey", "ann", "--yubikey", OTHER)["yubikey"] is True
    assert factors("ann") == [("yubikey", OTHER)]
    assert answer("change-yubikey", "ann", "--yubikey", "")["yubikey"] is False
    assert factors("ann") == []
    assert [type_ for type_, *_ in told()] == ["factor_changed", "factor_removed"]


@pytest.mark.sec("YUBI-05")
def test_a_yubikey_is_one_persons(run: Any, add_user: Any, give: Any, factors: Any) -> None:
    """One that belongs to somebody else, even to somebody inactive, is refused, and so is what none types."""
    give("bob", KEY)
    add_user("ann")

    taken = run("change-yubikey", "ann", "--yubikey", KEY)
    none = run("change-yubikey", "ann", "--yubikey", "hello")

    assert (taken.exit_code, taken.stderr) == (4, "Error: That YubiKey is the one of bob already.\n")
    assert (none.exit_code, none.stderr.startswith("Error: That is no YubiKey: ")) == (4, True)
    assert factors("ann") == []


def test_an_added_user_gets_nobody_elses_yubikey(run: Any, give: Any, find: Any) -> None:
    """A new user with a YubiKey that is taken is not added."""
    give("bob", KEY)

    result = run("add", "member", "ann", "--no-prompt", "--yubikey", PASSWORD)

    assert result.exit_code == 4
    assert find("ann") is None


@pytest.mark.usefixtures("terminal")
def test_what_is_not_said_is_asked_for(run: Any, give: Any, factors: Any) -> None:
    """On a terminal the YubiKey is touched; leaving it empty takes it away."""
    give("ann", KEY)

    assert run("change-yubikey", "ann", typed=f"{OTHER}\n").exit_code == 0
    assert factors("ann") == [("yubikey", OTHER)]
    assert run("change-yubikey", "ann", typed="\n").exit_code == 0
    assert factors("ann") == []


@pytest.mark.parametrize("command", ["change-yubikey", "change-mtan"])
def test_where_nobody_can_be_asked_the_option_is_needed(run: Any, add_user: Any, command: str) -> None:
    """A script that forgets it is told so, and nothing is taken away."""
    add_user("ann")

    result = run(command, "ann")

    assert result.exit_code == 2
    assert "There is no terminal to ask on" in result.stderr


@pytest.mark.parametrize("command", [("change-yubikey", "--yubikey"), ("change-mtan", "--phone-number")])
def test_somebody_who_is_not_there(run: Any, command: tuple[str, str]) -> None:
    """An unknown user is said before anything is looked at."""
    assert run(command[0], "ann", command[1], "x").exit_code == 1


@pytest.mark.sec("ASVS-6.5.6")
def test_a_number_is_given_changed_and_taken_away(run: Any, answer: Any, add_user: Any, factors: Any) -> None:
    """It is stored in the form of E.164, whatever it is typed like; YubiKeys stay."""
    add_user("ann")
    run("change-yubikey", "ann", "--yubikey", KEY)

    assert answer("change-mtan", "ann", "--phone-number", "079 123 45 67")["number"] == NUMBER
    assert factors("ann") == [("mtan", NUMBER), ("yubikey", KEY)]
    assert answer("change-mtan", "ann", "--phone-number", "+4915123456789")["number"] == "+4915123456789"
    assert factors("ann") == [("mtan", "+4915123456789"), ("yubikey", KEY)]
    assert answer("change-mtan", "ann", "--phone-number", "")["number"] is None
    assert factors("ann") == [("yubikey", KEY)]


@pytest.mark.sec("SMS-04")
@pytest.mark.parametrize("typed", ["hello", "+12015550123", "0900 123 456"])
def test_what_is_no_mobile_number_is_refused(run: Any, add_user: Any, factors: Any, typed: str) -> None:
    """Other countries' numbers and those that earn from messages are not stored."""
    add_user("ann")

    result = run("change-mtan", "ann", "--phone-number", typed)

    assert result.exit_code == 4
    assert "is no mobile number of CH, AT, DE, FR, IT, LI" in result.stderr
    assert factors("ann") == []


def test_a_yubikey_is_handed_over(
    run: Any, give: Any, add_user: Any, open_session: Any, factors: Any, told: Any
) -> None:
    """It is the other one's now, both are logged out, and both are written down; other factors stay."""
    open_session(give("ann", KEY))
    run("change-mtan", "ann", "--phone-number", NUMBER)
    open_session(add_user("bob"))

    result = run("transfer-yubikey", "ann", "bob")

    assert result.stdout == "The YubiKey of ann is the one of bob now; sessions ended: 1.\n"
    assert (factors("ann"), factors("bob")) == ([("mtan", NUMBER)], [("yubikey", KEY)])
    assert [(type_, who) for type_, who, _ in told()][1:] == [("factor_removed", "ann"), ("factor_added", "bob")]


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("bob", "ann", "bob has no YubiKey."),
        ("ann", "eve", "eve has a YubiKey already."),
        ("ann", "ann", "SOURCE and TARGET are the same user."),
    ],
)
def test_what_can_not_be_handed_over(
    run: Any, give: Any, add_user: Any, factors: Any, source: str, target: str, sentence: str
) -> None:
    """Nothing to give, a target that has one, and oneself are refused, and nothing changes."""
    give("ann", KEY)
    give("eve", OTHER)
    add_user("bob")

    result = run("transfer-yubikey", source, target)

    assert (result.exit_code, result.stderr) == (4, f"Error: {sentence}\n")
    assert (factors("ann"), factors("eve"), factors("bob")) == ([("yubikey", KEY)], [("yubikey", OTHER)], [])


@pytest.mark.sec("WAN-16", "SMS-02", "NIST-41")
def test_the_person_is_told_by_mail(run: Any, add_user: Any, database: Database, tmp_path: Path, factors: Any) -> None:
    """With the settings at hand, a mail to the person's address goes into the outbox with the change."""
    add_user("ann", email="ann@example.org", email_verified=True)
    config = tmp_path / "auth.yml"
    settings = {
        "base_url": "https://app.example.org",
        "database": database.engine.url.render_as_string(hide_password=False),
        "secrets": ["a secret for tests only, of more than 32 characters"],
    }
    config.write_text(yaml.safe_dump(settings))

    assert run("--config", str(config), "change-yubikey", "ann", "--yubikey", KEY).exit_code == 0

    assert factors("ann") == [("yubikey", KEY)]
    with database.read() as db:
        assert db.scalars(select(OutboxMessage.kind)).all() == ["factor_changed"]
