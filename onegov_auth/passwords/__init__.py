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
from onegov_auth.passwords.history import PasswordHistory
from onegov_auth.passwords.policy import Candidate, PasswordPolicy

__all__ = [
    "Candidate",
    "Hasher",
    "PasswordHistory",
    "PasswordPolicy",
    "Scheme",
    "Verification",
    "hash_password",
    "random_password",
    "verify_dummy",
    "verify_password",
]
