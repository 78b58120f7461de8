"""``/auth/account/confirm``: who one is, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.forms import ConfirmForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Refused, StepRequired, Unavailable
from onegov_auth.outcomes import LoggedIn as Entered
from onegov_auth.providers import PasswordProvider, RedirectProvider
from onegov_auth.web.account_page import FRESH, identity_of, person_of
from onegov_auth.web.answers import after_start, after_step, not_filled_in, too_many, with_session
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.factor_asking import after_factor
from onegov_auth.web.fields import FormFields, all_fields, query_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.messages import unavailable_message, wait_message
from onegov_auth.web.own_pages import Confirmation, LoggedIn, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.outcomes import Outcome
    from onegov_auth.web.request import AuthRequest

__all__ = ["confirm", "show"]

_WRONG = _("That was not it. Please check your password.")


@reading(Confirmation, LoggedIn)
def show(self: Confirmation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The password, or the buttons of the providers the person comes by; nothing if the login is fresh already."""
    auth, fields, identity = request.root_app.auth, query_fields(request), identity_of(request)
    to = safe_path(fields.get("to"))
    if auth.may_change_factors(identity) if "factor" in fields else auth.is_fresh(identity):
        return redirect_to(request, to)
    return _page(request, ConfirmForm(language=request.language), to)


@AuthPages.view(model=Confirmation, permission=LoggedIn, request_method="POST")
def confirm(self: Confirmation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Compare the password, or begin a fresh login at a provider."""
    assert_own_try(request, "login")
    auth, fields = request.root_app.auth, all_fields(request)
    to = safe_path(fields.get("to"))
    provider = fields.get("provider")
    if provider is not None:
        if provider not in _sources(request):
            return _page(request, ConfirmForm(language=request.language), to)
        return after_start(request, auth.start(provider, request.client, to, hints=FRESH), to=to)
    form = ConfirmForm(FormFields(fields), language=request.language)
    if not form.validate():
        return not_filled_in(request, _page(request, form, to), "login", identity_of(request).userid)
    outcome = auth.confirm_identity(identity_of(request), form.password.data or "", request.client, to)
    return _after(request, outcome, form, to)


def _after(request: AuthRequest, outcome: Outcome, form: ConfirmForm, to: str) -> Response:
    if isinstance(outcome, Entered):
        return with_session(request, redirect_to(request, outcome.to), outcome)
    if isinstance(outcome, FactorRequired | EnrolmentRequired):
        return after_factor(request, outcome)
    if isinstance(outcome, StepRequired) and (response := after_step(request, outcome)) is not None:
        return response
    if isinstance(outcome, Unavailable):
        alert = unavailable_message(outcome, request.root_app.auth.providers)
        return _page(request, form, to, alert=alert, status=503)
    if isinstance(outcome, Refused):
        return too_many(_page(request, form, to, alert=wait_message(outcome) or _WRONG), outcome)
    return _page(request, form, to, alert=_WRONG)


def _sources(request: AuthRequest) -> set[str]:
    """The providers the person can come by."""
    user = person_of(request)
    mine = user.password_hash and request.root_app.auth.password_login(user.role)
    return {identity.source for identity in user.identities} | ({LOCAL} if mine else set())


def _page(request: AuthRequest, form: ConfirmForm, to: str, *, alert: str | None = None, status: int = 200) -> Response:
    providers, sources = request.root_app.auth.providers, _sources(request)
    mine = [provider for name, provider in providers.items() if name in sources]
    return page(
        request,
        "confirm",
        status,
        form=form if any(isinstance(provider, PasswordProvider) for provider in mine) else None,
        buttons=[one for one in mine if isinstance(one, RedirectProvider)],
        user=person_of(request),
        to=to,
        alert=alert,
        action=page_url(request, "account/confirm"),
        csrf_token=request.csrf_token,
        back_url=page_url(request, "account"),
    )
