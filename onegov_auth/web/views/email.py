"""``/auth/account/email`` and below: a new address, confirmed there, and revocable from the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob.exc import HTTPForbidden

from onegov_auth.forms import ChangeEmailForm
from onegov_auth.i18n import Text, _
from onegov_auth.notices import address_of
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import account_page, ask_again, identity_of, named, person_of
from onegov_auth.web.answers import too_many
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.links import login_url, page_url
from onegov_auth.web.messages import wait_message
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import EmailConfirmation, EmailRevocation, LoggedIn, OwnEmail, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to
from onegov_auth.web.refusals import forbidden
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["change", "confirm", "revoke", "show", "show_confirmation", "show_revocation"]

_PATH = "account/email"
_SENT = _("A mail is on its way to {address}. Open the link in it, and the address is changed.")
_CANCELLED = _("The address stays as it is.")
_CHANGED = _("Your e-mail address is changed.")
_REVOKED = _("The change is taken back. If it was not you who changed it, please choose a new password.")
_CONFIRM = (
    _("Confirm your new address"),
    _("From now on, mails for {name} go to {address}."),
    _("Use this address"),
)
_REVOKE = (
    _("Keep your old address"),
    _("{name} is to get mails at {address}. If that was not you, take it back; you are logged out everywhere then."),
    _("Take the change back"),
)
_REFUSALS = {
    "invalid_address": _("This is not an e-mail address."),
    "same_address": _("This is your address already."),
}
_REFUSED = _("The address could not be changed.")
_TAKEN = _("This address can't be used.")


@reading(OwnEmail)
def show(self: OwnEmail, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """
    The address, and a form for another one.

    The links in the mails lead here as well, and are good for people who are not logged in: they go on to their own
    pages first.
    """
    fields = query_fields(request)
    for purpose in ("confirm", "revoke"):
        if purpose in fields:
            return carry(request, f"email-{purpose}", fields[purpose], page_url(request, f"{_PATH}/{purpose}"))
    if request.is_bearer or not request.is_logged_in:
        return forbidden(HTTPForbidden(), request)
    return ask_again(request, _PATH) or _page(request, ChangeEmailForm(language=request.language))


@AuthPages.view(model=OwnEmail, permission=LoggedIn, request_method="POST")
def change(self: OwnEmail, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Send a mail to the new address, or think better of it."""
    request.assert_valid_csrf_token()
    auth, fields = request.root_app.auth, posted_fields(request)
    if "cancel" in fields:
        auth.cancel_email(identity_of(request), request.client)
        request.success(request.translate(_CANCELLED))
        return redirect_to(request, page_url(request, _PATH))
    form = ChangeEmailForm(FormFields(fields), language=request.language)
    if not form.validate():
        return _page(request, form)
    address = (form.email.data or "").strip()
    outcome = auth.change_email(identity_of(request), address, request.client)
    if isinstance(outcome, Refused):
        return ask_again(request, _PATH) or _refused(request, outcome, form)
    request.info(request.translate(_SENT).format(address=visible(address)))
    return redirect_to(request, page_url(request, _PATH))


@reading(EmailConfirmation)
def show_confirmation(self: EmailConfirmation, request: AuthRequest) -> Response:  # noqa: ARG001 - the same
    """Which address is to be whose, and a button: looking changes nothing."""
    token = carried(request, "email-confirm")
    found = request.root_app.auth.pending_email(token) if token else None
    return _link_page(request, "confirm", token, found)


@AuthPages.view(model=EmailConfirmation, request_method="POST")
def confirm(self: EmailConfirmation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The address is the person's own: change it."""
    request.assert_valid_csrf_token()
    outcome = request.root_app.auth.confirm_email(posted_fields(request).get("token", ""), request.client)
    put_down(request)
    if isinstance(outcome, Refused):
        if outcome.code == "address_taken":
            request.alert(request.translate(_TAKEN))
            return _onward(request)
        return too_many(_link_page(request, "confirm", None, None), outcome)
    request.success(request.translate(_CHANGED))
    return _onward(request)


@reading(EmailRevocation)
def show_revocation(self: EmailRevocation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Which change is to be taken back, and a button."""
    token = carried(request, "email-revoke")
    found = request.root_app.auth.revocable_email(token) if token else None
    return _link_page(request, "revoke", token, found)


@AuthPages.view(model=EmailRevocation, request_method="POST")
def revoke(self: EmailRevocation, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Take the change back; all sessions end."""
    request.assert_valid_csrf_token()
    outcome = request.root_app.auth.revoke_email(posted_fields(request).get("token", ""), request.client)
    put_down(request)
    if isinstance(outcome, Refused):
        return too_many(_link_page(request, "revoke", None, None), outcome)
    request.warning(request.translate(_REVOKED))
    return redirect_to(request, login_url(request, local="1"))


def _onward(request: AuthRequest) -> Response:
    """To the account, or to the login page which leads there."""
    return redirect_to(request, page_url(request, "account"))


def _refused(request: AuthRequest, refused: Refused, form: ChangeEmailForm) -> Response:
    if refused.code in _REFUSALS:
        form.email.errors = [request.translate(_REFUSALS[refused.code])]
        return _page(request, form)
    return too_many(_page(request, form, alert=wait_message(refused) or _REFUSED), refused)


def _page(request: AuthRequest, form: ChangeEmailForm, alert: str | None = None) -> Response:
    user = person_of(request)
    # Somebody without a password here has the address from the provider, and it follows at each login.
    return account_page(
        request,
        "email",
        _PATH,
        form=form if user.password_hash else None,
        email=address_of(user) or user.email,
        pending=user.email_pending,
        provider=named(request, user.source),
        alert=alert,
    )


def _link_page(request: AuthRequest, purpose: str, token: str | None, found: tuple[str, str] | None) -> Response:
    title, text, button = _CONFIRM if purpose == "confirm" else _REVOKE
    name, address = map(visible, found or ("", ""))
    return page(
        request,
        "email_link",
        token=token if found else None,
        title=title,
        text=Text(text, name=name, address=address),
        button=button,
        action=page_url(request, f"{_PATH}/{purpose}"),
        csrf_token=request.csrf_token,
    )
