"""``/auth/admin``: the sections of the administration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.admin.frame import admin_page, sections
from onegov_auth.web.links import page_url
from onegov_auth.web.own_pages import Administration, reading
from onegov_auth.web.permissions import Secret

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["show"]


@reading(Administration, Secret)
def show(self: Administration, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """What there is to look after."""
    found = [(page_url(request, section.path), section) for section in sections(request)]
    return admin_page(request, "admin", sections=found)
