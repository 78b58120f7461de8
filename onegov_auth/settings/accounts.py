"""Joining, coming back, and what a password has to be like."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from onegov_auth.settings.types import Duration, Section

__all__ = ["Forbid", "Passwords", "Recovery", "Registration"]

NOTHING = timedelta(0)


class Registration(Section):
    """
    Making an account oneself.

    Attributes:
        enabled: Whether anybody may.
        role: The role of a new account.
        activation: How long the mailed link is good.
        expire_unverified: After which an account that was never activated is removed.
    """

    enabled: bool = False
    role: str = "member"
    activation: Duration = Field(timedelta(hours=24), gt=NOTHING)
    expire_unverified: Duration = Field(timedelta(hours=72), gt=NOTHING)


class Recovery(Section):
    """
    Getting back in after the password was forgotten.

    Attributes:
        enabled: Whether a reset link can be asked for.
        valid: How long the link is good; 24 hours at most (NIST 800-63B-4 §4.2.1.2).
    """

    enabled: bool = True
    valid: Duration = Field(timedelta(hours=1), gt=NOTHING, le=timedelta(hours=24))


class Forbid(Section):
    """
    Passwords that are refused.

    Attributes:
        common: Those that everybody tries first (NIST 800-63B-4 §3.1.1.2).
        username: Those made of the username, the e-mail address or the site's name.
        history: Those that were among the last so many, the present one included.
    """

    common: bool = True
    username: bool = True
    history: int = Field(0, ge=0, le=24)


class Passwords(Section):
    """
    Local passwords.

    Attributes:
        login: Who may log in with one: everybody, only the accounts kept for emergencies, nobody.
        min_length: In characters; 15 where the password stands alone, never below 8 (NIST 800-63B-4 §3.1.1.2).
        max_length: In characters; at least 64 (the same).
        scheme: How new ones are hashed; all others still verify, and are renewed at the next login.
        strength: How hard to guess at least, from 0 to 4 as zxcvbn estimates; ``null`` asks for no estimate.
        forbid: What is refused.
    """

    login: Literal["all", "break-glass", "none"] = "all"
    min_length: int = Field(15, ge=8, le=1024)
    max_length: int = Field(256, ge=64, le=1024)
    scheme: Literal["argon2id", "bcrypt_sha256", "pbkdf2_sha256", "pbkdf2_sha512"] = "argon2id"
    strength: int | None = Field(None, ge=0, le=4)
    forbid: Forbid = Forbid()
