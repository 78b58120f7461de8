"""Cookies, sessions and how many attempts somebody has."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from onegov_auth.settings.types import Duration, Section

__all__ = [
    "AddressLimit",
    "Attempts",
    "Cookies",
    "FactorLimit",
    "KindLimit",
    "Limit",
    "RecoveryLimit",
    "Sessions",
    "SignupLimit",
    "TokenLimit",
]

NOTHING = timedelta(0)


class Cookies(Section):
    """
    How the browser keeps the session.

    Attributes:
        secure: Cookies travel over https only and carry the ``__Host-`` prefix (RFC 6265bis §4.1.3.2).
        name: The name without the prefix; made of the application id if left out.
    """

    secure: bool = True
    # A token of RFC 9110 §5.6.2, without the characters that some servers still mangle.
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")


class Sessions(Section):
    """
    How long somebody stays logged in.

    Attributes:
        lifetime: After which a session ends in any case (ASVS 7.3.2).
        idle: After which an unused session ends (ASVS 7.3.1).
        remember: The lifetime of a session whose owner chose to stay logged in (NIST 800-63B-4 §2.1.3: 30 days).
        max_per_user: How many sessions one user may have; the oldest ends for a new one (ASVS 7.1.2).
    """

    lifetime: Duration = Field(timedelta(hours=12), gt=NOTHING)
    idle: Duration = Field(timedelta(hours=1), gt=NOTHING)
    remember: Duration = Field(timedelta(days=30), gt=NOTHING)
    max_per_user: int = Field(50, ge=1)


class Limit(Section):
    """
    How many failures are allowed.

    Attributes:
        limit: This many failures; 100 at most (NIST 800-63B-4 §3.2.2).
        within: In this time
        lockout: lock for this long.
    """

    limit: int = Field(15, ge=1, le=100)
    within: Duration = Field(timedelta(minutes=10), gt=NOTHING)
    lockout: Duration = Field(timedelta(hours=1), gt=NOTHING)


class KindLimit(Limit):
    """
    The same for one kind of attempt, with numbers of its own for addresses.

    Attributes:
        same_address: How many failures of one account one address may have, within the same times; as many as
            the account if left out.
        per_address: How many one address may have with whatever accounts, in place of ``attempts.per_address.limit``.
    """

    same_address: int | None = Field(None, ge=1, le=100)
    per_address: int | None = Field(None, ge=1, le=1_000_000)


class FactorLimit(KindLimit):
    """The same for the codes of second factors."""

    limit: int = Field(5, ge=1, le=100)
    within: Duration = Field(timedelta(minutes=5), gt=NOTHING)
    lockout: Duration = Field(timedelta(minutes=15), gt=NOTHING)


class RecoveryLimit(KindLimit):
    """The same for forgotten passwords."""

    limit: int = Field(5, ge=1, le=100)
    within: Duration = Field(timedelta(hours=1), gt=NOTHING)


class SignupLimit(KindLimit):
    """The same for registrations."""

    limit: int = Field(20, ge=1, le=10_000)
    within: Duration = Field(timedelta(hours=1), gt=NOTHING)


class TokenLimit(KindLimit):
    """The same for API tokens that nobody has, and for making new ones."""

    limit: int = Field(100, ge=1, le=10_000)
    lockout: Duration = Field(timedelta(minutes=10), gt=NOTHING)


class AddressLimit(Limit):
    """The same for one network address, behind which there may be many people."""

    limit: int = Field(100, ge=1, le=1_000_000)
    lockout: Duration = Field(timedelta(minutes=10), gt=NOTHING)


def _switch(value: object) -> object:
    if value is False:
        return None
    return {} if value is True or value is None else value


class Attempts(Section):
    """
    Failures allowed per kind.

    Attributes:
        login: Wrong passwords of one account.
        factor: Wrong codes of one account.
        recovery: Requests for a new password, and links that were used.
        signup: Registrations.
        token: API tokens.
        per_address: Of one network address, whatever the account; ``false`` switches it off.
        in_a_row: So many wrong passwords or codes in a row disable logins to the account (NIST 800-63B-4 §3.2.2); a
            quarter of them is kept for browsers that the owner logged in with before.
    """

    login: KindLimit = KindLimit()
    factor: FactorLimit = FactorLimit()
    recovery: RecoveryLimit = RecoveryLimit()
    signup: SignupLimit = SignupLimit()
    token: TokenLimit = TokenLimit()
    per_address: Annotated[
        AddressLimit | None, BeforeValidator(_switch, json_schema_input_type=AddressLimit | bool | None)
    ] = AddressLimit()
    in_a_row: int = Field(100, ge=20, le=100)
