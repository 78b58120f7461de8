"""What the pages of one's own account have in common: the menu, the person, and whether the login is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from onegov_auth.i18n import _
from onegov_auth.web.links import logout_url, page_url
from onegov_auth.web.names import provider_name
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.domain import Identity
    from onegov_auth.models import User
    from onegov_auth.web.request import AuthRequest

__all__ = ["FRESH", "account_page", "ask_again", "identity_of", "named", "person_of"]

#: What a provider is asked for a login that is fresh: the person, whatever session there is (OIDC Core §3.1.2.1).
FRESH = {"prompt": "login", "max_age": "0"}

_MENU = (
    ("account", _("Your account")),
    ("account/password", _("Password")),
    ("account/email", _("E-mail address")),
    ("account/identities", _("Ways to log in")),
    ("account/factors", _("Second factors")),
    ("account/sessions", _("Sessions")),
    ("account/activity", _("Recent activity")),
)

#: For administrators only.
_ADMINISTRATION = (("admin/signup-links", _("Signup links")),)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu."""

    url: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Me:
    """Who is logged in, for the head of the page."""

    name: str
    url: str
    logout_url: str


def person_of(request: AuthRequest) -> User:
    """Who is logged in; the permission of the page has seen to it that there is somebody."""
    return cast("User", request.current_user)


def identity_of(request: AuthRequest) -> Identity:
    """The session of this request, as the core wants it."""
    return cast("Identity", request.identity)


def account_page(request: AuthRequest, name: str, path: str, status: int = 200, **variables: object) -> Response:
    """
    One of the pages.

    Args:
        request: The request of somebody who is logged in.
        name: The template.
        path: Where the page is, below the mount point; its forms post to it.
        status: The HTTP status.
        variables: What the template needs besides.
    """
    me = Me(person_of(request).title, page_url(request, "account"), logout_url(request))
    return page(
        request,
        name,
        status,
        me=me,
        menu=_menu(request, path),
        user=person_of(request),
        action=page_url(request, path),
        csrf_token=request.csrf_token,
        **variables,
    )


def _menu(request: AuthRequest, path: str) -> list[Entry]:
    factors = request.root_app.auth.factors
    entries = [entry for entry in _MENU if factors or entry[0] != "account/factors"]
    if request.is_secret(request.root_app):
        entries += _ADMINISTRATION
    # What lies below a page belongs to it; only the first one has all others below.
    below = [
        entry for entry, _label in entries if path == entry or (entry != "account" and path.startswith(f"{entry}/"))
    ]
    return [Entry(page_url(request, entry), label, entry in below) for entry, label in entries]


def ask_again(request: AuthRequest, path: str, *, factor: bool = False) -> Response | None:
    """
    The way to the page that asks who one is, if the login is too old for what comes next; None if it is fresh.

    Args:
        request: The request of somebody who is logged in.
        path: The page to come back to, below the mount point.
        factor: Whether somebody who has a second factor must have proven one in this login (MFA-12).
    """
    auth, identity = request.root_app.auth, identity_of(request)
    if auth.may_change_factors(identity) if factor else auth.is_fresh(identity):
        return None
    to = safe_path(page_url(request, path))
    return redirect_to(request, page_url(request, "account/confirm", to=to, factor="1" if factor else None))


def named(request: AuthRequest, source: str | None) -> str:
    """A provider as people know it: by the emphasised words of its button, or by its configured name."""
    return provider_name(request.root_app.auth.providers, source or "")
