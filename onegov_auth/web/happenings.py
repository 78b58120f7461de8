"""Events of one account, in words for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.i18n import _
from onegov_auth.mail import device
from onegov_auth.web.names import provider_name

if TYPE_CHECKING:
    from onegov_auth.models import AuthEvent
    from onegov_auth.web.request import AuthRequest

__all__ = ["Happening", "happening"]

#: What happened, by the event's type.
_WORDS = {
    "login": _("Logged in"),
    "logout": _("Logged out"),
    "registration": _("Registered"),
    "activation": _("Account activated"),
    "activation_resent": _("Mail with the activation link sent again"),
    "password_changed": _("Password changed"),
    "password_reset": _("Password changed by a link in a mail"),
    "recovery": _("Link to a new password asked for"),
    "email_change": _("Change of the e-mail address begun"),
    "email_changed": _("E-mail address changed"),
    "email_cancelled": _("Change of the e-mail address cancelled"),
    "email_revoked": _("Change of the e-mail address taken back"),
    "identity_linked": _("Another way to log in added"),
    "identity_unlinked": _("A way to log in removed"),
    "factor": _("Second factor asked for"),
    "factor_enrolled": _("Second factor added"),
    "factor_renamed": _("Second factor renamed"),
    "factor_removed": _("Second factor removed"),
    "profile_changed": _("Name or language changed"),
    "session_ended": _("A session ended"),
    "signup_link": _("Signup link made"),
    "signup_link_revoked": _("Signup link revoked"),
    "step": _("Step at login taken"),
    "sessions_ended": _("Other sessions ended"),
}
_OTHER = _("Account changed")


@dataclass(frozen=True, slots=True)
class Happening:
    """
    An event, for people.

    Attributes:
        text: What happened.
        failed: Whether somebody was refused.
        created: When.
        device: With which browser, as far as it said.
        address: From where.
    """

    text: str
    failed: bool
    created: datetime
    device: str | None
    address: str | None


def happening(request: AuthRequest, event: AuthEvent) -> Happening:
    """*event* in the words of the request's language."""
    text = request.translate(_WORDS.get(event.type, _OTHER))
    if event.provider and event.provider != LOCAL:
        text = f"{text} · {provider_name(request.root_app.auth.providers, event.provider)}"
    return Happening(
        text,
        event.code not in {None, "ok"} and event.code != event.type,
        event.created,
        device(event.user_agent, request.translate) if event.user_agent else None,
        event.address,
    )
