"""The login page: the form, the providers' buttons and hints."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.forms import LoginForm
from onegov_auth.i18n import _
from onegov_auth.providers import PasswordProvider, RedirectProvider
from onegov_auth.web.links import page_url, provider_url
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.providers import Provider
    from onegov_auth.road import PendingLink
    from onegov_auth.web.request import AuthRequest

__all__ = ["Button", "login_form", "login_page"]

_USERNAME = _("Username or e-mail address")
_EXPIRED = _("The link has expired. Please begin again.")

#: What a button such as "Log in with **Company**" calls its provider.
_EMPHASIS = re.compile(r"\*\*([^*]+)\*\*")
#: Characters of a name that are shown; e-mail addresses have 254 at most (RFC 5321 §4.5.3.1).
_MAX_NAME = 254


@dataclass(frozen=True, slots=True)
class Button:
    """A redirect provider on the login page: its Markdown, and where its form posts to."""

    text: str
    url: str


def login_form(request: AuthRequest, fields: Mapping[str, str] | None = None) -> LoginForm:
    """
    The form for this application.

    Args:
        request: The request.
        fields: What was posted, if something was.
    """
    form = LoginForm(_Fields(fields) if fields is not None else None, language=request.language)
    providers = request.root_app.auth.providers
    if any(isinstance(provider, PasswordProvider) and name != LOCAL for name, provider in providers.items()):
        form.username.label.text = _USERNAME
    if request.root_app.auth.settings.second_factors.yubikey is None:
        del form.yubikey
    return form


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
        buttons=[] if link else [Button(item.button, provider_url(request, item.name)) for item in sending],
    )


def _readable(pending: PendingLink | None, providers: Mapping[str, Provider]) -> PendingLink | None:
    """The same for people's eyes: the provider as its button calls it, and no character that can't be seen."""
    if pending is None:
        return None
    provider = providers.get(pending.provider)
    emphasised = _EMPHASIS.search(provider.button) if isinstance(provider, RedirectProvider) else None
    return replace(
        pending,
        provider=_visible(emphasised[1] if emphasised else pending.provider),
        username=_visible(pending.username),
        local=_visible(pending.local),
    )


def _visible(text: str) -> str:
    # Characters that turn or hide their neighbours would make a name read as another one.
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:_MAX_NAME])
    return shown if len(text) <= _MAX_NAME else f"{shown}…"


class _Fields(dict[str, str]):
    """Single fields in the shape WTForms reads."""

    def getlist(self, name: str) -> list[str]:
        return [self[name]] if name in self else []
