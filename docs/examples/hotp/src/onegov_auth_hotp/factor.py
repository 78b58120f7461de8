"""Codes of a token with a button (RFC 4226): each press shows the next one."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onegov_auth.factors import (
    Challenge,
    Client,
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    Refused,
    Transaction,
    Used,
    UserInfo,
)
from onegov_auth_hotp.settings import HOTPSettings

__all__ = ["HOTPFactor", "code"]

#: The token's seed as it is printed on its card (160 bits), and the code it shows.
ANSWER = re.compile(r"([0-9a-f]{40}) ([0-9]{6})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class HOTPFactor(Factor):
    """A token with a button."""

    type: ClassVar[str] = "hotp"
    title: ClassVar[str] = "Token"
    settings_class = HOTPSettings

    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused:
        """Ask for the seed on the card and a code."""
        if answer is None:
            return EnrolmentForm({"ask": "The seed on the card, a blank, and the code"})
        typed = ANSWER.fullmatch(answer)
        if typed is None:
            return Refused("invalid_code")
        counter = self.found(typed[1], typed[2], 0)
        return Refused("wrong_code") if counter is None else Enrolment(secret=typed[1], counter=counter)

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Nothing is sent: the token has the code."""
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """Look ahead from the last code of each token; the core takes no counter twice."""
        for token in enrolled:
            counter = self.found(token.secret or "", answer, (token.counter or 0) + 1)
            if counter is not None:
                return Used(token.id, counter=counter)
        return Refused("wrong_code")

    def found(self, secret: str, answer: str, first: int) -> int | None:
        """The counter that has this code."""
        counters = range(first, first + self.settings.look_ahead)
        given = answer.encode("utf-8", "surrogatepass")
        return next((n for n in counters if hmac.compare_digest(code(secret, n).encode(), given)), None)


def code(secret: str, counter: int) -> str:
    """The code of RFC 4226 §5.3."""
    digest = hmac.new(bytes.fromhex(secret), counter.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{int.from_bytes(digest[offset : offset + 4], 'big') % 2**31 % 10**6:06}"
