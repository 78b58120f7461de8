"""Events of one account, in words for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.i18n import Translate, _
from onegov_auth.mail import device
from onegov_auth.web.names import provider_name

if TYPE_CHECKING:
    from onegov_auth.models import AuthEvent
    from onegov_auth.web.request import AuthRequest

__all__ = ["Happening", "happening", "step_words", "type_words"]

_ADDED, _OTHER = _("Account added"), _("Account changed")

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
    "api_token_created": _("API token made"),
    "api_token_revoked": _("API token revoked"),
    "sessions_ended": _("Other sessions ended"),
    "group_added": _("Group added"),
    "group_changed": _("Group changed"),
    "group_deleted": _("Group deleted"),
    "bundle_added": _("Bundle added"),
    "bundle_changed": _("Bundle changed"),
    "bundle_deleted": _("Bundle deleted"),
    "unlocked": _("Unlocked"),
    "granted": _("Right given"),
    "withdrawn": _("Right taken away"),
    "attempts_purged": _("Attempts deleted"),
    "added": _ADDED,
    "user_added": _ADDED,
    "user_changed": _OTHER,
    "deleted": _("Account deleted"),
    "invited": _("Link to choose a password sent"),
    "activated": _("Account activated"),
    "deactivated": _("Account deactivated"),
    "role_changed": _("Role changed"),
    "username_changed": _("Username changed"),
    "sync": _("Directory synced"),
    "keys_rotated": _("Keys rotated"),
    "cleanup": _("Cleaned up"),
}

#: The same where it is not said yet whether it happened.
_ABOUT = {"login": _("Login"), "logout": _("Logout"), "registration": _("Registration")}

#: What was decided on the way, by the step's name; others are shown by their name.
_STEPS = {
    "local": _("Local account"),
    "search": _("Search in the directory"),
    "bind": _("Password at the directory"),
    "provider": _("Provider"),
    "source": _("Provider"),
    "id_token": _("ID token"),
    "userinfo": _("Claims"),
    "link": _("Link"),
    "groups": _("Groups"),
    "role": _("Role"),
    "grants": _("Rights"),
    "provision": _("Account made"),
    "rename": _("Renamed"),
    "username": _("Name"),
    "conflict": _("Conflict"),
    "taken": _("Taken by"),
    "factor": _("Second factor"),
    "passkey": _("Passkey"),
    "step": _("Step at login"),
    "sessions": _("Sessions"),
    "tries": _("Tries"),
    "uses": _("Uses"),
    "by": _("By"),
    "members": _("Members"),
    "permissions": _("Permissions"),
    "bundles": _("Bundles"),
    "group": _("Group"),
    "bundle": _("Bundle"),
}


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


def type_words(type_: str) -> str:
    """What it was about, marked for translation, however it ended; the type itself where there are no words for it."""
    return _ABOUT.get(type_) or _WORDS.get(type_, type_)


def step_words(translate: Translate, name: str, detail: str) -> tuple[str, str]:
    """A step of an event: what it was about, in the reader's language, and what was decided."""
    return translate(_STEPS.get(name, name)), detail


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
