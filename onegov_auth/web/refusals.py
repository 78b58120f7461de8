"""
What somebody gets who can't have what they asked for: a page for people, JSON for programs, never a stack trace.

``request.after`` does not run on errors, so that everything these answers need is set on them directly.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from webob import Response
from webob.exc import WSGIHTTPException

from onegov_auth.errors import CountersUnavailableError
from onegov_auth.events import neutral
from onegov_auth.i18n import _
from onegov_auth.web.links import login_url
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from onegov_auth.web.bearer import BearerRefused
    from onegov_auth.web.request import AuthRequest

__all__ = [
    "api_problem",
    "bearer_refused",
    "database_gone",
    "forbidden",
    "form_refused",
    "not_found",
    "other",
    "problem",
    "unexpected",
]

log = logging.getLogger("onegov_auth.web")

_LOGIN_REQUIRED = _("Please log in first.")
_BAD_TOKEN = _("The token is not good: it may have expired, or have been revoked.")
_TOO_NARROW = _("The token is not good for this.")
_WAIT = _("There were too many attempts. Please try again later.")
_FORBIDDEN = (_("Not allowed"), _("You are logged in, but not allowed to see this page."))
_FORM = (
    _("Please try again"),
    _(
        "The form you sent has expired or is from another site. Please allow cookies, go back, reload the page "
        "and send it again."
    ),
)
_NOT_FOUND = (_("Not found"), _("There is no such page."))
_GONE = (_("Please try again later"), _("The site can't reach its database right now."))
_BROKEN = (_("Something went wrong"), _("The error was recorded. If it goes on, please tell those who run this site."))


def forbidden(_error: Exception, request: AuthRequest) -> Response:
    """Who is logged in may not; everybody else is led to the login page and back, a program gets a 401."""
    if request.is_logged_in:
        # ASVS 16.3.2
        person = neutral(request.identity.userid or "")
        log.warning("Refused %s to %s [%s]", neutral(request.path), person, request.request_id)
        if request.is_bearer:
            # RFC 6750 §3.1
            return _challenge(_json(request, 403, "insufficient_scope", _TOO_NARROW), "insufficient_scope")
        return problem(request, 403, "forbidden", *_FORBIDDEN)
    if request.wants_json:
        return _challenge(_json(request, 401, "login_required", _LOGIN_REQUIRED))
    return redirect_to(request, login_url(request, to=request.here))


def bearer_refused(error: BearerRefused, request: AuthRequest) -> Response:
    """The token is no good, whatever is wrong with it; a 429 after too many of them."""
    if error.wait is not None:
        response = _json(request, 429, "too_many_attempts", _WAIT)
        response.headers["Retry-After"] = str(error.wait)
        return response
    return _challenge(_json(request, 401, "invalid_token", _BAD_TOKEN), "invalid_token")


def api_problem(request: AuthRequest, status: int, code: str, text: str, **more: object) -> Response:
    """
    A refusal of what only programs ask for, as JSON whatever they accept.

    Args:
        request: The request.
        status: The HTTP status; a 401 has its challenge.
        code: A stable word for programs.
        text: What is the matter and what can be done, for people.
        more: What a program needs besides.
    """
    response = _json(request, status, code, text, **more)
    return _challenge(response) if status == 401 else response


def _challenge(response: Response, error: str | None = None) -> Response:
    """RFC 9110 §11.6.1 demands one with a 401; this one makes no browser ask for a password."""
    response.headers["WWW-Authenticate"] = "Bearer" if error is None else f'Bearer error="{error}"'
    return response


def form_refused(error: WSGIHTTPException, request: AuthRequest) -> Response:
    """The form was not ours: nothing was changed."""
    # ASVS 16.3.3
    log.warning("Refused a form to %s: %s [%s]", neutral(request.path), error.detail, request.request_id)
    return problem(request, 403, "form_refused", *_FORM)


def not_found(_error: Exception, request: AuthRequest) -> Response:
    """There is no such page."""
    return problem(request, 404, "not_found", *_NOT_FOUND)


def other(error: WSGIHTTPException, request: AuthRequest) -> Response:
    """Any other client error, on our own pages."""
    return problem(request, error.code, "refused", _("This did not work"), error.detail or error.explanation)


def database_gone(error: Exception, request: AuthRequest) -> Response:
    """The database can't be reached, or Redis: that passes, and a proxy may try another machine."""
    log.error("The database can't be used [%s]", request.request_id, exc_info=error)
    response = problem(request, 503, "unavailable", *_GONE)
    response.headers["Retry-After"] = "10"
    return response


def unexpected(error: Exception, request: AuthRequest) -> Response:
    """The last resort (ASVS 16.5.4): the log has the trace, the person has its number."""
    if isinstance(error, (request.root_app.driver_error, CountersUnavailableError)):
        return database_gone(error, request)
    log.error("Unexpected error on %s [%s]", neutral(request.path), request.request_id, exc_info=error)
    return problem(request, 500, "error", *_BROKEN)


def problem(request: AuthRequest, status: int, code: str, title: str, text: str) -> Response:
    """
    A refusal as a page, or as JSON for a program.

    Args:
        request: The request.
        status: The HTTP status.
        code: A stable word for programs.
        title: For people.
        text: What is the matter and what can be done.
    """
    if request.wants_json:
        return _json(request, status, code, text)
    return page(request, "problem", status, title=title, text=text, login_url=login_url(request))


def _json(request: AuthRequest, status: int, code: str, text: str, **more: object) -> Response:
    body = {"error": code, "message": request.translate(text), "request_id": request.request_id, **more}
    return Response(json_body=body, status=status, cache_control="no-store")
