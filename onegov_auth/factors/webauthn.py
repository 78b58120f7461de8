"""Passkeys: as a second factor, and in place of username and password."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from onegov_auth.domain import Client, Step, Transaction, UserInfo, hexadecimal
from onegov_auth.errors import MissingDependencyError, SettingsError
from onegov_auth.factors.contract import (
    Enrolled,
    Enrolment,
    EnrolmentForm,
    Factor,
    FactorServices,
    FactorSettings,
    Used,
)
from onegov_auth.i18n import _
from onegov_auth.outcomes import Challenge, Refused
from onegov_auth.settings.factors import WebAuthn

if TYPE_CHECKING:
    from onegov_auth.factors.passkeys import Asserted, Ceremonies

__all__ = ["WebAuthnFactor"]

#: Random bytes of a challenge; Web Authentication Level 3 §13.4.3 asks for 16.
_CHALLENGE = 32

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True)
class WebAuthnFactor(Factor):
    """
    A passkey. It belongs to one site, so that nobody can be talked into using it elsewhere.

    One that made sure of the person when it was set up is two factors in one, and may log in alone where
    ``passwordless`` is on. Others are second factors for good: whoever finds a key could give it a PIN.
    """

    type: ClassVar[str] = "webauthn"
    title: ClassVar[str] = _("Passkey")
    settings_class: ClassVar[builtins.type[FactorSettings]] = WebAuthn
    #: A challenge is signed once, rightly or not (WAN-15).
    one_answer: ClassVar[bool] = True

    ceremonies: Ceremonies = field(repr=False)

    @classmethod
    def create(cls, settings: FactorSettings, services: FactorServices) -> Self:
        """
        Make the factor.

        Raises:
            MissingDependencyError: Without the extra ``webauthn``.
            SettingsError: If ``rp_id`` does not fit ``base_url``.
        """
        try:
            from onegov_auth.factors.passkeys import Ceremonies  # noqa: PLC0415 - imports an extra
        except ImportError as error:
            raise MissingDependencyError("second_factors.webauthn", "onegov-auth[webauthn]") from error
        block = WebAuthn.model_validate(settings)
        origin, host = _origin(services.base_url)
        ceremonies = Ceremonies(_rp_id(block, host), block.rp_name or services.title, origin)
        return cls(settings=block, clock=services.clock, services=services, ceremonies=ceremonies)

    @property
    def passwordless(self) -> bool:
        """Whether a passkey alone may log in."""
        return bool(self.settings.passwordless)

    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused:
        """
        Make a passkey.

        Returns:
            A form with ``mode`` (``create``) and ``options`` for the browser; the enrolment; ``Refused`` with
            ``invalid_code`` or ``wrong_code``.
        """
        from onegov_auth.factors.passkeys import PasskeyError  # noqa: PLC0415 - imports an extra

        challenge = transaction.data.get("challenge")
        handle = hexadecimal(user.id)
        if answer is None or not isinstance(challenge, str):
            return self._ask_for_a_new_one(user, handle, transaction)
        try:
            made = self.ceremonies.created(answer, challenge, passwordless=self.passwordless)
        except PasskeyError as error:
            return Refused(error.code, (Step("passkey", str(error)),))
        data = {
            "public_key": made.public_key,
            "user_handle": handle,
            "aaguid": made.aaguid,
            "transports": list(made.transports),
            "backup_eligible": made.backup_eligible,
            "backed_up": made.backed_up,
            # Said once and for all: see the class.
            "passwordless": made.verified,
        }
        return Enrolment(key=made.id, data=data, counter=made.count or None)

    def _ask_for_a_new_one(self, user: UserInfo, handle: str, transaction: Transaction) -> EnrolmentForm:
        enrolled: Any = transaction.data.get("enrolled") or []
        challenge = self.services.token(_CHALLENGE)
        person = (handle, user.username, user.title)
        options = self.ceremonies.creation_options(person, challenge, enrolled, passwordless=self.passwordless)
        return EnrolmentForm({"mode": "create", "options": options}, {"challenge": challenge})

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Ask for one of the user's passkeys; the page shows ``mode`` (``get``) and ``options``."""
        del transaction, client
        known = {factor.key: _texts(factor.data.get("transports")) for factor in enrolled if factor.key}
        return self._ask(known, passwordless=False)

    def ask_anybody(self) -> Challenge:
        """Ask for any passkey of this site that may log in alone; whose it is, it says itself."""
        return self._ask({}, passwordless=True)

    def _ask(self, known: Mapping[str, Sequence[str]], *, passwordless: bool) -> Challenge:
        challenge = self.services.token(_CHALLENGE)
        options = self.ceremonies.request_options(challenge, known, passwordless=passwordless)
        return Challenge(data={"challenge": challenge}, show={"mode": "get", "options": options})

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """
        Whether one of the enrolled passkeys signed the challenge.

        Returns:
            Which one; ``Refused`` with ``invalid_code``, ``wrong_code``, ``unknown_factor`` (another user's, or one
            that was removed) or ``counter_went_back`` (there may be a copy: Level 3 §6.1.1).
        """
        del client
        return self._judge(enrolled, answer, transaction, passwordless=False)

    def verify_alone(self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction) -> Used | Refused:
        """
        As :meth:`verify`, in place of username and password.

        The passkey says whose it is, and that it made sure of the person; ``Refused("second_factor_only")`` for one
        that did not when it was set up.
        """
        return self._judge(enrolled, answer, transaction, passwordless=True)

    def named(self, answer: str) -> str | Refused:
        """The id of the credential that an answer says it is by."""
        from onegov_auth.factors.passkeys import PasskeyError, credential_id  # noqa: PLC0415 - imports an extra

        try:
            return credential_id(answer)
        except PasskeyError as error:
            return Refused(error.code, (Step("passkey", str(error)),))

    def _judge(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, *, passwordless: bool
    ) -> Used | Refused:
        from onegov_auth.factors.passkeys import PasskeyError  # noqa: PLC0415 - imports an extra

        key = self.named(answer)
        if isinstance(key, Refused):
            return key
        factor = next((one for one in enrolled if one.key == key), None)
        challenge = transaction.data.get("challenge")
        if factor is None or not isinstance(challenge, str):
            return Refused("wrong_code" if factor else "unknown_factor")
        public_key = str(factor.data.get("public_key", ""))
        try:
            said = self.ceremonies.asserted(answer, challenge, public_key, passwordless=passwordless)
        except PasskeyError as error:
            return Refused(error.code, (Step("passkey", str(error)),))
        code = _objection(factor, said, passwordless=passwordless)
        if code is not None:
            return Refused(code)
        return Used(factor.id, once=challenge, counter=said.count or None, data={"backed_up": said.backed_up})


def _objection(factor: Enrolled, said: Asserted, *, passwordless: bool) -> str | None:
    """What is wrong with a rightly signed answer."""
    owner = factor.data.get("user_handle")
    if said.user_handle != owner and (said.user_handle is not None or passwordless):
        return "unknown_factor"
    if passwordless and not factor.data.get("passwordless"):
        return "second_factor_only"
    if said.backup_eligible != factor.data.get("backup_eligible"):
        return "wrong_code"
    known = factor.counter or 0
    if (said.count or known) and said.count <= known:
        return "counter_went_back"
    return None


def _origin(base_url: str) -> tuple[str, str]:
    """The origin as browsers write it, and its host."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}", host


def _rp_id(block: WebAuthn, host: str) -> str:
    try:
        ip_address(host)
    except ValueError:
        rp_id = block.rp_id or host
    else:
        raise SettingsError(["second_factors.webauthn: passkeys belong to a name, and base_url has an address"])
    if rp_id != host and not host.endswith(f".{rp_id}"):
        raise SettingsError(["second_factors.webauthn.rp_id: must be the host of base_url, or a domain above it"])
    return rp_id


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
