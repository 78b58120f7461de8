"""``/auth/step``: what has to be done before somebody gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError
from onegov_auth.forms import Form, step_form
from onegov_auth.i18n import Text, _
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, LoggedIn, Refused, StepRequired, Unavailable
from onegov_auth.web.answers import after_step, complete_login, too_many
from onegov_auth.web.factor_asking import after_factor
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.names import visible
from onegov_auth.web.new_password import ask_for_password, say_why
from onegov_auth.web.own_pages import PendingStep, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.refusals import problem
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.outcomes import Outcome
    from onegov_auth.steps import PendingStep as Pending
    from onegov_auth.web.request import AuthRequest

__all__ = ["show", "take"]

_STALE = (
    _("This login can't be finished"),
    _("It was begun in another browser, took too long, or is finished already. Please begin again."),
)
_REFUSALS = {
    "terms_not_accepted": _("Please accept the terms, or cancel."),
    "missing_fields": _("Please fill in all of it."),
}
_REFUSED = _("That did not do. Please check what you typed.")

#: Title, text and button of our own steps.
_WORDS = {
    "change_password": (
        _("Choose a new password"),
        _("Before you go on as {name}, please choose a new password."),
        _("Save and go on"),
    ),
    "accept_terms": (
        _("Terms of use"),
        _("Before you go on as {name}, please read and accept the [terms of use]({url})."),
        _("Go on"),
    ),
    "complete_profile": (
        _("Please complete your profile"),
        _("Before you go on as {name}, please fill in what is missing."),
        _("Save and go on"),
    ),
}
_OTHER = (_("One more step"), _("Before you go on as {name}, please fill in what is missing."), _("Go on"))


@reading(PendingStep)
def show(self: PendingStep, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The step that waits in this browser."""
    transaction = query_fields(request).get("transaction", "")
    pending = request.root_app.auth.pending_step(transaction, request.client)
    if pending is None:
        return problem(request, 400, "unknown_transaction", *_STALE)
    return _page(request, transaction, pending, _form(request, pending))


@AuthPages.view(model=PendingStep, request_method="POST")
def take(self: PendingStep, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Take it, and go on with the login."""
    request.assert_valid_csrf_token()
    auth, fields = request.root_app.auth, posted_fields(request)
    transaction = fields.get("transaction", "")
    pending = auth.pending_step(transaction, request.client)
    if pending is None:
        return problem(request, 400, "unknown_transaction", *_STALE)
    form = _form(request, pending, FormFields(fields))
    if not form.validate():
        return _page(request, transaction, pending, form)
    try:
        outcome = auth.take_step(transaction, pending.step, _answer(fields), request.client)
    except (InsecurePasswordError, InvalidPasswordError) as error:
        say_why(request, form["password"], error)
        return _page(request, transaction, pending, form)
    return _after(request, outcome, transaction, pending, form)


def _after(request: AuthRequest, outcome: Outcome, transaction: str, pending: Pending, form: Form) -> Response:
    if isinstance(outcome, LoggedIn):
        return complete_login(request, outcome)
    if isinstance(outcome, FactorRequired | EnrolmentRequired):
        return after_factor(request, outcome)
    if isinstance(outcome, StepRequired):
        link = outcome.transaction.id
        return after_step(request, outcome) or redirect_to(request, login_url(request, link=link))
    if isinstance(outcome, Refused) and request.root_app.auth.pending_step(transaction, request.client) is not None:
        alert = wait_message(outcome) or _REFUSALS.get(outcome.code, _REFUSED)
        return too_many(_page(request, transaction, pending, form, alert=alert), outcome)
    status = 503 if isinstance(outcome, Unavailable) else 400
    return problem(request, status, "step_refused", *_STALE)


def _form(request: AuthRequest, pending: Pending, fields: FormFields | None = None) -> Form:
    return step_form(pending.step, pending.shown, fields, language=request.language)


def _answer(fields: FormFields | dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in {"csrf_token", "transaction"}}


def _page(
    request: AuthRequest, transaction: str, pending: Pending, form: Form, *, alert: str | None = None
) -> Response:
    title, text, button = _words(pending)
    passwords: list[Any] = [field for field in form if field.type == "PasswordField"]
    return page(
        request,
        "step",
        form=form,
        step=pending.step,
        title=title,
        text=text,
        button=button,
        alert=alert,
        transaction=transaction,
        hint=request.translate(ask_for_password(request, *passwords)) if passwords else None,
        action=page_url(request, "step"),
        csrf_token=request.csrf_token,
        login_url=login_url(request, local="1"),
    )


def _words(pending: Pending) -> tuple[str, str, str]:
    """Title, text and button; a step of the application brings its own, as Markdown."""
    title, text, button = _WORDS.get(pending.step, _OTHER)
    own = pending.shown
    if pending.step not in _WORDS:
        title, button = str(own.get("title", title)), str(own.get("button", button))
        if "text" in own:
            return title, str(own["text"]), button
    return title, Text(text, name=visible(pending.username), url=own.get("url", "")), button
