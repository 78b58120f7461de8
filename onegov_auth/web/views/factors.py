"""``/auth/account/factors`` and below: the second factors one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob.exc import HTTPNotFound

from onegov_auth.forms import FactorNameForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import Enrolling, FactorAdded, Refused, Unavailable
from onegov_auth.web.account_page import account_page, ask_again, identity_of, person_of
from onegov_auth.web.answers import too_many
from onegov_auth.web.factor_asking import has_codes
from onegov_auth.web.factor_pages import FactorAdding, OwnCodes, OwnFactor, OwnFactors
from onegov_auth.web.factor_words import EMPTY, UNCHECKED, factor_message, words_of
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.messages import STALE
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import LoggedIn, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.views.second_factor import code_of

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.second_factors import FactorInfo
    from onegov_auth.second_factors.answering import FactorChoice
    from onegov_auth.web.request import AuthRequest

__all__ = ["add", "change", "codes", "make_codes", "one", "set_up", "show"]

_PATH = "account/factors"
_CODES = "account/factors/codes"

_ADDED = _("Added. From your next login on you can prove with it that it is you.")
_RENAMED = _("Renamed.")
_REMOVED = _("Removed.")
_LAST = _("This is your last second factor, and your account must have one. Please add another one first.")
_BEGIN_AGAIN = _("This took too long. Please begin again.")


@reading(OwnFactors, LoggedIn)
def show(self: OwnFactors, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Those there are, and those that could be added."""
    if (again := ask_again(request, _PATH, factor=True)) is not None:
        return again
    auth = request.root_app.auth
    factors = auth.factors_of(identity_of(request))
    spare = next((factor for factor in factors if factor.spare), None)
    return account_page(
        request,
        "factors",
        _PATH,
        factors=[factor for factor in factors if not factor.spare],
        types=[choice for choice in auth.factor_types() if not choice.spare],
        codes=spare,
        codes_url=page_url(request, _CODES) if has_codes(auth) else None,
        required=_required(request),
        words_of=words_of,
        called=lambda factor: _called(request, factor),
        page_url=lambda path: page_url(request, path),
    )


@reading(FactorAdding, LoggedIn)
def add(self: FactorAdding, request: AuthRequest) -> Response:
    """What has been begun, or a button to begin."""
    path, transaction = _adding(self), query_fields(request).get("transaction")
    if (again := ask_again(request, path, factor=True)) is not None:
        return again
    choice = _choice(request, self.type)
    begun = transaction and request.root_app.auth.enrolling(identity_of(request), transaction, request.client)
    return _setup(request, choice, begun if begun and begun.type == self.type else None)


@AuthPages.view(model=FactorAdding, permission=LoggedIn, request_method="POST")
def set_up(self: FactorAdding, request: AuthRequest) -> Response:
    """Begin, or answer what was asked."""
    request.assert_valid_csrf_token()
    path, fields, auth = _adding(self), posted_fields(request), request.root_app.auth
    if (again := ask_again(request, path, factor=True)) is not None:
        return again
    choice, session = _choice(request, self.type), identity_of(request)
    transaction, answer = fields.get("transaction"), code_of(fields) or None
    begun = auth.enrolling(session, transaction, request.client) if transaction else None
    if transaction and (begun is None or begun.type != self.type):
        request.alert(request.translate(_BEGIN_AGAIN))
        return redirect_to(request, page_url(request, path))
    if begun is not None and answer is None:
        return _setup(request, choice, begun, alert=EMPTY, name=fields.get("name"))
    name = fields.get("name", "").strip() or None
    outcome = auth.enrol(session, self.type, answer, request.client, transaction=transaction or None, name=name)
    if isinstance(outcome, Enrolling):
        return redirect_to(request, page_url(request, path, transaction=outcome.transaction.id))
    if isinstance(outcome, FactorAdded):
        return _added(request)
    return _not_added(request, outcome, choice, transaction, name)


@reading(OwnFactor, LoggedIn)
def one(self: OwnFactor, request: AuthRequest) -> Response:
    """One of them: its name, and the way to get rid of it."""
    if (again := ask_again(request, f"{_PATH}/{self.id}", factor=True)) is not None:
        return again
    factor = _mine(request, self)
    return _one(request, factor, FactorNameForm(language=request.language, data={"name": factor.name}))


@AuthPages.view(model=OwnFactor, permission=LoggedIn, request_method="POST")
def change(self: OwnFactor, request: AuthRequest) -> Response:
    """Rename it, or remove it."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, f"{_PATH}/{self.id}", factor=True)) is not None:
        return again
    factor, fields, auth = _mine(request, self), posted_fields(request), request.root_app.auth
    form = FactorNameForm(FormFields(fields), language=request.language)
    if "remove" in fields:
        done = auth.remove_factor(identity_of(request), self.id, request.client)
    elif form.validate():
        done = auth.rename_factor(identity_of(request), self.id, (form.name.data or "").strip(), request.client)
    else:
        return _one(request, factor, form)
    if not isinstance(done, Refused):
        request.success(request.translate(_REMOVED if "remove" in fields else _RENAMED))
        return redirect_to(request, page_url(request, _PATH))
    if done.code != "last_factor":
        # Removed already, in another window.
        raise HTTPNotFound
    form = FactorNameForm(language=request.language, data={"name": factor.name})
    return _one(request, factor, form, alert=_LAST)


@reading(OwnCodes, LoggedIn)
def codes(self: OwnCodes, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Whether there are any, and a button to make new ones."""
    to = query_fields(request).get("to")
    if (again := ask_again(request, _CODES, factor=True)) is not None:
        return again
    return _codes(request, to)


@AuthPages.view(model=OwnCodes, permission=LoggedIn, request_method="POST")
def make_codes(self: OwnCodes, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Make new ones, and show them: now, and never again."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, _CODES, factor=True)) is not None:
        return again
    to = posted_fields(request).get("to")
    made = request.root_app.auth.regenerate_recovery_codes(identity_of(request), request.client)
    if not isinstance(made, FactorAdded):
        # There is nothing yet that they could stand in for.
        return redirect_to(request, page_url(request, _PATH))
    return _codes(request, to, made.show["codes"])


def _added(request: AuthRequest) -> Response:
    request.success(request.translate(_ADDED))
    auth = request.root_app.auth
    has_spare = any(factor.spare for factor in auth.factors_of(identity_of(request)))
    path = _CODES if has_codes(auth) and not has_spare else _PATH
    return redirect_to(request, page_url(request, path))


def _not_added(
    request: AuthRequest,
    outcome: Refused | Unavailable,
    choice: FactorChoice,
    transaction: str | None,
    name: str | None,
) -> Response:
    auth = request.root_app.auth
    # Read again: a challenge may have been used up by the answer.
    begun = auth.enrolling(identity_of(request), transaction, request.client) if transaction else None
    if isinstance(outcome, Unavailable):
        return _setup(request, choice, begun, alert=UNCHECKED, name=name, status=503)
    alert = _BEGIN_AGAIN if outcome.code in STALE else factor_message(outcome)
    if begun is not None and "options" in begun.show:
        # A passkey's question is good for one answer (WebAuthn §13.4.3).
        anew = auth.enrol(identity_of(request), choice.type, None, request.client)
        begun = anew if isinstance(anew, Enrolling) else None
    return too_many(_setup(request, choice, begun, alert=alert, name=name), outcome)


def _setup(
    request: AuthRequest,
    choice: FactorChoice,
    begun: Enrolling | None,
    *,
    alert: str | None = None,
    name: str | None = None,
    status: int = 200,
) -> Response:
    return account_page(
        request,
        "factor_add",
        f"{_PATH}/add/{choice.type}",
        status,
        choice=choice,
        words=words_of(choice.type),
        asked=begun is not None,
        shown={} if begun is None else begun.show,
        transaction=None if begun is None else begun.transaction.id,
        alert=alert,
        called=name or "",
        names=True,
        back_url=page_url(request, _PATH),
    )


def _one(request: AuthRequest, factor: FactorInfo, form: FactorNameForm, alert: str | None = None) -> Response:
    factors = request.root_app.auth.factors_of(identity_of(request))
    last = not factor.spare and sum(not other.spare for other in factors) == 1
    return account_page(
        request,
        "factor",
        f"{_PATH}/{factor.id}",
        factor=factor,
        title=_called(request, factor),
        form=form,
        last=last,
        kept=last and _required(request),
        codes_url=page_url(request, _CODES) if factor.spare else None,
        alert=alert,
        back_url=page_url(request, _PATH),
    )


def _codes(request: AuthRequest, to: str | None, made: object = ()) -> Response:
    factors = request.root_app.auth.factors_of(identity_of(request))
    spare = next((factor for factor in factors if factor.spare), None)
    back = safe_path(to, page_url(request, _PATH))
    return account_page(request, "recovery_codes", _CODES, codes=made, spare=spare, to=back, factors=factors)


def _adding(page: FactorAdding) -> str:
    return f"{_PATH}/add/{page.type}"


def _choice(request: AuthRequest, type_: str) -> FactorChoice:
    """Recovery codes have a page of their own, and there is no way to set up what is not offered."""
    choices = request.root_app.auth.factor_types()
    found = next((choice for choice in choices if choice.type == type_ and not choice.spare), None)
    if found is None:
        raise HTTPNotFound
    return found


def _mine(request: AuthRequest, page: OwnFactor) -> FactorInfo:
    """One's own; somebody else's is not there."""
    factors = request.root_app.auth.factors_of(identity_of(request))
    found = next((factor for factor in factors if factor.id == page.id), None)
    if found is None:
        raise HTTPNotFound
    return found


def _called(request: AuthRequest, factor: FactorInfo) -> str:
    return visible(factor.name) or request.translate(factor.title)


def _required(request: AuthRequest) -> bool:
    return person_of(request).role in request.root_app.auth.settings.second_factors.required_for
