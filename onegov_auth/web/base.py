"""
What every application of the tree has in common: identity, permissions, error pages.

:class:`AuthApp` and :class:`AuthPages` are both subclasses of :class:`AuthBase`, never of each other: Morepath asks the
application a request ends up in who is there, and one without our policy sees nobody.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import jinja2
import morepath
from sqlalchemy.exc import OperationalError
from webob.exc import HTTPException, HTTPForbidden, HTTPNotFound

from onegov_auth.errors import SettingsError
from onegov_auth.web.bearer import BearerRefused
from onegov_auth.web.csrf import CsrfRefused
from onegov_auth.web.hosts import own_origin
from onegov_auth.web.identity import SessionPolicy
from onegov_auth.web.permissions import Combination, Condition, Intent, Permission
from onegov_auth.web.refusals import bearer_refused, database_gone, forbidden, form_refused, not_found, unexpected
from onegov_auth.web.request import AuthRequest

if TYPE_CHECKING:
    # more.jinja2 has no annotations; Morepath's own make the directives typed.
    from morepath import App as Jinja2App
    from webob import Response

    from onegov_auth.web.app import AuthApp
else:
    from more.jinja2 import Jinja2App

__all__ = ["AuthBase"]

#: The role whose intents everybody has who isn't logged in.
_VISITOR = "anonymous"

_TEMPLATES = str(files("onegov_auth.web") / "templates")


class AuthBase(Jinja2App):
    """The base of everything that is mounted below an :class:`AuthApp`."""

    request_class = AuthRequest

    #: Whether all of its pages get the strict headers of our own pages.
    own_pages = False

    _parent: AuthBase | None = None

    @property
    def parent(self) -> AuthBase | None:
        """The application this one is mounted in."""
        return self._parent

    @parent.setter
    def parent(self, app: morepath.App | None) -> None:
        # Tweens of mounted applications never run: below a stranger there would be no headers and no commit.
        if app is not None and not isinstance(app, AuthBase):
            raise SettingsError([f"{type(app).__name__} mounts {type(self).__name__} and has to be an AuthApp itself"])
        self._parent = app

    @property
    def root_app(self) -> AuthApp:
        """The application at the root of the tree."""
        return cast("AuthApp", self.root)


@AuthBase.setting_section(section="user")
def _user_settings() -> dict[str, Any]:
    """The first seed's section; both callbacks have the signatures of :class:`onegov_auth.accounts.Hooks`."""
    return {"ensure_user_callback": None, "change_username_callback": None}


@AuthBase.template_loader(extension=".jinja2")
def _templates(template_directories: list[str], settings: Any) -> jinja2.Environment:
    """
    Our templates come last, so that everybody may replace them.

    As a directory of this class they would come in any order for a class that is no direct subclass: Morepath sorts
    the directories of neighbours only.
    """
    loader = jinja2.FileSystemLoader([*template_directories, _TEMPLATES])
    options = {name: value for name, value in vars(settings.jinja2).items() if name != "autoescape"}
    return jinja2.Environment(loader=loader, autoescape=True, **options)


@AuthBase.identity_policy()
def _identity_policy() -> SessionPolicy:
    return SessionPolicy()


@AuthBase.verify_identity()
def _verify_identity(identity: morepath.Identity) -> bool:  # noqa: ARG001 - Morepath passes arguments by name
    # It comes from our own table.
    return True


@AuthBase.link_prefix()
def _link_prefix(request: AuthRequest) -> str:
    """Links begin with our own origin, so that a made-up Host header gets into no page and no mail (HOST-01)."""
    return own_origin(request) + quote(request.script_name)


# -- permissions -------------------------------------------------------------------------------


@AuthBase.permission_rule(model=object, permission=Intent)
def _has_intent(app: AuthBase, identity: Any, model: object, permission: type[Intent]) -> bool:
    """By the person's role, or one that a role mapping gives on this object; a superuser may everything."""
    if _narrowed(app, identity, permission):
        return _has_intent_unknown(app, identity, model, permission)
    root = app.root_app
    if identity.role == _VISITOR:
        if _has_intent_unknown(app, identity, model, permission):
            return True
    elif _role_may(root, identity.role, model, permission):
        return True
    standing = root.auth.rights.standing(identity.uid, identity.rights)
    return standing.superuser or any(_role_may(root, role, model, permission) for role in standing.roles_on(model))


def _narrowed(app: AuthBase, identity: Any, permission: type[Intent]) -> bool:
    """Whether a token speaks for the person that is not good for this: whoever has it is a visitor then."""
    if identity.scope is not None and permission.__name__ not in identity.scope:
        return True
    return _is_stranger(app, identity)


def _is_stranger(app: AuthBase, identity: Any) -> bool:
    """Whether a token stands before one of our own pages, which are for people, whatever they demand (TOK-05)."""
    return bool(identity.by_token and app.own_pages)


def _role_may(root: AuthApp, role: str, model: object, permission: type[Intent]) -> bool:
    """What a role may; what is private is for nobody who only is a member."""
    intents = root.intents.get(role, ())
    return permission.__name__ in intents and (getattr(model, "access", None) != "private" or "Private" in intents)


@AuthBase.permission_rule(model=object, permission=Intent, identity=None)
def _has_intent_unknown(app: AuthBase, identity: object, model: object, permission: type[Intent]) -> bool:  # noqa: ARG001 - as above
    """What the role "anonymous" may, on models that are published and not for some."""
    if getattr(model, "access", None) in {"private", "member"} or not getattr(model, "published", True):
        return False
    return permission.__name__ in app.root_app.intents.get(_VISITOR, ())


@AuthBase.permission_rule(model=HTTPException, permission=Intent, identity=None)
def _may_see_errors(app: AuthBase, identity: object, model: object, permission: type) -> bool:  # noqa: ARG001 - as above
    return True


@AuthBase.permission_rule(model=object, permission=Permission)
def _has_token(app: AuthBase, identity: Any, model: object, permission: type[Permission]) -> bool:  # noqa: ARG001 - as above
    if _is_stranger(app, identity) or (identity.scope is not None and permission.token not in identity.scope):
        return False
    return app.root_app.has_token(identity, permission.token)


@AuthBase.permission_rule(model=object, permission=Condition)
def _meets(app: AuthBase, identity: Any, model: object, permission: type[Condition]) -> bool:  # noqa: ARG001 - as above
    # What a token is good for is said in tokens and intents; a question to the user would go past it.
    is_open = identity.scope is None and not _is_stranger(app, identity)
    user = identity.asked_user if is_open else None
    return user is not None and bool(permission.test(user))


@AuthBase.permission_rule(model=object, permission=Combination)
def _has_combination(app: AuthBase, identity: Any, model: object, permission: type[Combination]) -> bool:
    decide = all if permission.demands_all else any
    return decide(app._permits(identity, model, part) for part in permission.parts)  # noqa: SLF001 - Morepath's own check


@AuthBase.permission_rule(model=object, permission=Combination, identity=None)
def _has_combination_unknown(app: AuthBase, identity: Any, model: object, permission: type[Combination]) -> bool:
    return _has_combination(app, identity, model, permission)


# -- error pages -------------------------------------------------------------------------------


@AuthBase.view(model=HTTPForbidden)
def _forbidden(self: HTTPForbidden, request: AuthRequest) -> Response:
    return forbidden(self, request)


@AuthBase.view(model=CsrfRefused)
def _form_refused(self: CsrfRefused, request: AuthRequest) -> Response:
    return form_refused(self, request)


@AuthBase.view(model=BearerRefused)
def _bearer_refused(self: BearerRefused, request: AuthRequest) -> Response:
    return bearer_refused(self, request)


@AuthBase.view(model=HTTPNotFound)
def _not_found(self: HTTPNotFound, request: AuthRequest) -> Response:
    return not_found(self, request)


@AuthBase.view(model=OperationalError)
def _database_gone(self: OperationalError, request: AuthRequest) -> Response:
    return database_gone(self, request)


@AuthBase.view(model=Exception)
def _unexpected(self: Exception, request: AuthRequest) -> Response:
    return unexpected(self, request)
