"""``/auth/account`` and ``/auth/account/activity``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.forms import ProfileForm
from onegov_auth.i18n import _
from onegov_auth.web.account_page import account_page, identity_of, named, person_of
from onegov_auth.web.app import AuthApp
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.happenings import happening
from onegov_auth.web.links import page_url
from onegov_auth.web.own_pages import Account, ChangePassword, LoggedIn, OwnActivity, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.paging import page_of
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["activity", "save", "show", "to_password"]

_SAVED = _("Your name and language are saved.")
_NAME_FROM = _("Your name comes from {provider} and follows it at every login.")

#: How many events of one person are shown at most, over all pages.
_MOST = 200


@reading(Account, LoggedIn)
def show(self: Account, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Who one is here."""
    user = person_of(request)
    form = ProfileForm(language=request.language, data={"realname": user.realname, "language": user.language or ""})
    return _page(request, form)


@AuthPages.view(model=Account, permission=LoggedIn, request_method="POST")
def save(self: Account, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Save name and language."""
    request.assert_valid_csrf_token()
    form = ProfileForm(FormFields(posted_fields(request)), language=request.language)
    if not form.validate():
        return _page(request, form)
    name, language = (form.realname.data or "").strip() or None, form.language.data or None
    request.root_app.auth.change_profile(identity_of(request), request.client, realname=name, language=language)
    # In the language that was chosen just now.
    for known in ("identity", "current_user", "language", "translate"):
        request.__dict__.pop(known, None)
    request.success(request.translate(_SAVED))
    return redirect_to(request, page_url(request, "account"))


@reading(OwnActivity, LoggedIn)
def activity(self: OwnActivity, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """What happened to the account, the latest first."""
    auth, path = request.root_app.auth, "account/activity"
    events = auth.activity(request.db, person_of(request).id, limit=_MOST)
    pages = page_of(len(events), query_fields(request), page_url(request, path))
    shown = [happening(request, event) for event in pages.part(events)]
    return account_page(request, "activity", path, events=shown, pages=pages)


@AuthApp.view(model=ChangePassword)
def to_password(self: ChangePassword, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Where password managers send people ("A Well-Known URL for Changing Passwords", W3C)."""
    return redirect_to(request, page_url(request, "account/password"))


def _page(request: AuthRequest, form: ProfileForm) -> Response:
    source = person_of(request).source
    provider = named(request, source) if source else None
    help_text = request.translate(_NAME_FROM).format(provider=provider) if provider else None
    return account_page(request, "account", "account", form=form, name_help=help_text)
