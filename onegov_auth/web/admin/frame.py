"""What all pages of the administration have in common: the frame, and the sections that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.account_page import account_page, own_menu
from onegov_auth.web.admin.sections import SECTIONS, Section
from onegov_auth.web.links import page_url

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["admin_page", "sections"]


def sections(request: AuthRequest) -> list[Section]:
    """The sections that the person may see."""
    permitted = {node.url for node in own_menu(request).all_nodes()}
    return [section for section in SECTIONS if page_url(request, section.path) in permitted]


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
