"""Whether an account may be used, and what a refused bind says about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from onegov_auth_ldap.entry import Entry
from onegov_auth_ldap.session import Answer

__all__ = ["STATE_ATTRIBUTES", "account_fault", "bind_fault"]

#: What has to be read of a person to know.
STATE_ATTRIBUTES = (
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "loginDisabled",
    "pwdAccountLockedTime",
    "shadowExpire",
)

#: MS-ADTS §2.2.16.
_DISABLED, _PASSWORD_EXPIRED = 0x2, 0x800000

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

#: Answers that are a "no" (RFC 4511 §4.1.9). Everything else, success apart, is nobody's answer.
_REFUSALS = {
    19: "account_locked",
    32: "wrong_password",
    48: "no_password",
    49: "wrong_password",
    50: "bind_refused",
    53: "bind_refused",
}


def bind_fault(answer: Answer) -> str | None:
    """The refusal's code for an answer to a bind that was no success; ``None`` if it is no refusal either."""
    if answer.code == 49:
        found = _SUBCODE.search(answer.message)
        return _SUBCODES.get(found[1].lower(), "wrong_password") if found else "wrong_password"
    return _REFUSALS.get(answer.code)


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
    if control & _DISABLED:
        return "account_disabled"
    if control & _PASSWORD_EXPIRED:
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
