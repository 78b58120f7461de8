"""``/auth/account/sessions``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from webob.exc import HTTPNotFound

from onegov_auth.accounts.local import LOCAL
from onegov_auth.i18n import _
from onegov_auth.mail import device
from onegov_auth.web.account_page import account_page, ask_again, identity_of, named, person_of
from onegov_auth.web.fields import id_field, posted_fields, query_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.own_pages import LoggedIn, OwnSessions, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.paging import page_of
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.domain import SessionInfo
    from onegov_auth.web.request import AuthRequest

__all__ = ["end", "show"]

_PATH = "account/sessions"
_ENDED = _("The session is ended.")


@dataclass(frozen=True, slots=True)
class Row:
    """A session, for people."""

    id: str
    device: str
    address: str | None
    provider: str | None
    created: datetime
    last_seen: datetime
    current: bool


@reading(OwnSessions, LoggedIn)
def show(self: OwnSessions, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Where one is logged in: this device first, then the one used last."""
    if (again := ask_again(request, _PATH)) is not None:
        return again
    auth = request.root_app.auth
    sessions = [_row(request, session) for session in auth.sessions.list(request.db, person_of(request).id)]
    sessions.sort(key=lambda row: not row.current)
    pages = page_of(len(sessions), query_fields(request), page_url(request, _PATH))
    return account_page(
        request, "sessions", _PATH, sessions=pages.part(sessions), others=len(sessions) > 1, pages=pages
    )


@AuthPages.view(model=OwnSessions, permission=LoggedIn, request_method="POST")
def end(self: OwnSessions, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """End one session, the others, or all of them (ASVS 7.5.2: after a fresh login)."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, _PATH)) is not None:
        return again
    auth, fields = request.root_app.auth, posted_fields(request)
    what = fields.get("end")
    if what == "all":
        auth.end_sessions(identity_of(request), request.client, others=False)
        return request.auth.logout_to("/")
    if what == "others":
        count = auth.end_sessions(identity_of(request), request.client)
        request.success(request.translate.plural("{n} session is ended.", "{n} sessions are ended.", count))
    elif auth.end_session(identity_of(request), id_field(fields, "session"), request.client):
        request.success(request.translate(_ENDED))
    else:
        # Ended already, or somebody else's: there is no telling which.
        raise HTTPNotFound
    return redirect_to(request, page_url(request, _PATH))


def _row(request: AuthRequest, session: SessionInfo) -> Row:
    return Row(
        id=str(session.id),
        device=device(session.user_agent, request.translate),
        address=session.address,
        provider=None if session.provider == LOCAL else named(request, session.provider),
        created=session.created,
        last_seen=session.last_seen,
        current=session.id == identity_of(request).session_id,
    )
