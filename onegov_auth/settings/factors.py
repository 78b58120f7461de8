"""Second factors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr

from onegov_auth.settings.hosts import is_loopback
from onegov_auth.settings.types import Duration, Secret, Section

__all__ = ["MTAN", "TOTP", "FactorSettings", "RecoveryCodes", "SecondFactors", "WebAuthn", "YubiKey"]

NOTHING = timedelta(0)

#: The factors that come with the core, in the order they are offered.
OURS = ("webauthn", "yubikey", "totp", "mtan", "recovery_codes")


def _validation_server(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment or any(map(str.isspace, url)):
        raise ValueError("must be an address such as https://api.yubico.com/wsapi/2.0/verify")
    # Whoever reads a one-time password on the way may use it first (YUBI-03).
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("must begin with https://; http:// is for servers on this machine only")
    return url


class FactorSettings(Section):
    """The block of a factor in the configuration; each factor has a subclass of its own."""


class TOTP(FactorSettings):
    """
    Codes of an app on the phone (RFC 6238).

    Attributes:
        issuer: The name the app shows; the title if left out.
    """

    issuer: str | None = None


class YubiKey(FactorSettings):
    """
    One-time passwords of a YubiKey.

    Attributes:
        client_id: The number Yubico or your own validation server gave.
        secret_key: The key that came with it, in base64.
        urls: The validation servers, asked in this order; in the clear only on this machine.
    """

    client_id: str = Field(min_length=1)
    secret_key: Secret
    urls: tuple[Annotated[str, AfterValidator(_validation_server)], ...] = Field(
        ("https://api.yubico.com/wsapi/2.0/verify",), min_length=1
    )


class WebAuthn(FactorSettings):
    """
    Passkeys.

    Attributes:
        rp_id: The domain the passkeys belong to; the host of ``base_url`` if left out.
        rp_name: The name the browser shows; the title if left out.
        passwordless: Whether a passkey alone is enough to log in.
    """

    rp_id: str | None = Field(None, pattern=r"^[a-z0-9.-]+$")
    rp_name: str | None = None
    passwordless: bool = False


class MTAN(FactorSettings):
    """
    Codes by SMS.

    Attributes:
        enabled: Whether they are offered.
        valid: How long a code is good; 10 minutes at most (NIST 800-63B-4 §3.1.3.2).
        countries: Whose phone numbers are taken, by their ISO 3166 codes.
        automatic_setup: Whether a person without a factor is asked for a number at the login.
    """

    enabled: bool = False
    valid: Duration = Field(timedelta(minutes=10), gt=NOTHING, le=timedelta(minutes=10))
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ("CH", "AT", "DE", "FR", "IT", "LI")
    automatic_setup: bool = False


class RecoveryCodes(FactorSettings):
    """
    Codes to keep in a safe place.

    Attributes:
        count: How many a person gets.
    """

    count: int = Field(10, ge=1, le=100)


class SecondFactors(Section):
    """
    What may be asked for besides the password; a factor without its block is off.

    Attributes:
        totp: See :class:`TOTP`.
        yubikey: See :class:`YubiKey`.
        webauthn: See :class:`WebAuthn`.
        mtan: See :class:`MTAN`.
        recovery_codes: See :class:`RecoveryCodes`.
        required_for: Roles that must have one; setting it up is forced at the login.
        trusted_device: How long a device is not asked again; ``0`` to ask every time.
    """

    totp: TOTP | None = None
    yubikey: YubiKey | None = None
    webauthn: WebAuthn | None = None
    mtan: MTAN | None = None
    recovery_codes: RecoveryCodes | None = None
    required_for: tuple[str, ...] = ()
    trusted_device: Duration = NOTHING

    _others: Mapping[str, FactorSettings] = PrivateAttr(default_factory=dict)

    @property
    def blocks(self) -> Mapping[str, FactorSettings]:
        """The blocks of the factors that are on, ours and those that come as distributions of their own."""
        ours = {name: getattr(self, name) for name in OURS}
        own = {name: block for name, block in ours.items() if block is not None and getattr(block, "enabled", True)}
        return {**own, **self._others}

    def with_others(self, others: Mapping[str, FactorSettings]) -> SecondFactors:
        """These settings, and the blocks of factors that come as distributions of their own."""
        copy = self.model_copy()
        copy._others = dict(others)  # noqa: SLF001 -- there is no key for them: they are keys beside the others
        return copy
