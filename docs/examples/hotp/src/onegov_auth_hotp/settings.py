"""What the block ``hotp`` in ``second_factors`` may hold."""

from __future__ import annotations

from pydantic import Field

from onegov_auth.factors import FactorSettings

__all__ = ["HOTPSettings"]


class HOTPSettings(FactorSettings):
    """
    Tokens with a button.

    Attributes:
        look_ahead: How often somebody may press the button in vain (RFC 4226 §7.4).
    """

    look_ahead: int = Field(10, ge=1, le=50)
