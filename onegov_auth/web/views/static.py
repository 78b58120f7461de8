"""``/auth/static``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webob import Response

from onegov_auth.web.pages import AuthPages
from onegov_auth.web.static import StaticFile

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["serve"]

#: The address changes with the content.
_CACHE = "public, max-age=31536000, immutable"


@AuthPages.view(model=StaticFile, request_method="HEAD")
@AuthPages.view(model=StaticFile)
def serve(self: StaticFile, request: AuthRequest) -> Response:
    """A file of ours."""
    response = Response(self.content, content_type=self.content_type, charset="utf-8", etag=self.version)
    response.headers["Cache-Control"] = _CACHE if request.GET.get("v") == self.version else "no-cache"
    response.conditional_response = True
    return response
