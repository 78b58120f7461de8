"""
Outcome → response, for every door in one place.

A refused password answers 200 with the login page again: a 401 demands a challenge that makes browsers ask for a
password of their own (RFC 9110 §11.6.1), and a code of its own for one of the reasons would tell them apart
(ENUM-01). Who has to wait gets a 429: the lock counts unknown names as well, so it tells nothing. What can't be
asked is a 503, which nobody takes for a wrong password.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import morepath

from onegov_auth.i18n import _
from onegov_auth.outcomes import (
    Done,
    EnrolmentRequired,
    FactorRequired,
    LoggedIn,
    Outcome,
    Redirect,
    Refused,
    StepRequired,
    Unavailable,
)
from onegov_auth.web.factor_asking import after_factor
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.login_page import login_page
from onegov_auth.web.messages import LINKING, STALE, password_message, provider_message, unavailable_message
from onegov_auth.web.redirects import is_web_address, redirect_to, safe_path
from onegov_auth.web.refusals import problem
from onegov_auth.web.render import page
from onegov_auth.web.unasked import forget_leaving

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.forms import LoginForm
    from onegov_auth.web.request import AuthRequest

__all__ = [
    "after_callback",
    "after_password",
    "after_proof",
    "after_start",
    "after_step",
    "complete_login",
    "forget_person",
    "going",
    "not_filled_in",
    "too_many",
    "with_session",
]

log = logging.getLogger("onegov_auth.web")

#: Seconds that a browser is known as one the person used before.
DEVICE_AGE = 365 * 24 * 3600

_STALE = (
    _("This login can't be finished"),
    _("It was begun in another browser, took too long, or is finished already. Please begin again."),
)
_LINKED = _("Linked. From now on you can log in this way as well.")
_NO_TARGET = (_("The login can't go on"), _("The login service gave an address that can't be used."))


def after_password(request: AuthRequest, outcome: Outcome, form: LoginForm, *, to: str, link: str | None) -> Response:
    """The answer to a username and password."""
    if isinstance(outcome, LoggedIn):
        return complete_login(request, outcome)
    if isinstance(outcome, Refused):
        # The page itself says of a link that is none any more what to do; the password was not looked at.
        alert = None if outcome.code == "unknown_link" else password_message(outcome)
        return too_many(login_page(request, form, alert=alert, to=to, link=link), outcome)
    if isinstance(outcome, Unavailable):
        return _unavailable(request, outcome, form, to=to, link=link)
    if isinstance(outcome, StepRequired):
        # A form of its own: what was typed was for the directory.
        return after_step(request, outcome) or login_page(request, to=to, link=outcome.transaction.id)
    return _factor(request, outcome)


def after_proof(request: AuthRequest, outcome: Outcome, first: str | None = None) -> Response:
    """
    The answer to a right second factor, or a passkey that stands for all.

    Args:
        request: The request.
        outcome: No refusal: the page of the factor tells those.
        first: As for :func:`complete_login`.
    """
    if isinstance(outcome, LoggedIn):
        return complete_login(request, outcome, first)
    if isinstance(outcome, StepRequired):
        return after_step(request, outcome) or redirect_to(request, login_url(request, link=outcome.transaction.id))
    return _factor(request, outcome)


def after_start(request: AuthRequest, outcome: Redirect | Refused | Unavailable, *, to: str) -> Response:
    """The answer to the button of a redirect provider."""
    if isinstance(outcome, Redirect):
        return going(request, outcome.url)
    if isinstance(outcome, Unavailable):
        return _unavailable(request, outcome, None, to=to, link=None)
    return login_page(request, alert=provider_message(outcome), to=to)


def after_callback(request: AuthRequest, outcome: Outcome) -> Response:
    """
    The answer to what a browser brought back.

    Code and state do not stay in the address: all but the page that says nothing was begun is a redirect.
    """
    if isinstance(outcome, LoggedIn):
        return complete_login(request, outcome)
    if isinstance(outcome, Refused) and outcome.code in STALE:
        return problem(request, 400, outcome.code, *_STALE)
    if isinstance(outcome, StepRequired):
        # The id works in this browser only, once, and for some minutes.
        link, to = outcome.transaction.id, outcome.transaction.to
        linking = redirect_to(request, login_url(request, to=safe_path(to), link=link))
        return after_step(request, outcome) or linking
    if isinstance(outcome, Done):
        request.success(request.translate(_LINKED))
        return redirect_to(request, outcome.to)
    if isinstance(outcome, Refused) and outcome.code in LINKING and request.is_logged_in:
        request.alert(request.translate(provider_message(outcome)))
        return redirect_to(request, page_url(request, "account/identities"))
    return _not_in(request, outcome)


def _not_in(request: AuthRequest, outcome: Outcome) -> Response:
    """The login page says why, and offers the other ways in; where the person wanted to go is kept."""
    if not isinstance(outcome, Refused | Unavailable):
        return _factor(request, outcome)
    if isinstance(outcome, Unavailable):
        request.alert(request.translate(unavailable_message(outcome, request.root_app.auth.providers)))
    elif outcome.code != "no_provider_session":
        # That one is what a provider says that was asked in silence: there is nothing to tell.
        request.alert(request.translate(provider_message(outcome)))
    return redirect_to(request, login_url(request, to=safe_path(outcome.to), local="1"))


def after_step(request: AuthRequest, outcome: StepRequired) -> Response | None:
    """The way to the page of a step at login; None for the proof of a link, which the login page asks for."""
    if outcome.step == "prove":
        return None
    # The id works in this browser only, and not for long.
    return redirect_to(request, page_url(request, "step", transaction=outcome.transaction.id))


def too_many(response: Response, refused: Refused) -> Response:
    """Make a refusal's page a 429 where waiting is what helps."""
    if refused.retry_after is not None:
        response.status = 429
        response.headers["Retry-After"] = str(refused.retry_after)
    elif refused.code == "locked_out":
        # RFC 6585 §4: there need be no time to wait for.
        response.status = 429
    return response


def not_filled_in(request: AuthRequest, response: Response, kind: str, name: str | None = None) -> Response:
    """
    A form's page, which says what is missing. It is an attempt as well, that nothing was looked at for.

    Args:
        request: The request.
        response: The page.
        kind: The kind of attempt.
        name: The account that was named, if one was; without it, only the address is counted.
    """
    refused = request.root_app.auth.attempts.fail(kind, name or None, request.client, "form")
    return response if refused is None else too_many(response, refused)


def complete_login(request: AuthRequest, outcome: LoggedIn, first: str | None = None) -> Response:
    """
    Set the session cookie and go where the person wanted to go; the first seed's hooks are called if present.

    Args:
        request: The request.
        outcome: Who is in.
        first: One of our pages that the person is to see on the way.
    """
    root = request.root_app
    forget_leaving(request)
    # What was known of the person before belongs to another session.
    for name in ("identity", "current_user", "csrf_token", "client", "known_client"):
        request.__dict__.pop(name, None)
    request.__dict__["session_token"] = outcome.token
    to = safe_path(outcome.to)
    elsewhere: Any = getattr(root, "redirect_after_login", None)
    if elsewhere is not None:
        to = elsewhere(request.identity, request, to) or to
    on_login: Any = getattr(root, "on_login", None)
    if on_login is not None:
        on_login(request, request.current_user)
    if first is not None:
        to = page_url(request, first, to=to)
    response = with_session(request, redirect_to(request, to), outcome)
    # The first seed marks such a response.
    setattr(response, "completed_login", True)  # noqa: B010 - no attribute of WebOb
    return response


def with_session(request: AuthRequest, response: Response, outcome: LoggedIn) -> Response:
    """Give *response* the cookies of the session that was opened."""
    cookies = request.root_app.cookies
    if outcome.device is not None:
        response.headers.add("Set-Cookie", cookies.header(cookies.device, outcome.device, DEVICE_AGE))
    settings = request.root_app.auth.settings
    if outcome.trusted is not None:
        trusted = int(settings.second_factors.trusted_device.total_seconds())
        response.headers.add("Set-Cookie", cookies.header(cookies.trusted, outcome.trusted, trusted))
    remember = settings.sessions.remember
    max_age = int(remember.total_seconds()) if outcome.session.remember else None
    response.headers.add("Set-Cookie", cookies.header(cookies.session, outcome.token, max_age))
    return response


def going(request: AuthRequest, url: str) -> Response:
    """
    Go on to a provider, by a 200 page with a meta refresh and a link.

    A redirect would be blocked: ``form-action 'self'`` counts for where the answer to a form leads (CSP 3 §6.4.1).
    """
    if url.startswith("/"):
        return redirect_to(request, url)
    if not is_web_address(url):
        log.error("A provider wants to go to an address that is none [%s]", request.request_id)
        return problem(request, 502, "bad_address", *_NO_TARGET)
    return page(request, "going", url=url, back_url=login_url(request, local="1"))


def forget_person(request: AuthRequest) -> None:
    """Nobody is logged in for the rest of this request."""
    for name in ("current_user", "csrf_token", "client", "known_client"):
        request.__dict__.pop(name, None)
    request.__dict__.update(identity=morepath.NO_IDENTITY, session_token=None)


def _unavailable(
    request: AuthRequest, outcome: Unavailable, form: LoginForm | None, *, to: str, link: str | None
) -> Response:
    text = unavailable_message(outcome, request.root_app.auth.providers)
    return login_page(request, form, status=503, alert=text, to=to, link=link)


def _factor(request: AuthRequest, outcome: Outcome) -> Response:
    if isinstance(outcome, FactorRequired | EnrolmentRequired):
        return after_factor(request, outcome)
    # No login ends in anything else: whatever it is, nobody is in.
    log.error("Not logged in: %s [%s]", type(outcome).__name__, request.request_id)
    return problem(request, 403, "unfinished", *_STALE)
