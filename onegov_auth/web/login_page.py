"""The login page: the form, the providers' buttons and hints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onegov_auth.forms import LoginForm
from onegov_auth.i18n import _
from onegov_auth.providers import PasswordProvider, RedirectProvider
from onegov_auth.web.links import page_url, provider_url
from onegov_auth.web.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["Button", "login_form", "login_page"]

_USERNAME = _("Username or e-mail address")


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
    if any(isinstance(provider, PasswordProvider) and name != "local" for name, provider in providers.items()):
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
        link: A pending link that this login confirms; then only the form is shown.
    """
    providers = request.root_app.auth.providers
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
        csrf_token=request.csrf_token,
        action=page_url(request, "login"),
        hints=[provider.hint for provider in asking if provider.hint],
        buttons=[] if link else [Button(item.button, provider_url(request, item.name)) for item in sending],
    )


class _Fields(dict[str, str]):
    """Single fields in the shape WTForms reads."""

    def getlist(self, name: str) -> list[str]:
        return [self[name]] if name in self else []
