"""YubiKeys: one-time passwords that a validation server decrypts."""

from __future__ import annotations

import builtins
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors.contract import (
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    FactorServices,
    FactorSettings,
    Used,
)
from onegov_auth.factors.yubico import ValidationServers, get_text
from onegov_auth.i18n import _
from onegov_auth.models.second_factor import MODHEX
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings.factors import YubiKey

__all__ = ["PUBLIC_ID", "YubiKeyFactor", "serial_of"]

#: So many characters of a one-time password say which YubiKey typed it.
PUBLIC_ID = 12

#: Two characters for each of six bytes of public id and 16 encrypted ones (YubiKey Manual, "Yubico OTP").
_LENGTH = 44

_HEX = str.maketrans(MODHEX, "0123456789abcdef")

_PASSWORD = re.compile(f"[{MODHEX}]{{{_LENGTH}}}")


@dataclass(frozen=True, kw_only=True)
class YubiKeyFactor(Factor):
    """
    One touch of a YubiKey.

    A one-time password counts if its public id is enrolled for this very person, which is looked at before any server
    is asked (YUBI-01), if a validation server says in a signed answer that it is good, and if it is used here for the
    first time. Whose key it is otherwise, and that it is genuine, does not matter.
    """

    type: ClassVar[str] = "yubikey"
    title: ClassVar[str] = _("YubiKey")
    single_step: ClassVar[bool] = True
    settings_class: ClassVar[builtins.type[FactorSettings]] = YubiKey

    servers: ValidationServers = field(repr=False)

    @classmethod
    def create(cls, settings: FactorSettings, services: FactorServices, fetch: Callable[[str], str] = get_text) -> Self:
        """See :meth:`Factor.create`; *fetch* gets an address, or raises NoAnswerError."""
        block = YubiKey.model_validate(settings)
        servers = ValidationServers.of(block.client_id, block.secret_key, block.urls, fetch)
        return cls(settings=block, clock=services.clock, services=services, servers=servers)

    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused | Unavailable:
        """
        Set up the YubiKey that was touched, if a server says that it is one.

        Returns:
            The form (``step``: ``touch``); the enrolment, which shows the ``serial`` number; ``Refused`` with
            ``invalid_code``, ``wrong_code``, ``code_used`` or ``factor_taken``; ``Unavailable`` if no server can say.
        """
        del user
        if answer is None:
            return EnrolmentForm({"step": "touch"})
        typed = self._typed(answer)
        if len(typed) != 1:
            return Refused("invalid_code")
        password = typed[0]
        enrolled = transaction.data.get("enrolled")
        if isinstance(enrolled, list) and password[:PUBLIC_ID] in enrolled:
            return Refused("factor_taken")
        no = self.servers.refusal(password)
        if no is not None:
            return no
        # What enrolled it logs nobody in, whatever the server thinks of a second time (OTP-10).
        public_id = password[:PUBLIC_ID]
        serial = serial_of(public_id)
        return Enrolment(
            key=public_id,
            data={"enrolled_by": _fingerprint(password)},
            show={"serial": serial},
            name=f"YubiKey {serial}",
        )

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Ask for a touch; nothing is sent."""
        del enrolled, transaction, client
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused | Unavailable:
        """
        Whether one of the enrolled YubiKeys typed *answer*, just now.

        Returns:
            Which one; ``Refused`` with ``invalid_code``, ``wrong_code`` (also for anybody else's YubiKey) or
            ``code_used``; ``Unavailable`` if no server can say.
        """
        del transaction, client
        mine = {factor.key: factor for factor in enrolled if factor.key}
        typed = self._typed(answer)
        if not typed:
            return Refused("invalid_code")
        password = next((password for password in typed if password[:PUBLIC_ID] in mine), None)
        if password is None:
            return Refused("wrong_code")
        factor = mine[password[:PUBLIC_ID]]
        once = _fingerprint(password)
        if factor.data.get("enrolled_by") == once:
            return Refused("code_used")
        no = self.servers.refusal(password)
        return Used(factor.id, once=once) if no is None else no

    def _typed(self, answer: str) -> list[str]:
        """What a YubiKey may have typed for *answer* to come out, by the layout of the keyboard."""
        typed = answer.strip().lower()
        if len(typed) != _LENGTH:
            return []
        if _PASSWORD.fullmatch(typed):
            return [typed]
        return sorted(filter(_PASSWORD.fullmatch, self.servers.translate(typed)))


def serial_of(public_id: str) -> int:
    """The serial number as printed on the YubiKey, unless somebody gave it a public id of their own."""
    return int(public_id.translate(_HEX), 16)


def _fingerprint(password: str) -> str:
    """What is kept of a one-time password: 128 encrypted bits, which nobody guesses from a hash."""
    return hashlib.sha256(password.encode()).hexdigest()
