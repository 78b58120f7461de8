"""``/auth/login``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.web.answers import after_password, after_start
from onegov_auth.web.fields import all_fields, query_fields
from onegov_auth.web.login_page import login_form, login_page
from onegov_auth.web.pages import AuthPages, Login
from onegov_auth.web.redirects import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["log_in", "show"]


@AuthPages.view(model=Login, request_method="HEAD")
@AuthPages.view(model=Login)
def show(self: Login, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """
    The login page; or where the person wants to go, if ``skip`` is given and they may see it.

    With a ``primary`` provider it goes on to that one, unless ``local`` is given, there is something to say, or another
    site sent the person here.
    """
    fields = query_fields(request)
    auth = request.auth.from_request(fields.get("to"), skip="skip" in fields)
    if auth.skippable():
        return auth.redirect()
    if _goes_on(request, fields):
        provider = request.root_app.primary_provider.name
        return after_start(request, auth.core.start(provider, request.client, auth.to), to=auth.to)
    return login_page(request, to=auth.to, link=fields.get("link"))


@AuthPages.view(model=Login, request_method="POST")
def log_in(self: Login, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """A username and a password."""
    request.assert_valid_csrf_token()
    fields = all_fields(request)
    to, link = safe_path(fields.get("to")), fields.get("link") or None
    form = login_form(request, fields)
    if not form.validate():
        return login_page(request, form, to=to, link=link)
    data = form.login_data
    outcome = request.root_app.auth.login(
        data["username"],
        data["password"],
        request.client,
        remember=form.remember.data,
        to=to,
        link=link,
    )
    return after_password(request, outcome, form, to=to, link=link)


def _goes_on(request: AuthRequest, fields: Mapping[str, str]) -> bool:
    return (
        request.root_app.primary_provider is not None
        and request.method == "GET"
        # A browser that only fetches ahead begins nothing, and neither does another site by itself: ten logins begun in
        # the person's name would push out the one the person is at (COOKIE-04). A link that was clicked may.
        and "prefetch" not in request.environ.get("HTTP_SEC_PURPOSE", "")
        and (
            request.environ.get("HTTP_SEC_FETCH_SITE") not in {"cross-site", "same-site"}
            or request.environ.get("HTTP_SEC_FETCH_USER") == "?1"
        )
        and request.is_navigation
        and not {"local", "link"} & fields.keys()
        and not request.flash
        and not request.is_logged_in
    )
