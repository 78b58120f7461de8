"""``onegov-auth demo``: put everything up, serve it, put everything away."""

from __future__ import annotations

import ipaddress
import secrets
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import yaml

from onegov_auth import migrations
from onegov_auth.cli.demo.site import DemoApp
from onegov_auth.cli.demo.ways import Login, Way, directory, openid
from onegov_auth.cli.operator import Operator, open_database, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.serving import listen, serve_forever, stopping
from onegov_auth.collections import UserCollection
from onegov_auth.passwords import random_password
from onegov_auth.settings import Settings, load_settings

__all__ = ["at_one_address", "demo"]

#: How many ports are tried if the one that was asked for is taken.
PORTS = 20

#: The folder of the mails, in that of the demo.
_MAILS = "mails"

_NO_SERVICES = "switched off by --no-services"


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port, or the next free."
)
@click.option("--no-services", is_flag=True, help="Without a directory and an OpenID provider.")
@pass_operator
def demo(operator: Operator, *, host: str, port: int, no_services: bool) -> None:
    """Serve a small application with all three ways in; Ctrl-C ends it and leaves nothing behind."""
    with stopping(), ExitStack() as stack:
        listening = listen(host, port, tries=PORTS)
        stack.callback(listening.close)
        taken = listening.getsockname()[1]
        if port not in {0, taken}:
            say(f"Port {port} is taken: the demo takes {taken}.")
        base_url = f"http://{_shown_host(host)}:{taken}"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onegov-auth-demo-")))
        others = _others(stack, base_url, no_services=no_services)
        on_loopback = _is_loopback(host)
        settings = _settings(folder, base_url, others, mails="maildir:" if on_loopback else "console:")
        local = _local(settings)
        application = _application(stack, settings, [local, *others], on_loopback=on_loopback)
        application.mails = folder / _MAILS

        def announce() -> None:
            _tell(operator, base_url, folder, [local, *others])

        serve_forever(at_one_address(application, base_url), listening, announce, threads=8)
    operator.output.answer("Stopped, and everything put away.", stopped=True)


def say(sentence: str) -> None:
    """Tell the person who waits."""
    click.echo(sentence, err=True)


def _others(stack: ExitStack, base_url: str, *, no_services: bool) -> list[Way]:
    if no_services:
        return [
            Way("staff", "A directory (LDAP)", "", missing=_NO_SERVICES),
            Way("company", "Single sign-on (OpenID Connect)", "", missing=_NO_SERVICES),
        ]
    return [directory(stack, say), openid(stack, say, base_url)]


def _settings(folder: Path, base_url: str, others: Iterable[Way], mails: str) -> Settings:
    providers: dict[str, Any] = {"local": {"kind": "local"}}
    providers.update({way.name: dict(way.settings) for way in others if way.running})
    mapping = {
        "application": "demo/app",
        "base_url": base_url,
        "database": f"sqlite:///{folder / 'auth.db'}",
        "secrets": [secrets.token_urlsafe(48)],
        "title": "onegov_auth demo",
        # The demo has no certificate; everything else is protected as anywhere.
        "cookies": {"secure": False},
        "registration": {"enabled": True},
        # Who comes over the network reads nobody's mails.
        "mail": {"url": f"maildir:{folder / _MAILS}" if mails == "maildir:" else mails, "sender": "demo@example.net"},
        "providers": providers,
    }
    path = folder / "auth.yml"
    path.write_text(yaml.safe_dump(mapping, sort_keys=False), encoding="utf-8")
    return load_settings(path)


def _local(settings: Settings) -> Way:
    """Make the tables and two local users with passwords of this run."""
    database = open_database(settings)
    try:
        migrations.upgrade(database.engine)
        logins = (
            Login("admin@example.net", random_password(), "admin"),
            Login("member@example.net", random_password(), "member"),
        )
        with database.unit() as db:
            for login, realname in zip(logins, ("Ada Admin", "Mia Member"), strict=True):
                UserCollection(db).add(login.username, login.password, login.role, realname=realname)
    finally:
        database.dispose()
    return Way("local", "A local password", "in the form", logins)


def _application(stack: ExitStack, settings: Settings, ways: Sequence[Way], *, on_loopback: bool) -> DemoApp:
    application = DemoApp.from_settings(settings)
    stack.callback(application.auth.close)
    application.ways = tuple(ways)
    # Who comes over the network is shown no password.
    application.shows_passwords = on_loopback
    return application


def _tell(operator: Operator, base_url: str, folder: Path, ways: Sequence[Way]) -> None:
    if operator.options.as_json:
        rows = [
            {"name": way.name, "missing": way.missing or None, "logins": [_row(login) for login in way.logins]}
            for way in ways
        ]
        operator.output.answer("", url=base_url, config=str(folder / "auth.yml"), ways=rows)
        return
    click.echo("")
    for way in ways:
        click.secho(f"{way.title}" + (f", {way.where}:" if way.running else f": {way.missing}"), bold=way.running)
        for login in way.logins:
            click.echo(f"  {login.username:<20} {login.password:<26} {login.role}")
    click.echo("")
    click.echo(f"The settings: {folder / 'auth.yml'}")
    click.secho(f"The demo is on {base_url} — Ctrl-C ends it.", fg="green", bold=True)


def _row(login: Login) -> Mapping[str, str]:
    return {"username": login.username, "password": login.password, "role": login.role}


def _shown_host(host: str) -> str:
    """The host to write in an address; who listens everywhere is found on this machine at least."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1"
    return f"[{address}]" if address.version == 6 else str(address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def at_one_address(application: Any, base_url: str) -> Any:
    """
    *application*, with a browser that came by ``localhost`` sent to where the provider will send it back.

    Cookies belong to a host's name: a login begun as localhost could not be finished as 127.0.0.1.
    """
    ours = base_url.partition("://")[2]
    others = {f"{name}:{ours.rpartition(':')[2]}" for name in ("localhost", "127.0.0.1")} - {ours}

    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("HTTP_HOST") in others and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            start_response("302 Found", [("Location", f"{base_url}/"), ("Content-Length", "0")])
            return [b""]
        return application(environ, start_response)

    return wrapped
