"""The pages below the mount point, ``/auth``: what there is, and where. The views are in ``views/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webob.exc import HTTPClientError

from onegov_auth.errors import SettingsError
from onegov_auth.providers import Handler, Provider, RedirectProvider
from onegov_auth.web.base import AuthBase
from onegov_auth.web.look import LOOK
from onegov_auth.web.refusals import other
from onegov_auth.web.static import FILES, StaticFile

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.auth import Auth
    from onegov_auth.web.request import AuthRequest

__all__ = [
    "AuthPages",
    "AutoLogin",
    "Endpoint",
    "Login",
    "Logout",
    "ProviderCallback",
    "ProviderLogout",
    "ProviderStart",
]


class AuthPages(AuthBase):
    """Login, logout and the providers' pages; mounted in an :class:`AuthApp` once, by the name ``auth``."""

    own_pages = True

    @property
    def auth(self) -> Auth:
        """That of the application it is mounted in."""
        return self.root_app.auth

    @classmethod
    def make(cls) -> AuthPages:
        """Make one for a request; without arguments, because Morepath would make URL parameters of them."""
        return cls()

    def __call__(self, environ: Any, start_response: Any) -> Any:  # noqa: ARG002 - PEP 3333
        """
        Refuse to be a site of its own.

        Raises:
            SettingsError: Always; its parent has the settings, the headers and the transactions.
        """
        raise SettingsError([f"{type(self).__name__} is mounted by an AuthApp and can't be the root"])


class Login:
    """``login``: the form and the providers' buttons."""


class Logout:
    """``logout``: a button."""


class AutoLogin:
    """``provider/auto``: the auto-login provider."""


@dataclass(frozen=True, slots=True)
class ProviderStart:
    """``provider/{name}``: posting begins a login."""

    provider: RedirectProvider


@dataclass(frozen=True, slots=True)
class ProviderCallback:
    """``provider/{name}/callback``: the browser is back."""

    provider: RedirectProvider


@dataclass(frozen=True, slots=True)
class ProviderLogout:
    """``provider/{name}/logout``: the provider's own logout is over, or asked for."""

    provider: Provider


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``provider/{name}/{endpoint}``: what a provider answers itself."""

    provider: Provider
    handler: Handler


# Parameters of these functions that are no variables of the path would become URL parameters.


@AuthPages.path(path="login", model=Login)
def _login() -> Login:
    return Login()


@AuthPages.path(path="logout", model=Logout)
def _logout() -> Logout:
    return Logout()


@AuthPages.path(path="provider/auto", model=AutoLogin)
def _auto() -> AutoLogin:
    return AutoLogin()


@AuthPages.path(path="provider/{name}", model=ProviderStart, variables=lambda page: {"name": page.provider.name})
def _start(app: AuthPages, name: str) -> ProviderStart | None:
    provider = app.auth.providers.get(name)
    return ProviderStart(provider) if isinstance(provider, RedirectProvider) else None


@AuthPages.path(
    path="provider/{name}/callback", model=ProviderCallback, variables=lambda page: {"name": page.provider.name}
)
def _callback(app: AuthPages, name: str) -> ProviderCallback | None:
    provider = app.auth.providers.get(name)
    return ProviderCallback(provider) if isinstance(provider, RedirectProvider) else None


@AuthPages.path(
    path="provider/{name}/logout", model=ProviderLogout, variables=lambda page: {"name": page.provider.name}
)
def _provider_logout(app: AuthPages, name: str) -> ProviderLogout | None:
    provider = app.auth.providers.get(name)
    return None if provider is None else ProviderLogout(provider)


@AuthPages.path(path="provider/{name}/{endpoint}", model=Endpoint)
def _endpoint(app: AuthPages, name: str, endpoint: str) -> Endpoint | None:
    provider = app.auth.providers.get(name)
    handler = None if provider is None else provider.routes().get(endpoint)
    return None if provider is None or handler is None else Endpoint(provider, handler)


@AuthPages.path(path="static/{name}", model=StaticFile, variables=lambda file: {"name": file.name})
def _static(app: AuthPages, name: str) -> StaticFile | None:
    return app.root_app.look if name == LOOK else FILES.get(name)


@AuthPages.view(model=HTTPClientError)
def _other(self: HTTPClientError, request: AuthRequest) -> Response:
    """Other client errors have a page of ours as well."""
    return other(self, request)
