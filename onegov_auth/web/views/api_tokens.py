"""``/auth/account/tokens``: one's own API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from webob.exc import HTTPNotFound

from onegov_auth.forms import ApiTokenForm
from onegov_auth.i18n import _
from onegov_auth.models import key_of
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import account_page, ask_again, identity_of, person_of
from onegov_auth.web.answers import too_many
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.fields import FormFields, id_field, posted_fields, query_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import LoggedIn, OwnTokens, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.paging import page_of
from onegov_auth.web.permissions import Intent, Personal, Private, Secret
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.api_tokens import ApiTokenInfo
    from onegov_auth.web.identity import RequestIdentity
    from onegov_auth.web.request import AuthRequest

__all__ = ["change", "show"]

_PATH = "account/tokens"
_REVOKED = _("The token is revoked.")
_REFUSALS = {
    "no_name": _("Please enter a name."),
    "empty_scope": _("Please choose what the token is good for."),
    "too_many_tokens": _("You have too many tokens. Revoke one that you do not need any more."),
    "locked": _("You have made many tokens just now. Please try again later."),
}
_REFUSED = _("The token could not be made.")

#: The box for everything, which no permission is called.
_ALL = "*"

#: What the intents are called, in order of power.
_INTENTS: Mapping[type[Intent], str] = {
    Personal: _("See what is for members"),
    Private: _("Work on the contents"),
    Secret: _("Run the site"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A token, for people."""

    id: str
    name: str
    scope: tuple[str, ...] | None
    created: datetime
    expires: datetime
    last_used: datetime | None
    good: bool


@dataclass(frozen=True, slots=True)
class Box:
    """Something a token may be good for."""

    name: str
    label: str
    checked: bool


@reading(OwnTokens, LoggedIn)
def show(self: OwnTokens, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """One's tokens, and the one that was made just now."""
    if (again := ask_again(request, _PATH, factor=True)) is not None:
        return again
    token = carried(request, "api-token")
    if token is not None:
        put_down(request)
    return _page(request, _form(request), token=token)


@AuthPages.view(model=OwnTokens, permission=LoggedIn, request_method="POST")
def change(self: OwnTokens, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Make a token, or revoke one."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, _PATH, factor=True)) is not None:
        return again
    fields = posted_fields(request)
    if "revoke" in fields:
        return _revoke(request, fields)
    form = _form(request, FormFields(fields))
    chosen = {scope for scope in _offered(request) if f"may.{scope}" in fields}
    if not form.validate():
        return _page(request, form, chosen)
    made = request.root_app.auth.create_api_token(
        identity_of(request),
        form.name.data or "",
        request.client,
        scope=None if _ALL in chosen else chosen,
        valid=form.valid,
    )
    if isinstance(made, Refused):
        alert = _REFUSALS.get(made.code, _REFUSED)
        return too_many(_page(request, form, chosen, alert=alert), made)
    # Shown once: only its hash is kept.
    return carry(request, "api-token", made.token, page_url(request, _PATH))


def _revoke(request: AuthRequest, fields: Mapping[str, str]) -> Response:
    token_id = id_field(fields, "revoke")
    if not request.root_app.auth.revoke_api_token(identity_of(request), token_id, request.client):
        # Revoked already, or somebody else's: there is no telling which.
        raise HTTPNotFound
    request.success(request.translate(_REVOKED))
    return redirect_to(request, page_url(request, _PATH))


def _form(request: AuthRequest, fields: FormFields | None = None) -> ApiTokenForm:
    longest = request.root_app.auth.settings.tokens.api.expires
    return ApiTokenForm(fields, language=request.language, longest=longest)


def _offered(request: AuthRequest) -> dict[str, str]:
    """What the person may do, and how it is called."""
    root = request.root_app
    identity = cast("RequestIdentity", request.identity)
    texts = {_ALL: request.translate(_("Everything I may do"))}
    for intent, label in _INTENTS.items():
        if request.has_permission(root, intent):
            texts[intent.__name__] = request.translate(label)
    about = root.catalogue
    tokens = sorted(root.permission_tokens(identity))
    return texts | {token: f"{token} – {about[token]}" if about.get(token) else token for token in tokens}


def _page(
    request: AuthRequest,
    form: ApiTokenForm,
    chosen: set[str] | None = None,
    *,
    token: str | None = None,
    alert: str | None = None,
) -> Response:
    auth = request.root_app.auth
    offered = _offered(request)
    tokens = auth.api_tokens.list(request.db, key_of(person_of(request)))
    pages = page_of(len(tokens), query_fields(request), page_url(request, _PATH))
    return account_page(
        request,
        "api_tokens",
        _PATH,
        form=form,
        boxes=[Box(f"may.{scope}", text, scope in (chosen or ())) for scope, text in offered.items()],
        tokens=[_row(request, info, offered) for info in pages.part(tokens)],
        pages=pages,
        token=token,
        alert=alert,
    )


def _row(request: AuthRequest, info: ApiTokenInfo, names: Mapping[str, str]) -> Row:
    now: Any = request.root_app.auth.clock()
    return Row(
        id=str(info.id),
        name=visible(info.name),
        scope=None if info.scope is None else tuple(visible(names.get(scope, scope)) for scope in info.scope),
        created=info.created,
        expires=info.expires,
        last_used=info.last_used,
        good=now < info.expires,
    )
