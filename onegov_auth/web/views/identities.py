"""``/auth/account/identities``: by which providers one may log in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from webob.exc import HTTPNotFound

from onegov_auth.i18n import _
from onegov_auth.outcomes import Refused
from onegov_auth.providers import RedirectProvider
from onegov_auth.web.account_page import account_page, ask_again, identity_of, named, person_of
from onegov_auth.web.answers import after_start
from onegov_auth.web.fields import id_field, posted_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.own_pages import LoggedIn, OwnIdentities, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["change", "show"]

_PATH = "account/identities"
_REMOVED = _("Removed. You can no longer log in this way.")
_LAST = _("This is the only way you can log in, and stays.")


@dataclass(frozen=True, slots=True)
class Row:
    """A linked identity, for people."""

    id: str
    provider: str
    created: datetime
    last_used: datetime | None
    removable: bool


@reading(OwnIdentities, LoggedIn)
def show(self: OwnIdentities, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The ways there are, and those that could be added."""
    if (again := ask_again(request, _PATH)) is not None:
        return again
    user = person_of(request)
    auth = request.root_app.auth
    known = auth.providers
    password = bool(user.password_hash) and auth.password_login(user.role)
    several = password + len(user.identities) > 1
    linked = {identity.source for identity in user.identities}
    return account_page(
        request,
        "identities",
        _PATH,
        password=password,
        password_url=page_url(request, "account/password"),
        identities=[
            Row(str(one.id), named(request, one.source), one.created, one.last_used, several)
            for one in sorted(user.identities, key=lambda one: one.created)
        ],
        linkable=[one for one in known.values() if isinstance(one, RedirectProvider) and one.name not in linked],
    )


@AuthPages.view(model=OwnIdentities, permission=LoggedIn, request_method="POST")
def change(self: OwnIdentities, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Begin to link an identity by a login at its provider, or remove one."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, _PATH)) is not None:
        return again
    auth, fields, session = request.root_app.auth, posted_fields(request), identity_of(request)
    if "link" in fields:
        to = page_url(request, _PATH)
        # Who asks has just confirmed who they are here; not every provider could say when they did so there.
        outcome = auth.start(fields["link"], request.client, to, hints={"prompt": "login"}, link_to=session)
        return after_start(request, outcome, to=to)
    done = auth.unlink(session, id_field(fields, "identity"), request.client)
    if not isinstance(done, Refused):
        request.success(request.translate(_REMOVED))
    elif done.code == "last_way_in":
        request.alert(request.translate(_LAST))
    else:
        # Removed already, or somebody else's: there is no telling which.
        raise HTTPNotFound
    return redirect_to(request, page_url(request, _PATH))
