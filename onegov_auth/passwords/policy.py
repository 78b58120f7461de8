"""Which new passwords are allowed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from onegov_auth.errors import InsecurePasswordError
from onegov_auth.settings.accounts import Passwords

__all__ = ["PasswordPolicy"]


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """
    The rules of NIST 800-63B-4 §3.1.1.2: a length, the whole password compared, no composition rules.

    Attributes:
        settings: The block ``passwords``.
    """

    settings: Passwords = field(default_factory=Passwords)

    def check(self, clear: str, username: str | None = None) -> None:
        """
        Refuse a new password that is too weak.

        Args:
            clear: The password.
            username: Whose it will be.

        Raises:
            InsecurePasswordError: With a sentence that says what to do.
        """
        # Each code point counts as one character (the same section); normalised as it is hashed.
        if len(unicodedata.normalize("NFC", clear[: self.settings.max_length + 1])) < self.settings.min_length:
            raise InsecurePasswordError(f"The password needs at least {self.settings.min_length} characters.")
        if len(clear) > self.settings.max_length:
            raise InsecurePasswordError(f"The password can have at most {self.settings.max_length} characters.")
        if self.settings.forbid.username and username and clear.casefold() == username.casefold():
            raise InsecurePasswordError("The password must not be the username.")
