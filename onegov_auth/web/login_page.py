"""The login page: the form, the providers' buttons and hints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.forms import LoginForm
from onegov_auth.i18n import _
from onegov_auth.outcomes import Unavailable
from onegov_auth.providers import PasswordProvider, RedirectProvider
from onegov_auth.web.fields import FormFields, all_fields
from onegov_auth.web.links import login_url, page_url, provider_url
from onegov_auth.web.messages import unavailable_message
from onegov_auth.web.names import provider_name, visible
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webob import Response

    from onegov_auth.auth import Auth
    from onegov_auth.providers import Provider
    from onegov_auth.road import PendingLink
    from onegov_auth.web.request import AuthRequest

__all__ = ["Button", "chooses_by_address", "login_form", "login_page"]

_USERNAME = _("Username or e-mail address")
_EXPIRED = _("The link has expired. Please begin again.")


@dataclass(frozen=True, slots=True)
class Button:
    """A redirect provider on the login page: its Markdown, where its form posts to, and whether it is out of reach."""

    text: str
    url: str
    down: bool = False


def login_form(request: AuthRequest, fields: Mapping[str, str] | None = None) -> LoginForm:
    """
    The form for this application.

    Args:
        request: The request.
        fields: What was posted, if something was.
    """
    form = LoginForm(FormFields(fields) if fields is not None else None, language=request.language)
    providers = request.root_app.auth.providers
    if any(isinstance(provider, PasswordProvider) and name != LOCAL for name, provider in providers.items()):
        form.username.label.text = _USERNAME
    if request.root_app.auth.settings.second_factors.yubikey is None:
        del form.yubikey
    if chooses_by_address(request):
        # Some people need none here, which shows only when their address is known; the view demands it from the others.
        form.password.flags.required = False
    return form


def chooses_by_address(request: AuthRequest) -> bool:
    """
    Whether the domain of an e-mail address sends people to their provider (``domains``).

    Not so for a page that was asked for with ``by=password``, for local accounts whose address is in such a domain.
    """
    fields = all_fields(request)
    providers = request.root_app.auth.providers.values()
    return fields.get("by") != "password" and any(getattr(item.settings, "domains", ()) for item in providers)


def login_page(  # noqa: PLR0913 - what a page shows
    request: AuthRequest,
    form: LoginForm | None = None,
    *,
    status: int = 200,
    alert: str | None = None,
    info: str | None = None,
    to: str = "/",
    link: str | None = None,
) -> Response:
    """
    The page.

    Args:
        request: The request.
        form: What was typed; the password is never sent back.
        status: The HTTP status.
        alert: Why somebody is not in.
        info: What to do.
        to: Where to go afterwards; reduced to this site.
        link: A pending link that this login confirms: the page says what will be linked, and only the form is shown.
            One that this browser doesn't have is told as expired.
    """
    auth = request.root_app.auth
    providers = auth.providers
    pending = _readable(auth.pending_link(link, request.client), providers) if link else None
    if link and pending is None:
        link, info = None, _EXPIRED
    by_address = not link and chooses_by_address(request)
    asking = [provider for provider in providers.values() if isinstance(provider, PasswordProvider)]
    sending = [provider for provider in providers.values() if isinstance(provider, RedirectProvider)]
    return page(
        request,
        "login",
        status,
        form=(form or login_form(request)) if asking else None,
        alert=alert,
        info=info,
        to=to,
        link=link,
        pending=pending,
        csrf_token=request.csrf_token,
        action=page_url(request, "login"),
        # A link is confirmed with the local password; what a directory says of its own would mislead.
        hints=[provider.hint for provider in asking if provider.hint and not (link and provider.name != LOCAL)],
        recover_url=page_url(request, "request-password") if asking and _recovers(auth) else None,
        register_url=page_url(request, "register") if not link and _registers(auth) else None,
        buttons=[] if link else [_button(request, provider) for provider in sending],
        down=None if alert else _down(auth, asking),
        passkey_url=page_url(request, "passkey") if not link and auth.passwordless else None,
        by="password" if all_fields(request).get("by") == "password" else None,
        password_url=login_url(request, to=to, by="password") if by_address else None,
    )


def _button(request: AuthRequest, provider: RedirectProvider) -> Button:
    down = request.root_app.auth.health.is_down(provider.name)
    return Button(provider.button, provider_url(request, provider.name), down)


def _down(auth: Auth, asking: Sequence[PasswordProvider]) -> str | None:
    """What to say of a directory that can't be reached, before somebody types a password in vain."""
    down = next((provider.name for provider in asking if auth.health.is_down(provider.name)), None)
    return None if down is None else unavailable_message(Unavailable(down), auth.providers)


def _readable(pending: PendingLink | None, providers: Mapping[str, Provider]) -> PendingLink | None:
    """The same for people's eyes: the provider as its button calls it, and no character that can't be seen."""
    if pending is None:
        return None
    return replace(
        pending,
        provider=provider_name(providers, pending.provider),
        username=visible(pending.username),
        local=visible(pending.local),
    )


def _recovers(auth: Auth) -> bool:
    return LOCAL in auth.providers and auth.settings.recovery.enabled


def _registers(auth: Auth) -> bool:
    return LOCAL in auth.providers and auth.settings.registration.enabled
