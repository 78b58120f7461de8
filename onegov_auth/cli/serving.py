"""A WSGI server in the foreground that ends cleanly, whoever asks it to."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import create_server

from onegov_auth.cli.failures import Failure

__all__ = ["SIGNALS", "listen", "serve_forever", "stopping"]

#: Ctrl-C, a service manager, a closed terminal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """
    The first signal interrupts what is inside, all later ones are ignored while that is put away.

    A terminal sends Ctrl-C to the whole process group, and make passes signals on: a second one must not
    interrupt the cleaning up after the first.

    Raises:
        KeyboardInterrupt: At the first signal.
    """
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in SIGNALS}
    try:
        yield
    finally:
        if not stopped:
            for each, handler in before.items():
                signal.signal(each, handler)


def listen(host: str, port: int, tries: int = 1) -> socket.socket:
    """
    A listening socket.

    Args:
        host: A name or an address.
        port: Where to listen; 0 = any free one.
        tries: If it is taken, so many ports in all are tried, upwards.

    Raises:
        Failure: If they are all taken, or the host isn't this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Failure(f"{host} is no address to listen on: {error.strerror}") from error
    problem = OSError("")
    for offset in range(tries):
        listening = socket.socket(family, kind, protocol)
        # A port whose last connections are still closing is free.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address[0], port + offset, *address[2:]))
            listening.listen(128)
        except (OSError, OverflowError) as error:
            listening.close()
            problem = error if isinstance(error, OSError) else problem
        else:
            return listening
    raise Failure(f"Nothing can listen on {host}:{port}: {problem.strerror or 'no such port'}.")


def serve_forever(
    application: Any, listening: socket.socket, announce: Callable[[], object], **adjustments: Any
) -> None:
    """
    Answer requests until a signal comes (see :func:`stopping`), then finish those that are being answered.

    Args:
        application: A WSGI application.
        listening: From :func:`listen`; closed in the end.
        announce: Called when requests can come; from here on, being interrupted is a good end.
        adjustments: Waitress's own.
    """
    connections: dict[int, Any] = {}
    server = create_server(application, map=connections, sockets=[listening], ident=None, **adjustments)
    try:
        announce()
        # Returns when it is interrupted, after its threads have ended.
        server.run()
    except KeyboardInterrupt:
        server.task_dispatcher.shutdown()
    finally:
        # Waitress leaves the connections of browsers that keep theirs open to the garbage collector.
        for each in [*connections.values()]:
            if isinstance(each, HTTPChannel):
                each.handle_close()
        server.close()
