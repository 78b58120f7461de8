"""
Forms that only our own pages can post (ASVS 3.5.1).

A token is an HMAC over a value that only this browser's cookie has: the session token, or before there is a session the
anonymous browser value. It therefore ends with the session and changes at login (CSRF-05), and nothing is
stored. Beside it, ``Origin`` and ``Sec-Fetch-Site`` must be ours whenever a browser sends them (CSRF-04).
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from webob.exc import HTTPClientError, HTTPForbidden

from onegov_auth.events import neutral
from onegov_auth.web.fields import all_fields
from onegov_auth.web.hosts import own_origin

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = [
    "FIELD",
    "HEADER",
    "QUERY",
    "CsrfRefused",
    "FromElsewhere",
    "assert_own_origin",
    "assert_own_try",
    "assert_valid_csrf_token",
    "new_csrf_token",
]

#: The form field, the header for scripts, and the query parameter of :meth:`AuthRequest.csrf_protected_url`.
FIELD, HEADER, QUERY = "csrf_token", "X-CSRF-Token", "csrf-token"

_PURPOSE = "csrf"

log = logging.getLogger("onegov_auth.web")


class CsrfRefused(HTTPForbidden):
    """Raised when a form was not posted by a page of ours, or not by this browser's."""


class FromElsewhere(CsrfRefused):
    """Raised when the browser itself says that a page of another site posted the form."""


def new_csrf_token(request: AuthRequest) -> str:
    """A token for this browser; each is different, so that compression can't give it away (BREACH)."""
    salt = secrets.token_hex(8)
    return f"{salt}.{request.root_app.auth.keys.mac(_PURPOSE, salt, _bound_to(request))}"


def assert_valid_csrf_token(request: AuthRequest, token: str | None = None) -> None:
    """
    Go on only if the form is ours.

    A request with a bearer token needs none, and its cookies are not looked at (CSRF-07).

    Args:
        request: The request that would change something.
        token: The token, if it came by another way than field, header or query.

    Raises:
        CsrfRefused: If it is not.
    """
    if request.is_bearer:
        return
    assert_own_origin(request)
    given = token or _given(request)
    salt, _, mac = (given or "").partition(".")
    if not mac or not request.root_app.auth.keys.verify_mac(_PURPOSE, mac, salt, _bound_to(request)):
        raise CsrfRefused("The form has expired.")


def assert_own_try(request: AuthRequest, kind: str, field: str | None = None) -> None:
    """
    The same for a form by which somebody could guess: one that is not ours, or can't be read, is an attempt as well.

    It is counted before anything else is done, and costs no hash. One that a page of another site made a browser send
    is nobody's attempt: such a page could use up the tries of every network that one of its readers is in (RATE-01).
    Whoever forges the header for that is refused all the same, and has guessed nothing.

    Args:
        request: The request.
        kind: The kind of attempt.
        field: The form's field with the name of the account; without it, only the address is counted.

    Raises:
        CsrfRefused: As :func:`assert_valid_csrf_token`.
        HTTPBadRequest: If a field occurs twice, or is no text.
    """
    try:
        assert_valid_csrf_token(request)
    except FromElsewhere:
        raise
    except HTTPClientError as error:
        code = "csrf" if isinstance(error, CsrfRefused) else "form"
        # No value for a new browser: another site may have sent it here.
        request.root_app.auth.attempts.fail(kind, _name(request, field), request.known_client, code)
        raise


def _name(request: AuthRequest, field: str | None) -> str | None:
    try:
        return (all_fields(request).get(field) or None) if field is not None else None
    except HTTPClientError:
        return None


def assert_own_origin(request: AuthRequest) -> None:
    """
    Refuse a request that a page of another site made, as far as the browser says.

    Raises:
        FromElsewhere: If ``Origin`` or ``Sec-Fetch-Site`` are there and not ours; ``null`` is not ours.
    """
    origin = request.environ.get("HTTP_ORIGIN")
    ours = own_origin(request)
    if origin is not None and origin.lower() != ours:
        # Under a name of this machine, ours is the Host header's word.
        text = "A form came from another origin than %s, which base_url and allowed_hosts say is ours"
        log.warning(text, neutral(ours))
        raise FromElsewhere("The form is from another site.")
    if request.environ.get("HTTP_SEC_FETCH_SITE", "same-origin") not in {"same-origin", "none"}:
        raise FromElsewhere("The form is from another site.")


def _given(request: AuthRequest) -> str | None:
    header = request.headers.get(HEADER)
    if header is not None:
        return str(header)
    fields = all_fields(request)
    return fields.get(FIELD) or fields.get(QUERY)


def _bound_to(request: AuthRequest) -> str:
    # The prefix keeps a browser value from ever passing as a session token.
    token = request.session_token
    return f"browser:{request.browser}" if token is None else f"session:{token}"
