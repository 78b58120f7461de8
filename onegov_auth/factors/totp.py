"""Codes of an app on the phone (RFC 6238): six digits, made of a shared secret and the time."""

from __future__ import annotations

import base64
import builtins
import hmac
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.errors import MissingDependencyError
from onegov_auth.factors.contract import Enrolled, Enrolment, EnrolmentForm, Factor, FactorServices, Used
from onegov_auth.i18n import _
from onegov_auth.outcomes import Challenge, Refused
from onegov_auth.settings.factors import TOTP, FactorSettings

if TYPE_CHECKING:
    import pyotp

__all__ = ["TOTPFactor"]

#: Seconds per code, as every app has it (RFC 6238 §4.1).
STEP = 30

#: A code is good in its own step and the one before and after (RFC 6238 §5.2).
DRIFT = 1

#: A code this many steps away says that a clock is wrong: five minutes.
CLOCK_OFF = 10

#: Base32 characters of a new secret: 160 bits (RFC 4226 §4, R6; NIST 800-63B-4 §3.1.4.1 asks for 112).
SECRET_LENGTH = 32

#: ASCII only: other scripts have digits of their own.
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class TOTPFactor(Factor):
    """An authenticator app."""

    type: ClassVar[str] = "totp"
    title: ClassVar[str] = _("Authenticator app")
    settings_class: ClassVar[builtins.type[FactorSettings]] = TOTP

    @classmethod
    def create(cls, settings: FactorSettings, services: FactorServices) -> Self:
        """
        Make the factor.

        Raises:
            MissingDependencyError: Without the extra ``totp``.
        """
        try:
            import pyotp  # noqa: F401, PLC0415 - an extra: asked for where it is switched on
            import segno  # noqa: F401, PLC0415 - likewise
        except ImportError as error:
            raise MissingDependencyError("second_factors.totp", "onegov-auth[totp]") from error
        return super().create(settings, services)

    def enrol(
        self, user: UserInfo, answer: str | None, transaction: Transaction
    ) -> Enrolment | EnrolmentForm | Refused:
        """
        A new secret to scan or type; it is kept once a code proves that the app has it.

        Returns:
            The form with ``secret``, ``uri``, ``qr`` (an image as data URI), ``issuer`` and ``account``; the
            enrolment; ``Refused`` with ``invalid_code``, ``wrong_code`` or ``clock_off``.
        """
        secret = transaction.data.get("secret")
        if answer is None or not isinstance(secret, str):
            return self._form(user)
        code = _normalised(answer)
        if code is None:
            return Refused("invalid_code")
        step = self._matching(secret, code)
        if step is None:
            return Refused("wrong_code")
        if abs(step - self._now()) > DRIFT:
            return Refused("clock_off")
        return Enrolment(secret=secret, counter=step)

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Nothing is sent: the app has the code."""
        del enrolled, transaction, client
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """
        Compare with all of the user's apps.

        Returns:
            The step that was used; ``Refused`` with ``invalid_code``, ``wrong_code`` or ``code_used``.
        """
        del transaction, client
        code = _normalised(answer)
        if code is None:
            return Refused("invalid_code")
        refused = Refused("wrong_code")
        for factor in enrolled:
            step = None if factor.secret is None else self._matching(factor.secret, code)
            if step is None:
                continue
            used = factor.counter is not None and step <= factor.counter
            if abs(step - self._now()) <= DRIFT:
                if not used:
                    return Used(factor.id, counter=step)
                refused = Refused("code_used")
            elif not used:
                # Whoever guesses would learn a code that is good in some minutes: it is used up by telling.
                return Used(factor.id, counter=step, refused="clock_off")
        return refused

    def _form(self, user: UserInfo) -> EnrolmentForm:
        import pyotp  # noqa: PLC0415 - an extra
        import segno  # noqa: PLC0415 - likewise

        secret = pyotp.random_base32(SECRET_LENGTH)
        issuer = self.settings.issuer or self.services.title
        # A colon separates issuer and account in the label.
        name, label = user.username.replace(":", " "), issuer.replace(":", " ")
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=label)
        image = io.BytesIO()
        segno.make(uri, error="m", micro=False).save(image, kind="svg", scale=4, border=4)
        data = base64.b64encode(image.getvalue()).decode()
        groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        shown: Mapping[str, object] = {
            "secret": groups,
            "uri": uri,
            "qr": f"data:image/svg+xml;base64,{data}",
            "issuer": issuer,
            "account": user.username,
        }
        return EnrolmentForm(shown, {"secret": secret})

    def _now(self) -> int:
        return int(self.clock().timestamp()) // STEP

    def _matching(self, secret: str, code: str) -> int | None:
        """The step nearest to now that has this code, of those that tell something."""
        generator = _generator(secret)
        now = self._now()
        found = None
        # Every step is compared, so that the time doesn't tell which one it was; the nearest comes last.
        for distance in range(CLOCK_OFF, -1, -1):
            for step in {now - distance, now + distance}:
                if step >= 0 and hmac.compare_digest(generator.generate_otp(step), code):
                    found = step
        return found


def _generator(secret: str) -> pyotp.TOTP:
    import pyotp  # noqa: PLC0415 - an extra

    return pyotp.TOTP(secret, interval=STEP)


def _normalised(answer: str) -> Any:
    """The six digits; apps show them in groups, and people type what they see."""
    code = re.sub(r"[ -]", "", answer[:50].strip())
    return code if _CODE.fullmatch(code) else None
