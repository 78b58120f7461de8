"""
Which site are we? The Host header is asked only where its answer can do no harm.

Our origin is the one of ``base_url``. A request that came by another name is answered under that name
only if the application lists it in ``allowed_hosts`` or if it is the machine itself (a developer's browser, a
test client): nobody can make a stranger's browser send such a Host to us.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from webob.exc import HTTPBadRequest

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.app import AuthApp
    from onegov_auth.web.request import AuthRequest

__all__ = ["host_name", "hosts_tween_factory", "is_loopback", "own_origin"]

log = logging.getLogger("onegov_auth.web")

Handler = Callable[[Any], "Response"]


def host_name(host: str) -> str:
    """The name in a Host header: in lower case, without port and trailing dot."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0].rstrip(".")


def is_loopback(name: str) -> bool:
    """Whether that host name is this machine for whoever says it (RFC 6761 §6.3)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def own_origin(request: AuthRequest) -> str:
    """The origin under which this request reached us, if it is one of ours; that of ``base_url`` otherwise."""
    app = request.root_app
    called: str = request.host_url.lower()
    netloc = called.partition("://")[2]
    if netloc == app.netloc:
        return app.origin
    name = host_name(netloc)
    if name in app.allowed_hosts:
        # Behind a proxy that ends TLS, only base_url knows the scheme (HOST-04).
        return f"{app.origin.partition(':')[0]}://{netloc}"
    return called if is_loopback(name) else app.origin


def hosts_tween_factory(app: AuthApp, handler: Handler) -> Handler:
    """Refuse a Host that is not ours, where ``allowed_hosts`` says which are (HOST-03)."""
    if not app.allowed_hosts:
        log.info("AuthApp.allowed_hosts is not set: any Host is answered, and none is used in an address of ours")
        return handler
    allowed = {host_name(name) for name in app.allowed_hosts} | {host_name(app.netloc)}

    def hosts_tween(request: AuthRequest) -> Response:
        if host_name(request.host) not in allowed:
            return HTTPBadRequest("Unknown host")
        return handler(request)

    return hosts_tween
