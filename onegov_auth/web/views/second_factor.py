"""``/auth/second-factor`` and below: proving a second factor at login, or setting up the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob.exc import HTTPNotFound

from onegov_auth.factors import EnrolmentForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import LoggedIn, Refused, Unavailable
from onegov_auth.web.answers import after_proof, not_filled_in, too_many, with_session
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.factor_asking import ask, factor_url, has_codes
from onegov_auth.web.factor_pages import FactorAnswer, FactorChoosing
from onegov_auth.web.factor_words import EMPTY, UNCHECKED, factor_message, words_of
from onegov_auth.web.fields import posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.refusals import problem
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.outcomes import Outcome
    from onegov_auth.second_factors.answering import FactorChoice, PendingFactor
    from onegov_auth.web.request import AuthRequest

__all__ = ["answer", "choose", "chosen", "code_of", "show"]

_STALE = (
    _("This login can't be finished"),
    _("It was begun in another browser, took too long, or is finished already. Please begin again."),
)

#: The field of our pages, and those of the first seed's forms.
_FIELDS = ("code", "totp", "tan")


def code_of(fields: Mapping[str, str]) -> str:
    """What was typed, as it was typed; empty if nothing was."""
    return next((fields[name] for name in _FIELDS if fields.get(name, "").strip()), "")


@reading(FactorChoosing)
def choose(self: FactorChoosing, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Those the person has; or may set up, if none is there and one is needed."""
    transaction = query_fields(request).get("transaction", "")
    pending = _pending(request, transaction)
    if pending is None:
        return _stale(request)
    return page(
        request,
        "second_factors",
        pending=pending,
        username=visible(pending.username),
        words_of=words_of,
        transaction=transaction,
        action=page_url(request, "second-factor"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )


@AuthPages.view(model=FactorChoosing, request_method="POST")
def chosen(self: FactorChoosing, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Go on with the one that was chosen."""
    assert_own_try(request, "factor")
    fields = posted_fields(request)
    transaction, type_ = fields.get("transaction", ""), fields.get("type", "")
    pending = _pending(request, transaction)
    if pending is None:
        return _stale(request)
    _must_have(pending, type_)
    return _begin(request, transaction, pending, type_)


@reading(FactorAnswer)
def show(self: FactorAnswer, request: AuthRequest) -> Response:
    """The question as it was asked; nothing is sent, and nothing is made up anew."""
    transaction = query_fields(request).get("transaction", "")
    pending = _pending(request, transaction)
    if pending is None:
        return _stale(request)
    _must_have(pending, self.type)
    return _page(request, transaction, pending, self.type)


@AuthPages.view(model=FactorAnswer, request_method="POST")
def answer(self: FactorAnswer, request: AuthRequest) -> Response:
    """What was typed; or, with ``ask``, the wish to be asked (again)."""
    assert_own_try(request, "factor")
    fields = posted_fields(request)
    transaction = fields.get("transaction", "")
    pending = _pending(request, transaction)
    if pending is None:
        return _stale(request)
    _must_have(pending, self.type)
    if "ask" in fields:
        return _begin(request, transaction, pending, self.type)
    code = code_of(fields)
    if not code:
        empty = _page(request, transaction, pending, self.type, alert=EMPTY)
        return not_filled_in(request, empty, "factor", pending.username)
    auth = request.root_app.auth
    outcome: Outcome | EnrolmentForm
    if pending.enrolment:
        outcome = auth.enrol_at_login(transaction, self.type, code, request.client)
    else:
        outcome = auth.verify_factor(transaction, self.type, code, request.client, trust="trust" in fields)
    return _after(request, outcome, transaction, pending, self.type)


def _begin(request: AuthRequest, transaction: str, pending: PendingFactor, type_: str) -> Response:
    """Ask for a factor, or begin to set it up; its page comes next."""
    if not pending.enrolment:
        return ask(request, transaction, type_)
    outcome = request.root_app.auth.enrol_at_login(transaction, type_, None, request.client)
    if isinstance(outcome, Refused | Unavailable):
        request.alert(request.translate(_why(outcome)))
        return redirect_to(request, page_url(request, "second-factor", transaction=transaction))
    return _after(request, outcome, transaction, pending, type_)


def _after(
    request: AuthRequest, outcome: Outcome | EnrolmentForm, transaction: str, pending: PendingFactor, type_: str
) -> Response:
    if isinstance(outcome, EnrolmentForm):
        # There is one more thing to answer, such as the code that was sent to the number.
        return redirect_to(request, factor_url(request, type_, transaction=transaction))
    if isinstance(outcome, Refused | Unavailable):
        return _again(request, outcome, transaction, type_)
    if isinstance(outcome, LoggedIn) and request.is_logged_in and request.identity.userid == outcome.user.username:
        # Nobody comes in: who is in already confirmed it.
        return with_session(request, redirect_to(request, safe_path(outcome.to)), outcome)
    first = "account/factors/codes" if pending.enrolment and has_codes(request.root_app.auth) else None
    return after_proof(request, outcome, first)


def _again(request: AuthRequest, outcome: Refused | Unavailable, transaction: str, type_: str) -> Response:
    """The same page says what was wrong, as long as the login waits for an answer."""
    pending = _pending(request, transaction)
    if pending is None:
        return _stale(request, 503 if isinstance(outcome, Unavailable) else 400)
    if isinstance(outcome, Unavailable):
        return _page(request, transaction, pending, type_, alert=UNCHECKED, status=503)
    if outcome.retry_after is None and _is_spent(request, pending, type_):
        _once_more(request, transaction, pending, type_)
        pending = _pending(request, transaction) or pending
    return too_many(_page(request, transaction, pending, type_, alert=_why(outcome)), outcome)


def _is_spent(request: AuthRequest, pending: PendingFactor, type_: str) -> bool:
    """A passkey's question is good for one answer (WebAuthn §13.4.3); a message is sent for a click only."""
    return "options" in pending.show or not (pending.enrolment or request.root_app.auth.factors[type_].sends)


def _once_more(request: AuthRequest, transaction: str, pending: PendingFactor, type_: str) -> None:
    auth = request.root_app.auth
    if pending.enrolment:
        auth.enrol_at_login(transaction, type_, None, request.client)
    else:
        auth.challenge(transaction, type_, request.client)


def _why(outcome: Refused | Unavailable) -> str:
    return factor_message(outcome) if isinstance(outcome, Refused) else UNCHECKED


def _pending(request: AuthRequest, transaction: str) -> PendingFactor | None:
    return request.root_app.auth.pending_factor(transaction, request.client)


def _must_have(pending: PendingFactor, type_: str) -> None:
    """One that the person has not, or that can't be set up here, is not there (MFA-04)."""
    if not any(choice.type == type_ for choice in pending.factors):
        raise HTTPNotFound


def _choice(pending: PendingFactor, type_: str) -> FactorChoice:
    return next(choice for choice in pending.factors if choice.type == type_)


def _stale(request: AuthRequest, status: int = 400) -> Response:
    return problem(request, status, "unknown_transaction", *_STALE)


def _page(
    request: AuthRequest,
    transaction: str,
    pending: PendingFactor,
    type_: str,
    *,
    alert: str | None = None,
    status: int = 200,
) -> Response:
    choice, words = _choice(pending, type_), words_of(type_)
    asked = pending.begun == type_
    days = request.root_app.auth.settings.second_factors.trusted_device.days
    return page(
        request,
        "second_factor_setup" if pending.enrolment else "second_factor",
        status,
        choice=choice,
        sends=request.root_app.auth.factors[type_].sends,
        words=words,
        asked=asked,
        shown=pending.show if asked else {},
        names=False,
        username=visible(pending.username),
        alert=alert,
        trust_days=max(days, 1) if pending.trust else None,
        transaction=transaction,
        action=factor_url(request, type_),
        csrf_token=request.csrf_token,
        others_url=page_url(request, "second-factor", transaction=transaction) if len(pending.factors) > 1 else None,
        login_url=login_url(request, local="1"),
    )
