"""The samples of the how-to pages do what the pages say."""

from __future__ import annotations

import configparser
import json
import logging
import re
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, meta, nodes
from webtest import TestApp

from onegov_auth import migrations
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import Client
from onegov_auth.events import Event

#: What the variables of templates have, and the page names too.
PARTS = {"text", "url", "provider", "username", "local", "content", "name", "active", "why"}

PASSWORD = "correct horse battery staple"

#: What fail2ban puts in the place of <ADDR> (fail2ban/server/failregex.py and ipdns.py).
ADDRESS = (
    r"(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})"
    r"|\[?(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))\]?)"
)


@pytest.fixture(name="logs")
def _logs(place: Path, examples: Path) -> Iterator[Path]:
    """The folder in which the page's logging was set up; undone afterwards."""
    names = ("onegov_auth", "onegov_auth.events")
    loggers = [logging.getLogger(), *map(logging.getLogger, names)]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    runpy.run_path(str(examples / "logging_setup.py"))
    yield place
    for each, handlers, level, propagate in before:
        for handler in set(each.handlers) - set(handlers):
            handler.close()
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)


@pytest.fixture(name="failed")
def _failed(examples: Path) -> re.Pattern[str]:
    """The filter of the page, as fail2ban compiles it; it cuts the date out of a line before."""
    parser = configparser.RawConfigParser()
    parser.read(examples / "fail2ban-filter.conf")
    return re.compile(parser["Definition"]["failregex"].replace("<ADDR>", ADDRESS))


def undated(line: str) -> str:
    """What fail2ban's filter sees of a line whose date was found at its beginning."""
    rest, found = re.subn(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", "", line)
    assert found
    return rest


def banned(pattern: re.Pattern[str], log: Path) -> list[str]:
    """The addresses that fail2ban would count."""
    matches = [pattern.search(undated(line)) for line in log.read_text(encoding="utf-8").splitlines()]
    return [match["ip4"] or match["ip6"] for match in matches if match]


def test_logging(logs: Path, failed: re.Pattern[str], examples: Path, log_in: Callable[..., Any]) -> None:
    """A login and a refused one are lines in the file, events are JSON in the other, and one address is counted."""
    application = runpy.run_path(str(examples / "protected_app.py"))["application"]
    log_in(application)
    refused = application.auth.login("ann@example.org", "wrong", Client(address="2001:db8::7"))

    lines = (logs / "auth.log").read_text(encoding="utf-8")
    assert refused.code == "wrong_password"
    assert "INFO onegov_auth: Successful login by unknown (ann@example.org)\n" in lines
    assert "WARNING onegov_auth: Failed login by 2001:db8::7 (ann@example.org)\n" in lines
    assert banned(failed, logs / "auth.log") == ["2001:db8::7"]
    events = [json.loads(line) for line in (logs / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(event["type"], event["code"]) for event in events] == [("login", "ok"), ("login", "wrong_password")]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::1", "::ffff:192.0.2.1"])
@pytest.mark.parametrize(
    "username",
    [
        "",
        "ann",
        "ann) (",
        "a)\n2026-01-01T00:00:00+0000 WARNING onegov_auth: Failed login by 198.51.100.9 (b",
        "WARNING onegov_auth: Failed login by 198.51.100.9 (b)",
        "198.51.100.9 (b)",
        "a\u2028WARNING onegov_auth: Failed login by 198.51.100.9 (b)",
        "a\\x29",
    ],
)
def test_fail2ban_counts_the_client(
    logs: Path, failed: re.Pattern[str], examples: Path, address: str, username: str
) -> None:
    """The filter finds the client's address, once, whatever was typed as a username."""
    auth = runpy.run_path(str(examples / "protected_app.py"))["application"].auth
    auth.events.announce(Event(type="login", client=Client(address=address), username=username, code="no", failed=True))

    assert banned(failed, logs / "auth.log") == [address.removeprefix("::ffff:")]


@pytest.mark.parametrize("client", ["unknown", "x WARNING onegov_auth: Failed login by 198.51.100.9", "1.2.3.4 (a)"])
def test_fail2ban_leaves_others_alone(logs: Path, failed: re.Pattern[str], examples: Path, client: str) -> None:
    """Nobody is counted for what has no address, for logins that succeed, nor for what was not begun here."""
    auth = runpy.run_path(str(examples / "protected_app.py"))["application"].auth
    auth.events.announce(Event(type="login", client=Client(address=client), username="ann", code="no", failed=True))
    name = "WARNING onegov_auth: Failed login by 198.51.100.9 (b)"
    auth.events.announce(Event(type="login", client=Client(address="192.0.2.1"), username=name))
    auth.events.announce(Event(type="login", client=Client(address="192.0.2.1"), code="unknown_transaction"))

    assert banned(failed, logs / "auth.log") == []


def test_jail(examples: Path) -> None:
    """The jail names the filter by its file, and counts less strictly than an account is locked."""
    jail = configparser.RawConfigParser()
    jail.read(examples / "fail2ban-jail.conf")
    filter_file = (examples / "fail2ban-filter.conf").read_text(encoding="utf-8").splitlines()[0]

    assert filter_file.endswith(f"/filter.d/{jail['onegov-auth']['filter']}.conf")
    assert int(jail["onegov-auth"]["maxretry"]) > 15


def test_own_engine(place: Path, examples: Path, log_in: Callable[..., Any]) -> None:
    """The host's table and ours are written through one engine, the host's."""
    sample = runpy.run_path(str(examples / "own_engine.py"))

    page = log_in(sample["application"])

    assert page.text == "Visit 1"
    assert page.test_app.get("/").text == "Visit 2"
    assert sample["application"].auth.database.engine is sample["engine"]
    sample["engine"].dispose()


def test_own_sessions(place: Path, examples: Path, log_in: Callable[..., Any]) -> None:
    """``session_factory`` makes ``request.db``, and the user is loaded in it."""
    sample = runpy.run_path(str(examples / "own_sessions.py"))

    assert log_in(sample["application"]).text == "Ann, in a session of the host"
    sample["Session"].kw["bind"].dispose()


def test_own_templates(place: Path, examples: Path, log_in: Callable[..., Any]) -> None:
    """The frame and one page are the application's own, the others stay, and logging in and out works."""
    application = runpy.run_path(str(examples / "own_templates" / "app.py"))["application"]

    login = TestApp(application, extra_environ={"HTTP_HOST": "localhost:8080"}).get("/auth/login")
    page = log_in(application)
    leaving = page.test_app.get("/auth/logout")

    assert "The town of Ours" in login.text
    assert login.forms[0]["password"]
    assert page.text == "Hello Ann"
    assert "Leaving already?" in leaving.text
    assert leaving.forms[0].submit(status=303)
    assert "Good-bye" in page.test_app.get("/auth/logout").text


def test_templates_are_listed(examples: Path) -> None:
    """The page about templates has a row for each of ours, with every variable that is read in it."""
    page = (examples.parent / "how-to" / "own-templates.md").read_text(encoding="utf-8")
    common = set(re.findall(r"`(\w+)", page.partition("All of them get")[2].partition("\n\n")[0]))
    folder = examples.parents[1] / "onegov_auth" / "web" / "templates" / "auth"
    rows = {
        match[1]: set(re.findall(r"`(\w+)`", match[2]))
        for match in re.finditer(r"^\| `(auth/\S+)` (.*)", page, re.MULTILINE)
    }

    assert set(rows) == {f"auth/{file.name}" for file in folder.iterdir()}
    for name, told in rows.items():
        read, inherited = undeclared(folder.parent, name)
        assert told - PARTS <= read | inherited, name
        assert read - common <= told, name


def undeclared(folder: Path, name: str) -> tuple[set[str], set[str]]:
    """The variables that a template reads, and those that the templates it extends read."""
    trees: list[nodes.Template] = []
    while name:
        tree = Environment(autoescape=True).parse((folder / name).read_text(encoding="utf-8"))
        trees.append(tree)
        parent: Any = tree.find(nodes.Extends)
        name = parent.template.value if parent else ""
    made = set().union(*map(defined, trees))
    own, *others = (meta.find_undeclared_variables(tree) - made for tree in trees)
    return own, set().union(*others)


def defined(tree: nodes.Template) -> set[str]:
    """What a template imports or sets, and its macros: a block sees those as variables."""
    found = {macro.name for macro in tree.find_all(nodes.Macro)} | {"kwargs"}
    found |= {each.target for each in tree.find_all(nodes.Import)}
    found |= {one if isinstance(one, str) else one[1] for each in tree.find_all(nodes.FromImport) for one in each.names}
    return found | {each.target.name for each in tree.find_all(nodes.Assign) if isinstance(each.target, nodes.Name)}


def test_two_tenants(place: Path, examples: Path) -> None:
    """Each name has its own people and sessions; a cookie of one is nobody at the other; other names are 404."""
    shutil.copy(examples / "two_tenants.yml", place)
    for name, password in (("town", PASSWORD), ("village", "another horse battery staple")):
        database = Database(f"sqlite:///{name}.db")
        migrations.upgrade(database.engine)
        with database.unit() as session:
            UserCollection(session).add("ann@example.org", password, role="member", realname="Ann")
        database.dispose()
    sample = runpy.run_path(str(examples / "two_tenants.py"))
    town = TestApp(sample["application"], extra_environ={"HTTP_HOST": "town.localhost:8080"})
    village = TestApp(sample["application"], extra_environ={"HTTP_HOST": "village.localhost:8080"})

    form = town.get("/", status=303).follow().forms[0]
    form["username"], form["password"] = "ann@example.org", PASSWORD
    page = form.submit(status=303).follow()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in town.cookiejar)
    form = village.get("/", status=303).follow().forms[0]
    form["username"], form["password"] = "ann@example.org", PASSWORD

    assert page.text == "Ann in town/portal"
    assert "The village" in form.submit(status=200).text
    assert village.get("/", headers={"Cookie": cookies}, status=303)
    assert town.get("/", extra_environ={"HTTP_HOST": "other.example"}, status=404)
