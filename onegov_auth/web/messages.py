"""
Outcome → what the person reads.

One neutral sentence for everything that is wrong with a username or password: whether the name is unknown, the password
wrong or the account inactive is for the event log only (ASVS 6.3.8, ENUM-01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.i18n import Text, _
from onegov_auth.providers import PasswordProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onegov_auth.outcomes import Refused, Unavailable
    from onegov_auth.providers import Provider

__all__ = ["LINKING", "STALE", "password_message", "provider_message", "unavailable_message", "wait_message"]

#: Codes of a callback that was not begun here, or not by this browser, or too long ago.
STALE = frozenset({"missing_state", "unknown_transaction", "expired_transaction", "no_browser"})

#: Codes of a link that somebody who is logged in began, and that was not made.
LINKING = frozenset({"identity_frozen", "identity_taken", "link_other_session", "not_fresh"})

_WRONG = _("You could not be logged in. Please check your username and password.")
_PROVIDER = _("You could not be logged in this way.")
_DIRECTORY_DOWN = _("The directory can't be reached right now. Local accounts still work.")
_SERVICE_DOWN = _("The login service can't be reached right now. Please try again later or choose another way.")
_MINUTES = _("Too many attempts. Please try again in {minutes} minutes.")
_MINUTE = _("Too many attempts. Please try again in a minute.")
_LOCKED_OUT = _(
    "Too many wrong attempts in a row. Please log in with a browser you have used here before, or choose a new "
    "password, or ask those who run this site."
)

_BY_CODE = {
    "access_denied": _("The login was cancelled."),
    "identity_taken": _("That account lets somebody else in here already, and was not linked."),
    "link_other_session": _("You were logged out in the meantime. Please begin again."),
    "no_role": _("Your account gives no access to this site. Please ask those who run it."),
    "not_provisioned": _("Your account gives no access to this site. Please ask those who run it."),
}

_NOT_HERE = _("Your account does not allow a login at this time or from here.")

#: What is wrong with an account whose password was right (``Refused.proven``).
_PROVEN = {
    "account_disabled": _("Your account is disabled. Please ask those who run the directory."),
    "account_expired": _("Your account has expired. Please ask those who run the directory."),
    "account_locked": _("Your account is locked. Please ask those who run the directory."),
    "not_allowed_here": _NOT_HERE,
    "not_allowed_now": _NOT_HERE,
    "password_expired": _("Your password has expired. Please change it in your organisation, then log in here again."),
    "password_must_change": _(
        "Your password has to be changed first. Please do that in your organisation, then log in here again."
    ),
}


def password_message(refused: Refused) -> str:
    """Why a username and password got nobody in; the same words for every reason, unless the password was right."""
    return wait_message(refused) or (_PROVEN.get(refused.code, _WRONG) if refused.proven else _WRONG)


def provider_message(refused: Refused) -> str:
    """Why a provider's answer got nobody in."""
    return wait_message(refused) or _BY_CODE.get(refused.code, _PROVIDER)


def wait_message(refused: Refused) -> str | None:
    """How long to wait, or what else helps, if there were too many attempts."""
    if refused.code == "locked_out":
        return _LOCKED_OUT
    if refused.retry_after is None:
        return None
    minutes = -(-refused.retry_after // 60)
    return _MINUTE if minutes <= 1 else Text(_MINUTES, minutes=minutes)


def unavailable_message(unavailable: Unavailable, providers: Mapping[str, Provider]) -> str:
    """What can't be reached, and what still works."""
    down = providers.get(unavailable.provider)
    return _DIRECTORY_DOWN if isinstance(down, PasswordProvider) else _SERVICE_DOWN
