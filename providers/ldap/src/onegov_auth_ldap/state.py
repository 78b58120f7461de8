"""Whether an account may be used, and what a refused bind says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.policy import CHANGE_AFTER_RESET, LOCKED, PASSWORD_EXPIRED
from onegov_auth_ldap.session import SUCCESS, Answer

__all__ = ["STATE_ATTRIBUTES", "Fault", "account_fault", "bind_fault"]

#: What has to be read of a person to know. The computed attribute has Active Directory's own answer to what follows
#: from lockoutTime, pwdLastSet and whichever password policy applies (MS-ADTS §3.1.1.4.5.17).
STATE_ATTRIBUTES = (
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "pwdLastSet",
    "accountExpires",
    "nsAccountLock",
    "loginDisabled",
    "pwdAccountLockedTime",
    "shadowExpire",
)

#: MS-ADTS §2.2.16. Lockout is only ever right in the computed attribute.
_DISABLED, _LOCKOUT, _NEVER_EXPIRES, _PASSWORD_EXPIRED = 0x2, 0x10, 0x10000, 0x800000

#: "Never" of ``accountExpires`` (MS-ADA1 §2.2); its ticks are 100 ns since 1601.
_NEVER = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_EPOCH_1970 = datetime(1970, 1, 1, tzinfo=UTC)

#: draft-behera-ldap-password-policy §5.3.3: locked until somebody unlocks.
_LOCKED_FOR_GOOD = "000001010000Z"

#: The hexadecimal number after "data" in Active Directory's answer to a bind.
_SUBCODE = re.compile(r"\bdata ([0-9a-fA-F]+)")
_SUBCODES = {
    "530": "not_allowed_now",
    "531": "not_allowed_here",
    "532": "password_expired",
    "533": "account_disabled",
    "701": "account_expired",
    "773": "password_must_change",
    "775": "account_locked",
}

#: Active Directory looks at the lock before the password, and at everything else after it.
_UNPROVEN = frozenset({"775"})

#: OpenLDAP and 389-DS look at the lock before the password as well.
_POLICY = {
    PASSWORD_EXPIRED: ("password_expired", True),
    LOCKED: ("account_locked", False),
    CHANGE_AFTER_RESET: ("password_must_change", True),
}

INVALID_CREDENTIALS = 49

#: Other answers that are a "no" (RFC 4511 §4.1.9). Everything else, success apart, is nobody's answer.
_REFUSALS = {
    19: "account_locked",
    32: "wrong_password",
    48: "no_password",
    50: "bind_refused",
    53: "bind_refused",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Why a bind lets nobody in.

    Attributes:
        code: The refusal's code.
        proven: Whether the password was right, so that the person may be told.
    """

    code: str
    proven: bool = False


def bind_fault(answer: Answer) -> Fault | None:
    """The refusal in the answer to a bind; ``None`` if there is none, whether it was a success or trouble."""
    error = answer.policy.error
    if answer.code == SUCCESS:
        # LDAP-48: a password that may only be used to change it answers success, too.
        return None if error is None else Fault(_POLICY.get(error, ("bind_refused", True))[0], proven=True)
    if answer.code != INVALID_CREDENTIALS:
        code = _REFUSALS.get(answer.code)
        return None if code is None else Fault(code)
    if error in _POLICY:
        code, proven = _POLICY[error]
        # Netscape's control says the same word for both: with a refusal it is the expiry.
        return Fault("password_expired" if error == CHANGE_AFTER_RESET else code, proven)
    found = _SUBCODE.search(answer.message)
    number = found[1].lower() if found else ""
    return Fault(_SUBCODES.get(number, "wrong_password"), proven=number in _SUBCODES and number not in _UNPROVEN)


def account_fault(entry: Entry, now: datetime) -> str | None:
    """
    Why this account may not be used although its password was right; ``None`` if it may.

    Directories behind a proxy, and comparisons, don't look at it themselves (LDAP-10). What can't be read is no.
    """
    try:
        return _disabled(entry) or _expired(entry, now)
    except (ValueError, OverflowError):
        return "account_state_unreadable"


def _disabled(entry: Entry) -> str | None:
    control = _number(entry, "userAccountControl") or 0
    computed = _number(entry, "msDS-User-Account-Control-Computed") or 0
    if control & _DISABLED:
        return "account_disabled"
    if computed & _LOCKOUT:
        return "account_locked"
    if _number(entry, "pwdLastSet") == 0 and not control & _NEVER_EXPIRES:
        return "password_must_change"
    if (control | computed) & _PASSWORD_EXPIRED:
        return "password_expired"
    if any(text.lower() == "true" for name in ("nsAccountLock", "loginDisabled") for text in entry.texts(name)):
        return "account_disabled"
    return "account_locked" if _LOCKED_FOR_GOOD in entry.texts("pwdAccountLockedTime") else None


def _expired(entry: Entry, now: datetime) -> str | None:
    ticks = _number(entry, "accountExpires")
    if ticks is not None and ticks < 0:
        raise ValueError("a time before time")
    if ticks is not None and ticks not in _NEVER and _EPOCH_1601 + timedelta(microseconds=ticks // 10) <= now:
        return "account_expired"
    days = _number(entry, "shadowExpire")
    # shadow(5): -1 and nothing are never; the account is usable on no day from that one on.
    if days is not None and days >= 0 and _EPOCH_1970 + timedelta(days=days) <= now:
        return "account_expired"
    return None


def _number(entry: Entry, name: str) -> int | None:
    values = entry.octets(name)
    if not values:
        return None
    if len(values) > 1 or not re.fullmatch(rb"-?[0-9]{1,19}", values[0]):
        raise ValueError(f"{name} is no number")
    return int(values[0])
