"""Events of one account, in words for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from onegov_auth.accounts.local import LOCAL
from onegov_auth.events import Ending, ending
from onegov_auth.i18n import Translate, _
from onegov_auth.mail import device
from onegov_auth.web.names import provider_name

if TYPE_CHECKING:
    from onegov_auth.models import AuthEvent
    from onegov_auth.web.request import AuthRequest

__all__ = ["Happening", "event_words", "happening", "step_words", "type_words"]

_ADDED, _OTHER, _NOT_OTHER = _("Account added"), _("Account changed"), _("Account not changed")

#: What was done, by the event's type.
_WORDS = {
    "login": _("Logged in"),
    "logout": _("Logged out"),
    "registration": _("Registered"),
    "activation": _("Account activated"),
    "activation_resent": _("Mail with the activation link sent again"),
    "password_changed": _("Password changed"),
    "password_reset": _("Password changed by a link in a mail"),
    "password_chosen": _("Password chosen by a link in a mail"),
    "recovery": _("Link to a new password asked for"),
    "email_change": _("Change of the e-mail address begun"),
    "email_changed": _("E-mail address changed"),
    "email_cancelled": _("Change of the e-mail address cancelled"),
    "email_revoked": _("Change of the e-mail address taken back"),
    "identity_linked": _("Another way to log in added"),
    "identity_unlinked": _("A way to log in removed"),
    "factor": _("Second factor confirmed"),
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
    "provider_distrusted": _("Provider not trusted any more"),
    "provider_trusted": _("Provider trusted again"),
    "sync": _("Directory synced"),
    "keys_rotated": _("Keys rotated"),
    "cleanup": _("Cleaned up"),
}

#: What was not done.
_NOT_DONE = {
    "login": _("Not logged in"),
    "logout": _("Not logged out"),
    "registration": _("Not registered"),
    "activation": _("Account not activated"),
    "activation_resent": _("Mail with the activation link not sent again"),
    "password_changed": _("Password not changed"),
    "password_reset": _("Password not changed by a link in a mail"),
    "password_chosen": _("Password not chosen by a link in a mail"),
    "recovery": _("Link to a new password not sent"),
    "email_change": _("Change of the e-mail address not begun"),
    "email_changed": _("E-mail address not changed"),
    "email_cancelled": _("Change of the e-mail address not cancelled"),
    "email_revoked": _("Change of the e-mail address not taken back"),
    "identity_linked": _("No other way to log in added"),
    "identity_unlinked": _("Way to log in not removed"),
    "factor": _("Second factor not confirmed"),
    "factor_enrolled": _("Second factor not added"),
    "factor_renamed": _("Second factor not renamed"),
    "factor_removed": _("Second factor not removed"),
    "profile_changed": _("Name and language not changed"),
    "session_ended": _("Session not ended"),
    "sessions_ended": _("Sessions not ended"),
    "signup_link": _("Signup link not made"),
    "signup_link_revoked": _("Signup link not revoked"),
    "api_token_created": _("API token not made"),
    "api_token_revoked": _("API token not revoked"),
    "token": _("API token not known"),
    "token_refreshed": _("Access token not renewed"),
    "group_added": _("Group not added"),
    "group_changed": _("Group not changed"),
    "group_deleted": _("Group not deleted"),
    "bundle_added": _("Bundle not added"),
    "bundle_changed": _("Bundle not changed"),
    "bundle_deleted": _("Bundle not deleted"),
    "unlocked": _("Not unlocked"),
    "attempts_purged": _("Attempts not deleted"),
    "user_added": _("Account not added"),
    "user_changed": _NOT_OTHER,
    "deleted": _("Account not deleted"),
    "invited": _("Link to choose a password not sent"),
    "activated": _("Account not activated"),
    "deactivated": _("Account not deactivated"),
    "users_activate": _("Accounts not activated"),
    "users_deactivate": _("Accounts not deactivated"),
    "users_end_sessions": _("Sessions of several accounts not ended"),
    "users_add_to_group": _("Accounts not added to a group"),
    "users_remove_from_group": _("Accounts not removed from a group"),
    "users_set_role": _("Role of several accounts not changed"),
    "users_delete": _("Accounts not deleted"),
    "sync": _("Directory not synced"),
    "mail_failed": _("Mail not sent"),
    "sms_failed": _("Text message not sent"),
}

#: What it was about, where it is not said whether it was done.
_ABOUT = {
    "login": _("Login"),
    "logout": _("Logout"),
    "registration": _("Registration"),
    "factor": _("Second factor"),
    "token": _("API token"),
}
_BEGUN = _("Login begun")

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
    return _ABOUT.get(type_) or _WORDS.get(type_) or _NOT_DONE.get(type_, type_)


def event_words(type_: str, code: str | None) -> str:
    """What happened, or what did not, marked for translation; the type itself where there are no words for it."""
    how = ending(type_, code)
    if how is Ending.OPEN:
        return _BEGUN
    return (_WORDS if how is Ending.GOOD else _NOT_DONE).get(type_) or type_words(type_)


def step_words(translate: Translate, name: str, detail: str) -> tuple[str, str]:
    """A step of an event: what it was about, in the reader's language, and what was decided."""
    return translate(_STEPS.get(name, name)), detail


def happening(request: AuthRequest, event: AuthEvent) -> Happening:
    """*event* in the words of the request's language."""
    how, words = ending(event.type, event.code), event_words(event.type, event.code)
    if words == event.type:
        words = _NOT_OTHER if how is Ending.REFUSED else _OTHER
    text = request.translate(words)
    if event.provider and event.provider != LOCAL:
        text = f"{text} · {provider_name(request.root_app.auth.providers, event.provider)}"
    return Happening(
        text,
        how is Ending.REFUSED,
        event.created,
        device(event.user_agent, request.translate) if event.user_agent else None,
        event.address,
    )
