from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from onegov_auth.cli import main
from onegov_auth.cli.demo.command import at_one_address
from onegov_auth.cli.serving import listen
from onegov_auth.testing.servers.browsing import forms

SHOWN = re.compile(r'<dd id="(\w+)">(?:<code>)?(.*?)(?:</code>)?</dd>')


@pytest.fixture(name="demo", scope="module")
def _demo(start: Callable[..., Any]) -> Any:
    """A demo with everything that is installed here."""
    return start("--port", "0")


@pytest.mark.slow
@pytest.mark.usefixtures("slapd", "oidc_op")
@pytest.mark.parametrize(
    ("way", "number", "wanted"),
    [
        ("local", 0, {"username": "admin@example.net", "realname": "Ada Admin", "role": "admin", "source": "local"}),
        (
            "staff",
            2,
            {
                "username": "chloe@example.org",
                "realname": "Chloé Müller-Çelik",
                "role": "editor",
                "groups": "editors",
                "source": "staff",
            },
        ),
        (
            "company",
            0,
            {
                "username": "fiona@company.example",
                "realname": "Fiona Frei",
                "role": "admin",
                "groups": "admins",
                "source": "company",
                "source_id": "7f1c2b9e",
            },
        ),
    ],
    ids=["local", "staff", "company"],
)
def test_way_in(demo: Any, browse: Any, way: str, number: int, wanted: dict[str, str]) -> None:
    """Each of the three ways ends on the personal page, which shows who that is and where from."""
    browser = browse(demo.url)

    page = browser.log_in(way, demo.way(way)["logins"][number])

    assert (page.status_code, page.url.path) == (200, "/personal"), page.text
    shown = dict(SHOWN.findall(page.text))
    assert wanted.items() <= shown.items()
    assert len(shown["source_id"]) >= 8


@pytest.mark.slow
@pytest.mark.usefixtures("slapd", "oidc_op")
def test_front_page(demo: Any, browse: Any) -> None:
    """The front page is for everybody, and tells of all three ways with their names and passwords."""
    page = browse(demo.url).visit("/")

    assert page.text.count(">running</span>") == 3
    for way in demo.told["ways"]:
        for login in way["logins"]:
            assert f"<code>{login['username']}</code>" in page.text
            assert f"<code>{login['password']}</code>" in page.text


@pytest.mark.slow
def test_secret_page(demo: Any, browse: Any) -> None:
    """The secret page is for administrators: it leads a stranger to the login, and refuses a member."""
    admin, member = demo.way("local")["logins"]
    browser = browse(demo.url)
    assert browser.visit("/secret").url.path == "/auth/login"
    browser.log_in("local", member)
    assert browser.visit("/secret").status_code == 403

    other = browse(demo.url)
    other.log_in("local", admin)
    page = other.visit("/secret")

    assert page.status_code == 200
    assert "What happened last" in page.text


@pytest.mark.slow
def test_log_out(demo: Any, browse: Any) -> None:
    """The button on each page logs out."""
    browser = browse(demo.url)
    page = browser.log_in("local", demo.way("local")["logins"][0])

    page = browser.submit(page, forms(page.text)[0])

    assert "You are not logged in" in page.text
    assert browser.visit("/personal").url.path == "/auth/login"


@pytest.mark.slow
def test_protections_are_on(demo: Any, browse: Any) -> None:
    """The demo's pages have the headers of any other, and a form without its token is refused."""
    browser = browse(demo.url)
    page = browser.visit("/")

    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "server" not in page.headers
    assert browser.post("/auth/login", data={"username": "admin@example.net", "password": "x"}).status_code == 403


@pytest.mark.slow
def test_another_name_of_this_machine(demo: Any, browse: Any) -> None:
    """Who comes by ``localhost`` is sent to the address that the OpenID provider sends browsers back to."""
    page = browse(demo.url.replace("127.0.0.1", "localhost")).visit("/personal")

    assert str(page.url) == f"{demo.url}/"


@pytest.mark.slow
def test_settings_can_be_used(demo: Any) -> None:
    """Other commands work on the running demo by its settings file."""
    result = CliRunner().invoke(main, ["--config", demo.told["config"], "exists", "admin@example.net"])

    assert result.exit_code == 0, result.output
    assert yaml.safe_load(Path(demo.told["config"]).read_text())["cookies"] == {"secure": False}


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("slapd", "oidc_op")
@pytest.mark.parametrize(
    ("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["Ctrl-C", "terminated"]
)
def test_nothing_is_left(start: Callable[..., Any], number: signal.Signals, group: bool) -> None:
    """However it is stopped, that is a good end: no process and no file is left."""
    demo = start("--port", "0")
    children = demo.children()
    assert len(children) == 2
    assert list(demo.folder.iterdir())

    code = demo.stop(number, group=group)

    assert code == 0
    assert [pid for pid in children if is_alive(pid)] == []
    assert list(demo.folder.iterdir()) == []


@pytest.mark.slow
def test_interrupted_while_starting(tmp_path: Path) -> None:
    """Who can't wait leaves nothing behind either, and gets the exit code of an interruption."""
    command = [str(Path(sys.executable).with_name("onegov-auth")), "demo", "--port", "0"]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "Starting a directory (slapd) …\n"
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()

    assert (process.returncode, rest.splitlines()[-1]) == (130, "Error: Interrupted.")
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_without_services(start: Callable[..., Any], browse: Any) -> None:
    """Without services the demo says so, has one way in, and takes another port than one that is taken."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        demo = start("--no-services", "--port", str(port))

    page = browse(demo.url).visit("/")
    assert demo.url.startswith("http://127.0.0.1:")
    assert port < int(demo.url.rpartition(":")[2]) < port + 20
    assert page.text.count("switched off by --no-services") == 2
    assert demo.children() == []
    assert demo.stop() == 0


@pytest.mark.slow
def test_on_the_network(start: Callable[..., Any], browse: Any) -> None:
    """Who serves the demo to others shows them no passwords."""
    demo = start("--no-services", "--port", "0", "--host", "0.0.0.0")

    page = browse(demo.url).visit("/")

    assert demo.url.startswith("http://127.0.0.1:")
    assert demo.way("local")["logins"][0]["password"] not in page.text
    assert "The passwords stand in the terminal." in page.text
    assert demo.stop() == 0


@pytest.mark.slow
def test_by_name(start: Callable[..., Any], browse: Any) -> None:
    """The demo may listen by a name, which is then the one address."""
    demo = start("--no-services", "--port", "0", "--host", "localhost")

    page = browse(demo.url).log_in("local", demo.way("local")["logins"][1])

    assert demo.url.startswith("http://localhost:")
    assert page.url.path == "/personal"
    assert demo.stop() == 0


def test_on_nobodys_address() -> None:
    """An address that is not this machine's is a clear sentence, and nothing was begun."""
    result = CliRunner().invoke(main, ["demo", "--host", "203.0.113.1", "--no-services"])

    assert result.exit_code == 4
    assert result.stderr == "Error: Nothing can listen on 203.0.113.1:8080: Cannot assign requested address.\n"


@pytest.mark.slow
def test_what_is_printed(tmp_path: Path) -> None:
    """In a terminal the demo prints names and passwords, where it is and how to end it, and says when it has ended."""
    command = [str(Path(sys.executable).with_name("onegov-auth")), "demo", "--port", "0", "--no-services"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                process.send_signal(signal.SIGINT)

    text = "".join(lines)
    assert re.search(r"  admin@example\.net +\w{16} +admin\n", text)
    assert "A directory (LDAP): switched off by --no-services\n" in text
    assert re.search(r"\nThe demo is on http://127\.0\.0\.1:\d+ — Ctrl-C ends it\.\n", text)
    assert text.endswith("Stopped, and everything put away.\n")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("host", "method", "sent_away"),
    [
        ("localhost:8080", "GET", True),
        ("127.0.0.1:8080", "GET", False),
        ("localhost:8080", "POST", False),
        ("localhost:9090", "GET", False),
        ("example.org", "GET", False),
    ],
)
def test_at_one_address(host: str, method: str, sent_away: bool) -> None:
    """Only pages of this machine by another name are sent away, never to where a stranger says."""
    started: list[Any] = []
    wrapped = at_one_address(lambda _environ, _start: [b"ours"], "http://127.0.0.1:8080")

    body = wrapped({"HTTP_HOST": host, "REQUEST_METHOD": method}, lambda *answer: started.append(answer))

    assert (body == [b""]) is sent_away
    assert [dict(headers)["Location"] for _, headers in started] == (["http://127.0.0.1:8080/"] if sent_away else [])
