from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from onegov_auth.cli import main
from onegov_auth.database import Database
from onegov_auth.models import User

PASSWORD = "a password of some length"


def test_add(run: Callable[..., Any], find: Callable[[str], User], told: Callable[[], Any]) -> None:
    """A user is added with role, password, real name and phone number."""
    result = run(
        "add", "admin", "Ann@Example.org", "--password", PASSWORD, "--realname", "Ann", "--phone-number", "+41791234567"
    )

    assert (result.exit_code, result.stdout) == (0, "Ann@Example.org was added as admin.\n")
    user = find("ann@example.org")
    assert (user.role, user.realname, user.active, user.role_origin) == ("admin", "Ann", True, None)
    assert told() == [("added", "ann@example.org", [["role", "admin"]])]


def test_added_password_works(run: Callable[..., Any], database: Any) -> None:
    """The password that was given is the one that was hashed, and the phone number is kept."""
    run("add", "admin", "ann", "--password", PASSWORD, "--phone-number", "+41791234567")

    with database.read() as db:
        user = db.query(User).one()
        assert user.is_matching_password(PASSWORD)
        assert user.phone_number == "+41791234567"


def test_superuser(run: Callable[..., Any], find: Callable[[str], User], told: Callable[[], Any]) -> None:
    """One has every permission, which the event tells; anybody else is none."""
    run("add", "member", "root", "--password", PASSWORD, "--superuser")
    run("add", "member", "ann", "--password", PASSWORD)

    assert (find("root").is_superuser, find("ann").is_superuser) == (True, False)
    assert told()[0] == ("added", "root", [["role", "member"], ["superuser", "yes"]])


def test_password_from_stdin(run: Callable[..., Any], find: Callable[[str], User]) -> None:
    """A hyphen reads the password from stdin, where nobody else sees it."""
    result = run("add", "member", "ann", "--password", "-", typed=f"{PASSWORD}\n")

    assert (result.exit_code, result.stdout) == (0, "ann was added as member.\n")
    assert find("ann").is_matching_password(PASSWORD)


@pytest.mark.usefixtures("terminal")
def test_password_is_asked_for(run: Callable[..., Any], find: Callable[[str], User]) -> None:
    """Without an option the password is asked for twice, and never shown."""
    result = run("add", "member", "ann", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    assert find("ann").is_matching_password(PASSWORD)


def test_password_is_made_up(run: Callable[..., Any], find: Callable[[str], User]) -> None:
    """Without a password one is made up, and printed this once."""
    result = run("add", "member", "ann", "--no-prompt")

    match = re.fullmatch(r"ann was added as member\. The password is (\w{16})\n", result.stdout)
    assert match is not None
    assert find("ann").is_matching_password(match[1])


@pytest.mark.usefixtures("terminal")
def test_nothing_typed_makes_one_up(run: Callable[..., Any], find: Callable[[str], User]) -> None:
    """Who types no password gets one that is made up."""
    result = run("add", "member", "ann", typed="\n")

    assert find("ann").is_matching_password(result.stdout.split()[-1])


def test_as_json(answer: Callable[..., Any], find: Callable[[str], User]) -> None:
    """The JSON has the id, and the password only if it was made up."""
    made_up = answer("add", "member", "ann", "--no-prompt")
    given = answer("add", "member", "bob", "--password", PASSWORD)

    assert {"username", "role", "id", "password"} == set(made_up)
    assert {"username": "bob", "role": "member", "id": str(find("bob").id)} == given


@pytest.mark.sec("UNI-02")
@pytest.mark.parametrize("name", ["ANN", "\uff21nn", " ann"])
def test_existing_user(run: Any, add_user: Callable[..., User], told: Callable[[], Any], name: str) -> None:
    """A name that is taken, however it is written, is refused before a password is asked for."""
    add_user("ann")

    result = run("add", "admin", name)

    assert (result.exit_code, result.stdout, result.stderr) == (4, "", f"Error: There is a user {name} already.\n")
    assert told() == []


@pytest.mark.parametrize("role", ["king", "anonymous", ""])
def test_unknown_role(run: Callable[..., Any], find: Callable[[str], User | None], role: str) -> None:
    """A role that the settings don't name is refused, with those they do; nobody is made anonymous."""
    result = run("add", role, "ann", "--no-prompt")

    assert (4, f"Error: There is no role {role}; there are admin, editor, supporter, member.\n") == (
        result.exit_code,
        result.stderr,
    )
    assert find("ann") is None


@pytest.mark.parametrize("password", ["too short", "ann@example.org-ann@example.org" * 20])
def test_insecure_password(run: Callable[..., Any], find: Callable[[str], User | None], password: str) -> None:
    """The settings' policy holds for operators too."""
    result = run("add", "member", "ann", "--password", password)

    assert result.exit_code == 4
    assert "characters" in result.stderr
    assert password not in result.stderr
    assert find("ann") is None


@pytest.mark.parametrize("name", ["a\x00b", "x" * 600])
def test_impossible_username(run: Callable[..., Any], name: str) -> None:
    """A name that can't be one is refused with a sentence."""
    result = run("add", "member", name, "--no-prompt")

    assert result.exit_code == 4
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_yubikey(run: Callable[..., Any], database: Any) -> None:
    """A YubiKey's touch is kept as its public id."""
    result = run("add", "member", "ann", "--no-prompt", "--yubikey", "ccccccbcgujhingjrdejhgfnuetrgigvejhhgbkugded")

    assert result.exit_code == 0, result.output
    with database.read() as db:
        assert db.query(User).one().yubikey == "ccccccbcgujh"


def test_yubikey_that_is_none(run: Callable[..., Any], find: Callable[[str], User | None]) -> None:
    """Something no YubiKey types is refused, and nobody is added."""
    result = run("add", "member", "ann", "--no-prompt", "--yubikey", "hello")

    assert result.exit_code == 4
    assert "YubiKey" in result.stderr
    assert find("ann") is None


@pytest.mark.parametrize("asked", [True, False])
def test_yubikey_is_asked_for(
    tmp_path: Path, database: Database, request: pytest.FixtureRequest, *, asked: bool
) -> None:
    """Where the settings have YubiKeys, one is asked for on a terminal after the password; nothing typed is none."""
    if asked:
        request.getfixturevalue("terminal")
    settings = {
        "base_url": "https://app.example.org",
        "database": database.engine.url.render_as_string(hide_password=False),
        "secrets": ["a secret for tests only, of more than 32 characters"],
        "second_factors": {"yubikey": {"client_id": "1", "secret_key": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="}},
    }
    (tmp_path / "auth.yml").write_text(yaml.safe_dump(settings))

    def add(name: str, typed: str) -> Result:
        arguments = ["--config", str(tmp_path / "auth.yml"), "add", "member", name, "--password", PASSWORD]
        return CliRunner().invoke(main, arguments, input=typed)

    assert add("ann", "ccccccbcgujhingjrdejhgfnuetrgigvejhhgbkugded\n").exit_code == 0
    assert add("bob", "\n").exit_code == 0
    with database.read() as db:
        keys = {user.username: user.yubikey for user in db.query(User)}
    assert keys == {"ann": "ccccccbcgujh" if asked else None, "bob": None}


@pytest.mark.parametrize("name", ["", "  "])
def test_no_username(run: Any, name: str) -> None:
    """A user without a name is refused before anything is asked for."""
    result = run("add", "member", name)

    assert (result.exit_code, result.output) == (2, "Error: A user needs a username.\n")
