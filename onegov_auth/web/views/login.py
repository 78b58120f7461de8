"""``/auth/login``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.providers import RedirectProvider
from onegov_auth.web.answers import after_password, after_start, not_filled_in
from onegov_auth.web.csrf import assert_own_try
from onegov_auth.web.fields import all_fields, query_fields
from onegov_auth.web.login_page import chooses_by_address, login_form, login_page
from onegov_auth.web.pages import AuthPages, Login
from onegov_auth.web.redirects import safe_path
from onegov_auth.web.unasked import SILENTLY, has_left, may_begin

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

    With a ``primary`` provider it goes on to that one, and an ``auto_login`` one is asked in silence, unless ``local``
    is given, there is something to say, another site sent the person here, or somebody logged out in this browser.
    """
    fields = query_fields(request)
    auth = request.auth.from_request(fields.get("to"), skip="skip" in fields)
    if auth.skippable():
        return auth.redirect()
    going_to = _unasked_provider(request)
    if going_to is not None and _goes_on(request, fields):
        name, hints = going_to
        return after_start(request, auth.core.start(name, request.client, auth.to, hints=hints), to=auth.to)
    return login_page(request, to=auth.to, link=fields.get("link"))


@AuthPages.view(model=Login, request_method="POST")
def log_in(self: Login, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """A username and a password."""
    assert_own_try(request, "login", "username")
    fields = all_fields(request)
    to, link = safe_path(fields.get("to")), fields.get("link") or None
    by_address = not link and chooses_by_address(request)
    elsewhere = request.root_app.auth.provider_for(fields.get("username", "")) if by_address else None
    if elsewhere is not None:
        # Whatever stands in the password field is nobody's business but that provider's, which asks for it itself.
        hints, remember = {"login_hint": fields["username"].strip()}, bool(fields.get("remember"))
        started = request.root_app.auth.start(elsewhere, request.client, to, remember=remember, hints=hints)
        return after_start(request, started, to=to)
    form = login_form(request, fields)
    if not form.validate():
        return not_filled_in(request, login_page(request, form, to=to, link=link), "login", fields.get("username"))
    data = form.login_data
    outcome = request.root_app.auth.login(
        data["username"],
        data["password"],
        request.client,
        second_factor=data["second_factor"],
        remember=form.remember.data,
        to=to,
        link=link,
    )
    return after_password(request, outcome, form, to=to, link=link)


def _unasked_provider(request: AuthRequest) -> tuple[str, Mapping[str, str]] | None:
    """The provider that a login begins with by itself, and how it is asked."""
    root = request.root_app
    if root.primary_provider is not None:
        return root.primary_provider.name, {}
    provider = root.auto_login_provider
    return (provider.name, SILENTLY) if isinstance(provider, RedirectProvider) else None


def _goes_on(request: AuthRequest, fields: Mapping[str, str]) -> bool:
    return (
        may_begin(request)
        and not {"local", "link", "by"} & fields.keys()
        and not request.flash
        and not request.is_logged_in
        and not has_left(request)
    )
