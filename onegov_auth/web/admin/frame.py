"""What all pages of the administration have in common: the sections, and the menu of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.i18n import _
from onegov_auth.web.account_page import account_page

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.auth import Auth
    from onegov_auth.web.request import AuthRequest

__all__ = ["SECTIONS", "Section", "admin_page", "sections"]


def _always(_auth: Auth) -> bool:
    return True


def _has_local_users(auth: Auth) -> bool:
    return LOCAL in auth.providers


@dataclass(frozen=True, slots=True)
class Section:
    """
    A section of the administration.

    Attributes:
        path: Where it is, below the mount point.
        label: What it is called, marked for translation.
        text: What it is for, likewise.
        is_there: Whether there is such a section, by what is configured.
    """

    path: str
    label: str
    text: str
    is_there: Callable[[Auth], bool] = _always


SECTIONS = (
    Section("admin/users", _("Users"), _("Find people, invite them, and look after their accounts.")),
    Section(
        "admin/signup-links", _("Signup links"), _("Let people make accounts themselves."), is_there=_has_local_users
    ),
)


def sections(request: AuthRequest) -> list[Section]:
    """The sections there are."""
    return [section for section in SECTIONS if section.is_there(request.root_app.auth)]


def admin_page(
    request: AuthRequest, name: str, path: str = "admin", status: int = 200, **variables: object
) -> Response:
    """
    One of the pages.

    Args:
        request: The request of somebody who is logged in.
        name: The template; it extends ``auth/admin_frame.jinja2``.
        path: Where the page is, below the mount point; its forms post to it.
        status: The HTTP status.
        variables: What the template needs besides.
    """
    return account_page(request, name, path, status, **variables)
