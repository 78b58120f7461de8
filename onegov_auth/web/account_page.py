"""What the pages of one's own account have in common: the menu, the person, and whether the login is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from onegov_auth.i18n import _
from onegov_auth.web.admin.sections import SECTIONS
from onegov_auth.web.links import logout_url, page_url
from onegov_auth.web.names import provider_name
from onegov_auth.web.navigation import NavItem, NavURL
from onegov_auth.web.redirects import redirect_to, safe_path
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.domain import Identity
    from onegov_auth.models import User
    from onegov_auth.web.navigation import NavNode
    from onegov_auth.web.request import AuthRequest

__all__ = ["FRESH", "account_page", "ask_again", "identity_of", "named", "own_menu", "person_of"]

#: What a provider is asked for a login that is fresh: the person, whatever session there is (OIDC Core §3.1.2.1).
FRESH = {"prompt": "login", "max_age": "0"}


def _item(label: str, path: str) -> NavItem:
    return NavItem(label, NavURL(path, mount="auth"))


#: What there is depends on the settings, and who sees it on the permissions of the pages.
_MENU = NavItem(
    NavItem(
        _("Your account"),
        _item(_("Profile"), "account"),
        _item(_("Password"), "account/password"),
        _item(_("E-mail address"), "account/email"),
        _item(_("Ways to log in"), "account/identities"),
        _item(_("Second factors"), "account/factors"),
        _item(_("Sessions"), "account/sessions"),
        _item(_("API tokens"), "account/tokens"),
        _item(_("Recent activity"), "account/activity"),
    ),
    NavItem(
        _("Administration"),
        *(_item(section.label, section.path) for section in SECTIONS),
    ),
)


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
        menu=_menu(request),
        user=person_of(request),
        action=page_url(request, path),
        csrf_token=request.csrf_token,
        **variables,
    )


def own_menu(request: AuthRequest) -> NavNode:
    """The menu of our own pages as the person sees it: those of the own account, and those of the administration."""
    return _MENU.bind(request)


def _menu(request: AuthRequest) -> NavNode:
    """Both groups for those who administer; for everybody else, the pages of their own without a group around them."""
    menu = own_menu(request)
    return menu if len(menu.permitted_sub_nodes) > 1 else menu.permitted_sub_nodes[0]


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
