from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from onegov_auth import migrations
from onegov_auth.cli.serving import listen
from onegov_auth.database import Database

COMMAND = [str(Path(sys.executable).with_name("onegov-auth"))]

APPLICATION = """
from onegov_auth.web import AuthApp, Public

class App(AuthApp):
    pass

class Root:
    pass

@App.path(path="", model=Root)
def root():
    return Root()

@App.json(model=Root, permission=Public)
def view(self, request):
    return {"address": request.client.address, "scheme": request.scheme}
"""


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Callable[..., Path]:
    """``config(key=value)`` writes a settings file for an up-to-date database."""

    def config(**changes: Any) -> Path:
        url = f"sqlite:///{tmp_path / 'app.db'}"
        database = Database(url)
        migrations.upgrade(database.engine)
        database.dispose()
        path = tmp_path / "auth.yml"
        settings = {
            "base_url": "https://app.example.org",
            "database": url,
            "secrets": ["a secret for tests only, of more than 32 characters"],
        }
        path.write_text(yaml.safe_dump(settings | changes))
        return path

    return config


@contextmanager
def serving(config: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server, and its process; stopped in the end. The log is in ``log`` beside the settings."""
    command = [*COMMAND, "--config", str(config), "serve", "--port", "0", *arguments]
    log = (config.parent / "log").open("w")
    with log, subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process
        finally:
            process.send_signal(signal.SIGINT)


def test_login_pages_alone(config: Callable[..., Path]) -> None:
    """Without an application the login pages are served, until a signal comes, which is a good end."""
    with serving(config()) as (url, process):
        answer = httpx.get(f"{url}/auth/login", headers={"Host": "app.example.org"}, trust_env=False)
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[0]

    assert answer.status_code == 200
    assert "Secure" in answer.headers["set-cookie"]
    assert (process.returncode, rest) == (0, "Stopped.\n")


@pytest.mark.sec("HOST-05")
@pytest.mark.parametrize(("proxies", "address"), [([], "127.0.0.1"), (["127.0.0.0/8"], "192.0.2.9")])
def test_application_behind_a_proxy(config: Callable[..., Path], proxies: list[str], address: str) -> None:
    """An application is served, with the scheme of ``base_url`` and what trusted proxies say, and no others."""
    path = config(trusted_proxies=proxies)
    (path.parent / "served.py").write_text(APPLICATION)

    with serving(path, "--app", "served:App") as (url, _):
        headers = {"Host": "app.example.org", "X-Forwarded-For": "192.0.2.9"}
        told = httpx.get(url, headers=headers, trust_env=False).json()

    assert told == {"address": address, "scheme": "https"}


def _fail(url: str) -> None:
    """Try to log in with a wrong password."""
    with httpx.Client(base_url=url, headers={"Host": "localhost"}, trust_env=False) as browser:
        page = browser.get("/auth/login").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        data = {"csrf_token": token[1], "username": "ann", "password": "wrong"}
        assert browser.post("/auth/login", data=data).status_code == 200


def test_log(config: Callable[..., Path]) -> None:
    """Where nobody set up logging, what happens is on stderr with its time, by the line fail2ban reads too."""
    path = config(base_url="http://localhost:8080", cookies={"secure": False})

    with serving(path) as (url, process):
        _fail(url)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
    lines = (path.parent / "log").read_text()
    assert re.search(rf"^{time} WARNING onegov_auth: Failed login by 127\.0\.0\.1 \(ann\)$", lines, re.MULTILINE)
    assert re.search(rf'^{time} INFO onegov_auth\.events: {{"time": ', lines, re.MULTILINE)


def test_log_of_the_application(config: Callable[..., Path]) -> None:
    """An application that set up logging is not meddled with."""
    path = config(base_url="http://localhost:8080", cookies={"secure": False})
    setup = 'import logging\nlogging.basicConfig(format="mine %(message)s")\n'
    (path.parent / "served.py").write_text(setup + APPLICATION)

    with serving(path, "--app", "served:App") as (url, process):
        _fail(url)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    assert (path.parent / "log").read_text() == "mine Failed login by 127.0.0.1 (ann)\n"


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--config", str(path), "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent, timeout=60)


def test_outdated_tables(config: Callable[..., Path]) -> None:
    """On tables of another version nothing is served, and the command that helps is named."""
    path = config(database="sqlite:///empty.db")

    done = run(path, "--port", "0")

    assert (done.returncode, done.stdout) == (5, "")
    assert "run `onegov-auth db upgrade`" in done.stderr


def test_faulty_settings(config: Callable[..., Path]) -> None:
    """With faulty settings nothing is served."""
    done = run(config(sesions={}), "--port", "0")

    assert done.returncode == 3
    assert "sesions: is unknown; did you mean sessions?" in done.stderr


def test_taken_port(config: Callable[..., Path]) -> None:
    """Where somebody else listens, nothing is served."""
    with listen("127.0.0.1", 0) as taken:
        done = run(config(), "--port", str(taken.getsockname()[1]))

    assert done.returncode == 4
    assert "Address already in use" in done.stderr


def test_database_alone() -> None:
    """A database alone has no secrets to serve with."""
    command = [*COMMAND, "--dsn", "sqlite://", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"})

    assert (done.returncode, done.stderr) == (3, "Error: This needs the settings: name them with --config.\n")


def test_as_json(config: Callable[..., Path]) -> None:
    """The JSON has the address."""
    command = [*COMMAND, "--config", str(config()), "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        process.send_signal(signal.SIGINT)

    told = json.loads(text)
    assert told["application"] == "main/app"
    assert told["url"].startswith("http://127.0.0.1:")
