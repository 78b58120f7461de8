"""Codes on paper, for the day the phone is lost (look-up secrets, NIST 800-63B-4 §3.1.2)."""

from __future__ import annotations

import builtins
import hmac
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from argon2.low_level import Type, hash_secret_raw

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors.contract import Enrolled, Enrolment, Factor, Used
from onegov_auth.i18n import _
from onegov_auth.outcomes import Challenge, Refused
from onegov_auth.settings.factors import FactorSettings, RecoveryCodes

__all__ = ["RecoveryCodesFactor"]

#: Without I, L, O and U, which are misread (Crockford's base 32): 5 bits each.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: 80 bits; NIST 800-63B-4 §4.2.1.1 asks for 64.
LENGTH = 16

#: What people read for another character.
_MISREAD = str.maketrans("ILO", "110")

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class RecoveryCodesFactor(Factor):
    """
    Several codes, each of which works once.

    Attributes:
        choose: Picks one of some characters, unguessably.
    """

    type: ClassVar[str] = "recovery_codes"
    title: ClassVar[str] = _("Recovery codes")
    spare: ClassVar[bool] = True
    most: ClassVar[int] = 1
    settings_class: ClassVar[builtins.type[FactorSettings]] = RecoveryCodes

    choose: Callable[[str], str] = secrets.choice

    def enrol(self, user: UserInfo, answer: str | None, transaction: Transaction) -> Enrolment:
        """New codes; ``show["codes"]`` has them in clear text, now and never again."""
        del user, answer, transaction
        count: int = self.settings.count
        codes = ["".join(self.choose(ALPHABET) for _ in range(LENGTH)) for _ in range(count)]
        salt = secrets.token_hex(16)
        kept = {"salt": salt, "hashes": [_hash(code, salt) for code in codes]}
        shown = ["-".join(code[start : start + 4] for start in range(0, LENGTH, 4)) for code in codes]
        return Enrolment(secret=json.dumps(kept), data={"count": count}, show={"codes": shown})

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Nothing is sent: the person has them on paper."""
        del enrolled, transaction, client
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """
        One hash per set, compared with all of them.

        Returns:
            The code that was used; ``Refused`` with ``invalid_code`` or ``wrong_code``.
        """
        del transaction, client
        code = re.sub(r"[\s-]", "", answer[:100]).upper().translate(_MISREAD)
        if not _CODE.fullmatch(code):
            return Refused("invalid_code")
        for factor in enrolled:
            if factor.secret is None:
                continue
            kept = json.loads(factor.secret)
            hashed = _hash(code, kept["salt"])
            # Every hash is compared, so that the time doesn't tell which one it was.
            if sum([hmac.compare_digest(hashed, other) for other in kept["hashes"]]):
                return Used(factor.id, once=hashed)
        return Refused("wrong_code")


def _hash(code: str, salt: str) -> str:
    """
    What is kept of a code.

    NIST 800-63B-4 §3.1.2.2 and ASVS 6.5.2 ask for a salted password hash below 112 bits; one salt per set is enough
    for random codes, and a set is searched at the cost of one hash. RFC 9106 §4 and OWASP: Argon2id, 19 MiB, 2 rounds.
    """
    return hash_secret_raw(code.encode(), bytes.fromhex(salt), 2, 19 * 1024, 1, 32, Type.ID).hex()
