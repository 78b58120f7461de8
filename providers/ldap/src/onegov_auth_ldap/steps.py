"""One step of the doctor: what was looked at, how long it took, and what to change."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from onegov_auth.providers import Check, CheckState, VerifiedIdentity
from onegov_auth_ldap.errors import DirectoryError

__all__ = ["Finding", "timed"]

#: What to change, by the reason of a failure that says nothing better itself.
HINTS = {
    "dns": "is the host name right, and does this machine's resolver know it?",
    "connect": "is the server running, and the port open from here?",
    "timeout": "a firewall that drops, or a server that is overloaded: see timeouts",
    "tls": "set tls.ca_file to the authority that signed the server's certificate, and use the name in it",
    "start_tls": "the server offers no StartTLS: use ldaps://",
    "service_bind": "check bind.dn and bind.password",
    "service_password": "the file or variable behind bind.password is empty",
    "no_such_base": "there is no such entry, or the service account may not see it",
    "nobody": "see people.base, people.filter and people.scope, and whether the service account may see people",
    "limit": "raise the server's size limit for the service account",
    "referral": "ask the server that holds the entries itself; referrals are not followed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found, where more is to be said than that it went well."""

    detail: str
    state: CheckState = CheckState.OK
    hint: str = ""
    identity: VerifiedIdentity | None = None


def timed(name: str, look: Callable[[], str | Finding]) -> Check:
    """Do a step; a directory that fails makes a failed step with the reason and what to change."""
    start = time.monotonic()
    try:
        found = look()
    except DirectoryError as error:
        found = Finding(str(error), CheckState.FAILED, error.hint or HINTS.get(error.reason, ""))
    if isinstance(found, str):
        found = Finding(found)
    return Check(name, found.state, found.detail, found.hint, time.monotonic() - start, identity=found.identity)
