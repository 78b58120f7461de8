from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.cli.application import hooks_of, load_application
from onegov_auth.cli.failures import Failure

SOURCE = """
from onegov_auth.accounts import Hooks
from onegov_auth.web import AuthApp

def told(db, user, client):
    user.realname = "deactivated"

def renamed(db, user, before):
    pass

class App(AuthApp):
    hooks = Hooks(on_deactivate=told)

@App.setting("user", "change_username_callback")
def callback():
    return renamed

text = "no class"
class Other:
    pass
"""


@pytest.fixture(name="application")
def _application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module ``an_application`` in the working directory, forgotten afterwards."""
    (tmp_path / "an_application.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in {"", str(tmp_path)}])
    yield
    sys.modules.pop("an_application", None)


@pytest.mark.usefixtures("application")
def test_hooks() -> None:
    """The hooks of an application in the working directory are found: those of the class and of its settings."""
    application = load_application("an_application:App")
    hooks = hooks_of(application)

    assert load_application("an_application:App") is application
    assert hooks.on_deactivate is not None
    assert hooks.on_deactivate.__name__ == "told"
    assert hooks.change_username_callback is not None
    assert hooks.change_username_callback.__name__ == "renamed"


@pytest.mark.usefixtures("application")
def test_hook_is_called(run: Any, add_user: Any, find: Any) -> None:
    """A command calls the hooks of the application it is told."""
    add_user("ann")

    assert run("deactivate", "ann", "--app", "an_application:App").exit_code == 0
    assert find("ann").realname == "deactivated"


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("an_application", "write it as module:Class"),
        (":App", "write it as module:Class"),
        ("an_application:", "write it as module:Class"),
        ("not_there:App", "can't be loaded: No module named 'not_there'"),
        ("an_application:Nothing", "can't be loaded: module 'an_application' has no attribute 'Nothing'"),
        ("an_application:text", "is no AuthApp"),
        ("an_application:Other", "is no AuthApp"),
    ],
)
def test_no_application(name: str, words: str) -> None:
    """What is no application is refused with the reason."""
    with pytest.raises(Failure, match=r"^--app ") as raised:
        load_application(name)

    assert words in raised.value.message
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("command", ["list", "exists ann", "list-sessions", "schema", "db current", "deactivate ann"])
def test_no_application_for_any_command(run: Any, add_user: Any, command: str) -> None:
    """A wrong application is refused by every command, whether it calls a hook or not."""
    add_user("ann")

    result = run(*command.split(), "--app", "not_there:App")

    assert result.exit_code == 3
    assert "--app not_there:App can't be loaded" in result.stderr
