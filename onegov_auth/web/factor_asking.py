"""From a proven identity to the page that asks for a second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob import Response

from onegov_auth.i18n import _
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Refused, Unavailable
from onegov_auth.web.factor_words import UNCHECKED, factor_message
from onegov_auth.web.links import page_url
from onegov_auth.web.messages import STALE
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from onegov_auth.auth import Auth
    from onegov_auth.web.request import AuthRequest

__all__ = ["after_factor", "ask", "factor_url", "has_codes"]

_REQUIRED = _("A second factor is needed to log in.")
_ENROLMENT = _("Your account needs a second factor. Please log in with a browser and set one up.")


def after_factor(request: AuthRequest, outcome: FactorRequired | EnrolmentRequired) -> Response:
    """
    On to the factor, or to the choice of one to set up; a program is told what is missing.

    Who gets here has proven who they are: nobody else learns which factors somebody has (ENUM-01).
    """
    enrolment = isinstance(outcome, EnrolmentRequired)
    if request.wants_json:
        code, text = ("enrolment_required", _ENROLMENT) if enrolment else ("second_factor_required", _REQUIRED)
        body = {"error": code, "message": request.translate(text), "request_id": request.request_id}
        response = Response(json_body=body, status=401, cache_control="no-store")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    # The id works in this browser only, and not for long.
    transaction = outcome.transaction.id
    if enrolment or not outcome.factors:
        return redirect_to(request, page_url(request, "second-factor", transaction=transaction))
    return ask(request, transaction, outcome.factors[0])


def ask(request: AuthRequest, transaction: str, type_: str) -> Response:
    """Ask for that factor, and go on to its page; back to the choice if it can't be asked for."""
    asked = request.root_app.auth.challenge(transaction, type_, request.client)
    if isinstance(asked, Refused | Unavailable):
        if asked.code not in STALE:
            text = factor_message(asked) if isinstance(asked, Refused) else UNCHECKED
            request.alert(request.translate(text))
        return redirect_to(request, page_url(request, "second-factor", transaction=transaction))
    return redirect_to(request, factor_url(request, type_, transaction=transaction))


def factor_url(request: AuthRequest, type_: str, **query: str | None) -> str:
    """The path of a factor's page at login."""
    return page_url(request, f"second-factor/{type_}", **query)


def has_codes(auth: Auth) -> bool:
    """Whether there are recovery codes."""
    return "recovery_codes" in auth.factors
