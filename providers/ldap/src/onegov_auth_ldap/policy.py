"""What a server says about a password beside yes and no: the controls in its answer to a bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["CHANGE_AFTER_RESET", "LOCKED", "NOTHING_SAID", "PASSWORD_EXPIRED", "REQUEST", "Policy", "read_policy"]

#: draft-behera-ldap-password-policy-11 §6: asked for by a control of this name, answered by another.
_CONTROL = "1.3.6.1.4.1.42.2.27.8.5.1"

#: The control to send with a bind, in the form ldap3 takes; not critical, so servers that don't know it go on.
REQUEST = (_CONTROL, False, None)

#: draft-vchu-ldap-pwd-policy-00 §4: the password expired, or will in so many seconds.
_NETSCAPE_EXPIRED, _NETSCAPE_EXPIRING = "2.16.840.1.113730.3.4.4", "2.16.840.1.113730.3.4.5"

#: Errors of draft-behera §6.2 that a bind can have.
PASSWORD_EXPIRED, LOCKED, CHANGE_AFTER_RESET = 0, 1, 2

_WARNING, _ERROR = 0xA0, 0x81
_EXPIRES_IN, _GRACE = 0x80, 0x81


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What was said.

    Attributes:
        error: The number of draft-behera §6.2; ``None`` = no fault.
        grace: How many more times an expired password works.
        expires_in: Seconds until it expires.
    """

    error: int | None = None
    grace: int | None = None
    expires_in: int | None = None

    def __str__(self) -> str:
        """For the event log; empty if nothing was said."""
        said = [f"error {self.error}"] if self.error is not None else []
        said += [f"{self.grace} grace logins left"] if self.grace is not None else []
        said += [f"the password expires in {self.expires_in} s"] if self.expires_in is not None else []
        return ", ".join(said)


#: Of a server that has no opinion.
NOTHING_SAID = Policy()


def read_policy(controls: Mapping[str, bytes]) -> Policy:
    """
    What the controls of an answer to a bind say.

    Args:
        controls: Object identifier to value.

    Raises:
        ValueError: If a control is broken: whether the password may be used is not known then.
    """
    if _CONTROL in controls:
        return _behera(controls[_CONTROL])
    if _NETSCAPE_EXPIRED in controls:
        # Sent with a refusal of an expired password, and with a success that allows a change of it only.
        return Policy(error=CHANGE_AFTER_RESET)
    if _NETSCAPE_EXPIRING in controls:
        return Policy(expires_in=int(controls[_NETSCAPE_EXPIRING].decode("ascii")))
    return NOTHING_SAID


def _behera(value: bytes) -> Policy:
    ((_, content),) = _elements(value)
    parts = dict(_elements(content))
    warnings = dict(_elements(parts.get(_WARNING, b"")))
    return Policy(
        error=_number(parts.get(_ERROR)),
        grace=_number(warnings.get(_GRACE)),
        expires_in=_number(warnings.get(_EXPIRES_IN)),
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    # Elements of up to 127 octets, as X.690 §8.1.3.4 writes them: nothing here can be longer.
    while data:
        if len(data) < 2 or data[1] > 0x7F or len(data) < 2 + data[1]:
            raise ValueError("a password policy control is broken")
        yield data[0], data[2 : 2 + data[1]]
        data = data[2 + data[1] :]


def _number(octets: bytes | None) -> int | None:
    if octets is None:
        return None
    if not octets:
        raise ValueError("a number in a password policy control is empty")
    return int.from_bytes(octets, "big", signed=True)
