"""``/auth/admin/signup-links``: make and revoke links to register with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from webob.exc import HTTPNotFound

from onegov_auth.collections import UserGroupCollection
from onegov_auth.errors import ForbiddenRoleError
from onegov_auth.forms import SignupLinkForm
from onegov_auth.i18n import _
from onegov_auth.web.account_page import ask_again, identity_of
from onegov_auth.web.admin.frame import admin_page
from onegov_auth.web.carried import carried, carry, put_down
from onegov_auth.web.fields import FormFields, id_field, posted_fields, query_fields
from onegov_auth.web.links import page_url
from onegov_auth.web.names import visible
from onegov_auth.web.own_pages import SignupLinks, reading
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.paging import page_of
from onegov_auth.web.permissions import Secret
from onegov_auth.web.redirects import redirect_to

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["change", "show"]

_PATH = "admin/signup-links"
_REVOKED = _("The link is revoked.")
_NOT_YOURS = _("This role is not yours to give.")

#: How many of those who came in by a link are named.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A link, for people."""

    id: str
    role: str
    group: str | None
    domain: str | None
    uses: int
    max_uses: int
    maker: str
    created: datetime
    expires: datetime
    good: bool
    state: str
    people: list[str]


@reading(SignupLinks, Secret)
def show(self: SignupLinks, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """The links there are, and the one that was made just now."""
    if (again := ask_again(request, _PATH)) is not None:
        return again
    token = carried(request, "signup-link")
    if token is None:
        return _page(request, _form(request), None)
    put_down(request)
    return _page(request, _form(request), request.root_app.auth.signup_url(token))


@AuthPages.view(model=SignupLinks, permission=Secret, request_method="POST")
def change(self: SignupLinks, request: AuthRequest) -> Response:  # noqa: ARG001 - Morepath's signature
    """Make a link, or revoke one."""
    request.assert_valid_csrf_token()
    if (again := ask_again(request, _PATH)) is not None:
        return again
    fields = posted_fields(request)
    if "revoke" in fields:
        return _revoke(request, id_field(fields, "revoke"))
    form = _form(request, FormFields(fields))
    if not form.validate():
        return _page(request, form, None)
    try:
        token = form.signup_token(request.root_app.auth, by=identity_of(request))
    except ForbiddenRoleError:
        form.role.errors = [request.translate(_NOT_YOURS)]
        return _page(request, form, None)
    # Shown once: only its hash is kept.
    return carry(request, "signup-link", token, page_url(request, _PATH))


def _revoke(request: AuthRequest, key: UUID) -> Response:
    if not request.root_app.auth.revoke_signup_link(key, request.client, by=identity_of(request)):
        raise HTTPNotFound
    request.success(request.translate(_REVOKED))
    return redirect_to(request, page_url(request, _PATH))


def _form(request: AuthRequest, fields: FormFields | None = None) -> SignupLinkForm:
    auth = request.root_app.auth
    roles = [role for role in auth.settings.roles if role != "anonymous"]
    groups = {str(group.id): group.name or "" for group in UserGroupCollection(request.db).query()}
    return SignupLinkForm(fields, language=request.language, roles=roles, groups=groups)


def _page(request: AuthRequest, form: SignupLinkForm, url: str | None) -> Response:
    links = request.root_app.auth.signup_links.list(request.db)
    pages = page_of(len(links), query_fields(request), page_url(request, _PATH))
    rows = [_row(request, link) for link in pages.part(links)]
    return admin_page(request, "signup_links", _PATH, form=form, links=rows, pages=pages, url=url)


def _row(request: AuthRequest, link: Any) -> Row:
    auth, db = request.root_app.auth, request.db
    maker = db.get(auth.entities.user, link.made_by) if link.made_by else None
    group = db.get(auth.entities.group, link.group_id) if link.group_id else None
    people = [visible(user.title) for user in auth.signup_links.users(db, link.id)]
    state = _state(link, auth.clock())
    return Row(
        id=str(link.id),
        role=link.role,
        group=None if group is None else group.name,
        domain=link.domain,
        uses=link.uses,
        max_uses=link.max_uses,
        maker=visible(maker.title) if maker else request.translate(_("the operator")),
        created=link.created,
        expires=link.expires,
        good=state is _GOOD,
        state=request.translate(state),
        people=[*people[:_NAMED], *["…"] * (len(people) > _NAMED)],
    )


_GOOD, _GONE, _OVER, _FULL = _("good"), _("revoked"), _("expired"), _("used up")


def _state(link: Any, now: datetime) -> str:
    if link.revoked is not None:
        return _GONE
    if link.expires <= now:
        return _OVER
    return _FULL if link.uses >= link.max_uses else _GOOD
