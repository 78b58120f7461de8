"""``onegov-auth serve``: an application, or the login pages alone, by Waitress."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import click

from onegov_auth.cli.operator import Operator, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.serving import listen, serve_forever, stopping
from onegov_auth.settings import Settings
from onegov_auth.web import AuthApp

__all__ = ["serve"]


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port.")
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 1000), help="Requests at once.")
@pass_operator
def serve(operator: Operator, *, host: str, port: int, threads: int) -> None:
    """
    Serve the application that --app names, or the login pages alone.

    The settings are checked first, and the tables have to be this version's.
    """
    settings = operator.configured()
    application = operator.application or AuthApp
    _log_to_stderr()
    wsgi = application.from_settings(settings)
    listening = listen(host, port)
    place = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"

    def announce() -> None:
        told = f"Serving {settings.application} on {place}"
        operator.output.answer(told, application=settings.application, url=place)

    # What the last one left in the outbox when it ended.
    wsgi.auth.mailer.wake()
    with stopping():
        serve_forever(wsgi, listening, announce, threads=threads, **_behind_proxies(settings))
    operator.output.answer("Stopped.", stopped=True)


def _log_to_stderr() -> None:
    # An application that was loaded by now may have its own say, and then has all of it.
    log = logging.getLogger("onegov_auth")
    if not log.hasHandlers():
        logging.basicConfig(
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            datefmt="%Y-%m-%dT%H:%M:%S%z",
            level=logging.WARNING,
        )
        log.setLevel(logging.INFO)


def _behind_proxies(settings: Settings) -> dict[str, object]:
    # The settings say which proxies are believed, and the web room walks them: Waitress must not clear what
    # they wrote, and must clear it where there are none.
    scheme = urlsplit(settings.base_url).scheme
    return {"url_scheme": scheme, "clear_untrusted_proxy_headers": not settings.trusted_proxies}
