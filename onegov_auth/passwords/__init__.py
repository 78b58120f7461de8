"""Passwords: how they are hashed, and which ones are allowed."""

from onegov_auth.passwords.hashing import (
    Hasher,
    Scheme,
    Verification,
    hash_password,
    random_password,
    verify_dummy,
    verify_password,
)
from onegov_auth.passwords.policy import PasswordPolicy

__all__ = [
    "Hasher",
    "PasswordPolicy",
    "Scheme",
    "Verification",
    "hash_password",
    "random_password",
    "verify_dummy",
    "verify_password",
]
