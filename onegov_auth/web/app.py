"""The application class people subclass: ``class App(AuthApp)``."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import urlsplit

import dectate
from morepath.core import excview_tween_factory, poisoned_host_header_protection_tween_factory
from morepath.directive import ConverterAction, PathAction, SettingAction
from morepath.path import PathRegistry
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError, ProgrammingError
from webob.exc import HTTPBadRequest

from onegov_auth import migrations
from onegov_auth.accounts import Hooks, missing_rights
from onegov_auth.auth import Auth
from onegov_auth.domain import Identity
from onegov_auth.errors import SchemaOutdatedError
from onegov_auth.events import neutral
from onegov_auth.models import DEFAULT, Entities
from onegov_auth.passwords import PasswordPolicy
from onegov_auth.permissions.catalogue import Changes, Declaration, sync_catalogue, validate_permission_set
from onegov_auth.providers import RedirectProvider, RequestProvider
from onegov_auth.settings import load_settings, refuse_pending
from onegov_auth.web.autologin import autologin_tween_factory
from onegov_auth.web.base import AuthBase
from onegov_auth.web.cookies import CookieJar
from onegov_auth.web.declared import declared_permissions
from onegov_auth.web.headers import headers_tween_factory, own_page
from onegov_auth.web.hosts import hosts_tween_factory
from onegov_auth.web.identity import RequestIdentity
from onegov_auth.web.look import look_sheet
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.transaction import commit_tween_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from sqlalchemy.orm import Session

    from onegov_auth.models import User
    from onegov_auth.settings import Settings
    from onegov_auth.web.navigation import NavItem, NavURL

__all__ = ["AuthApp"]

log = logging.getLogger("onegov_auth.permissions")


class MountPages(dectate.Action):
    """Mounts the pages at the ``auth_path`` of the very class that is committed, so that a subclass may move them."""

    config = {"path_registry": PathRegistry}  # noqa: RUF012 - dectate declares it so
    depends = [SettingAction, ConverterAction, PathAction]  # noqa: RUF012 - the same
    app_class_arg = True

    def identifier(self, path_registry: PathRegistry, app_class: type[AuthApp]) -> Any:  # noqa: ARG002 - dectate's names
        """There is one mount in a tree of classes."""
        return ()

    def perform(self, obj: Callable[[type[AuthApp]], type[AuthPages]], path_registry: Any, app_class: Any) -> None:
        """Register the mount; the factory takes no argument, because Morepath makes URL parameters of them."""
        pages = obj(app_class)
        path = app_class.auth_path
        path_registry.register_mount(pages, path, None, None, None, None, "auth", self.code_info, pages.make)


class AuthApp(AuthBase):
    """
    A Morepath application that people log in to.

    A subclass may define, as on the first seed's ``UserApp``: ``on_login(request, user)`` after a login,
    ``on_logout(request, user)`` before a logout, ``redirect_after_login(identity, request, default)`` which returns a
    path or None. They are called by the pages; what must happen inside a login's transaction belongs into ``hooks``.

    Args:
        auth: What logs people in; see :meth:`from_yaml`.

    Attributes:
        auth_path: Where the pages are mounted.
        auth_pages: Their class; an application replaces templates by a subclass with a template directory.
        allowed_hosts: Host names besides that of ``base_url``; if there are any, other ones are refused.
        page_headers: Headers that every page gets which has none of that name.
        hooks: What :class:`onegov_auth.auth.Auth` asks and tells.
        password_policy: Which new passwords are allowed; a subclass adds checks or leaves some out.
        mail_templates: Folders with templates that go before ours, in a folder ``mail`` below.
        permissions: The fine permissions there are: classes, tokens, or tokens with what they allow. Those that its
            views ask for are there as well. What a list leaves out is removed from the table when the application
            starts; without a list, nothing is.
        menus: The navigation menus by name; ``request.menu(name)`` is one as a person sees it.
        entities: The mapped classes; an application with tables of its own sets ``Entities.on(Base, …)``, and
            names itself to the commands by ``--app``.
    """

    auth_path: ClassVar[str] = "auth"
    auth_pages: ClassVar[type[AuthPages]] = AuthPages
    allowed_hosts: ClassVar[frozenset[str]] = frozenset()
    page_headers: ClassVar[Mapping[str, str]] = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "SAMEORIGIN",
    }
    hooks: ClassVar[Hooks] = Hooks()
    password_policy: ClassVar[type[PasswordPolicy]] = PasswordPolicy
    mail_templates: ClassVar[Sequence[str | PathLike[str]]] = ()
    permissions: ClassVar[Sequence[Declaration] | None] = None
    menus: ClassVar[Mapping[str, NavItem]] = {}
    entities: ClassVar[Entities] = DEFAULT

    mount_auth_pages = dectate.directive(MountPages)

    def __init__(self, auth: Auth) -> None:
        super().__init__()
        settings = auth.settings
        self.auth = auth
        self._gives_others = type(self).permission_tokens is not AuthApp.permission_tokens
        self.origin = settings.base_url.lower()
        self.netloc = urlsplit(self.origin).netloc
        self.look = look_sheet(settings.look)
        #: Where the links of menus lead, as they are found.
        self.links: dict[NavURL, Any] = {}
        self.cookies = CookieJar.named(settings.cookie_name, secure=settings.cookies.secure)
        self.intents = {role: frozenset(intents) for role, intents in settings.roles.items()}
        self.driver_error: type[Exception] = auth.database.engine.dialect.loaded_dbapi.OperationalError
        self.primary_provider = self._first(RedirectProvider, "primary")
        self.auto_login_provider = self._first((RequestProvider, RedirectProvider), "auto_login")

    @classmethod
    def from_yaml(cls, path: str | PathLike[str], application: str | None = None, **kwargs: Any) -> Self:
        """
        The WSGI application that a settings file describes.

        Args:
            path: The file.
            application: The tenant, if the file has several.
            kwargs: As for :meth:`from_settings`.

        Raises:
            SettingsError: With all faults of the file at once, or if a key would protect and can't yet.
            RegistryError: If a provider's distribution is missing.
            SchemaOutdatedError: If the database needs ``onegov-auth db upgrade``.
        """
        return cls.from_settings(load_settings(path, application), **kwargs)

    @classmethod
    def from_settings(cls, settings: Settings, **kwargs: Any) -> Self:
        """
        The WSGI application for these settings.

        Args:
            settings: Checked settings.
            kwargs: As for :meth:`onegov_auth.auth.Auth.from_settings`, such as a ``database`` of the host's own.

        Raises:
            SettingsError: As for :meth:`from_yaml`, which has the others too.
        """
        refuse_pending(settings)
        cls.commit()
        own: dict[str, Any] = {
            "policy": cls.password_policy.from_settings(settings),
            "mail_templates": cls.mail_templates,
        }
        own |= {"hooks": cls.all_hooks(), "mount": f"/{cls.auth_path}", "entities": cls.entities}
        auth = Auth.from_settings(settings, **{**own, **kwargs})
        # Tables of one's own have migrations of one's own.
        if auth.entities is DEFAULT:
            try:
                migrations.check(auth.database.engine, settings.schema_name)
            except SchemaOutdatedError:
                auth.close()
                raise
        app = cls(auth)
        if app.sync_permissions() is not None:
            app.warn_of_missing_rights()
        return app

    @cached_property
    def catalogue(self) -> Mapping[str, str | None]:
        """The tokens of the fine permissions there are, and what they allow."""
        return declared_permissions(type(self))

    def validate_permission_set(self, tokens: Iterable[str]) -> None:
        """
        Make sure that all of these are declared.

        Raises:
            RegistryError: If some are not.
        """
        validate_permission_set(tokens, self.catalogue)

    def sync_permissions(self) -> Changes | None:
        """
        Bring the table of permissions in line with what is declared; done when an application starts.

        Returns:
            What was changed; None if there is no table yet, where an application makes it later and then calls this.
        """
        auth = self.auth
        try:
            return sync_catalogue(auth.database, self.catalogue, auth.entities, remove=self.permissions is not None)
        except (OperationalError, ProgrammingError):
            if inspect(auth.database.engine).has_table(auth.entities.permission.__table__.description):
                raise
            log.warning("There is no table of permissions yet: call sync_permissions() when there is")
            return None

    def warn_of_missing_rights(self) -> None:
        """Say in the log which rights the providers' ``grants`` give that aren't there; logins leave them out."""
        auth = self.auth
        for name, block in auth.settings.providers.items():
            for right in missing_rights(auth.database, block, auth.entities):
                log.warning("providers.%s.grants: there is no %s", name, neutral(str(right)))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        try:
            request = self.request(environ)
        except UnicodeDecodeError:
            # The path is no UTF-8; Morepath reads it before any tween or exception view could help.
            return own_page(HTTPBadRequest("The address can't be read."))(environ, start_response)
        answer: Iterable[bytes] = self.publish(request)(environ, start_response)
        return answer

    @classmethod
    def add_navigation_menu(cls, name: str, menu: NavItem) -> None:
        """Have a menu of that name, in this class and its subclasses; one of the same name is replaced."""
        cls.menus = {**cls.menus, name: menu}

    def session_factory(self) -> Session:
        """A database session for one request; a host that owns its engine overrides this."""
        return self.auth.database.session()

    def permission_tokens(self, identity: RequestIdentity) -> frozenset[str]:
        """
        The tokens of the fine permissions that somebody has; an application may override it, to give others.

        What it then says is asked for once a request, and never kept for the next one.
        """
        return self.auth.rights.tokens(identity.uid, identity.rights)

    def has_token(self, identity: RequestIdentity, token: str) -> bool:
        """Whether somebody has the fine permission of that token."""
        if not self._gives_others:
            return self.auth.rights.has(identity.uid, identity.rights, token)
        if identity.tokens is None:
            identity.tokens = self.permission_tokens(identity)
        return token in identity.tokens

    def user_of(self, identity: RequestIdentity, db: Session) -> User | None:
        """The user of an identity, in that session."""
        return self.auth.by_identity(cast("Identity", identity), db)

    def identity_of(self, user: User) -> RequestIdentity:
        """What a request by *user* would be known as; belongs to no session."""
        identity = RequestIdentity(self.auth.as_identity(user))
        identity.asked_user = user
        return identity

    def _first(self, kind: type | tuple[type, ...], flag: str) -> Any:
        for provider in self.auth.providers.values():
            if isinstance(provider, kind) and getattr(provider.settings, flag, False):
                return provider
        return None

    @classmethod
    def all_hooks(cls) -> Hooks:
        """The class's hooks, and those of the settings section ``user`` where it has none."""
        section = cls.config.setting_registry.user
        return Hooks(
            map_identity=cls.hooks.map_identity,
            login_steps=cls.hooks.login_steps,
            ensure_user_callback=cls.hooks.ensure_user_callback or section.ensure_user_callback,
            change_username_callback=cls.hooks.change_username_callback or section.change_username_callback,
            on_login=cls.hooks.on_login,
            on_logout=cls.hooks.on_logout,
            on_register=cls.hooks.on_register,
            on_deactivate=cls.hooks.on_deactivate,
            on_rights_changed=cls.hooks.on_rights_changed,
        )


@AuthApp.mount_auth_pages()
def _pages(app: type[AuthApp]) -> type[AuthPages]:
    return app.auth_pages


AuthApp.tween_factory(over=poisoned_host_header_protection_tween_factory)(hosts_tween_factory)
AuthApp.tween_factory(over=hosts_tween_factory)(headers_tween_factory)
AuthApp.tween_factory(over=excview_tween_factory, under=hosts_tween_factory)(autologin_tween_factory)
AuthApp.tween_factory(under=excview_tween_factory)(commit_tween_factory)
