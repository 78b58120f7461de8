"""
Every error this framework raises, under one root.

::

    OnegovAuthError
    ├── OnegovUserError              the first seed's name for errors about users
    │   ├── UnknownUserError
    │   ├── ExistingUserError
    │   ├── InvalidActivationTokenError
    │   ├── AlreadyActivatedError
    │   ├── ExpiredSignupLinkError
    │   ├── ForbiddenRoleError       a role that is not this person's to give
    │   ├── InvalidTokenError        the second seed's InvalidToken
    │   └── InsecurePasswordError
    ├── SettingsError                the configuration, all faults at once
    ├── RegistryError                a plug-in is missing, twice there or broken
    ├── MissingDependencyError       an optional library is not installed
    ├── MissingSecretKeyError        something to encrypt, and no key for it
    ├── DecryptionError              a stored secret and no key that opens it
    ├── SchemaOutdatedError          the database needs ``onegov-auth db upgrade``
    ├── CountersUnavailableError     attempts can't be counted now
    ├── InvalidPasswordError         a password that can't be hashed
    ├── DirectoryUnavailableError    a directory that can't list its people now
    ├── SyncLostError                another sync took over
    └── UnknownRightError            a permission, bundle or group that isn't there

An expected refusal (a wrong password, a foreign state) is no error but a value:
see :mod:`onegov_auth.outcomes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from onegov_auth.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AlreadyActivatedError",
    "CountersUnavailableError",
    "DecryptionError",
    "DirectoryUnavailableError",
    "ExistingUserError",
    "ExpiredSignupLinkError",
    "ForbiddenRoleError",
    "InsecurePasswordError",
    "InvalidActivationTokenError",
    "InvalidPasswordError",
    "InvalidToken",
    "InvalidTokenError",
    "MissingDependencyError",
    "MissingSecretKeyError",
    "OnegovAuthError",
    "OnegovUserError",
    "RegistryError",
    "SchemaOutdatedError",
    "SettingsError",
    "SyncLostError",
    "UnknownRightError",
    "UnknownUserError",
]


class OnegovAuthError(Exception):
    """The root, never raised itself. ``code`` is stable and unique per class."""

    code: ClassVar[str] = "error"


class OnegovUserError(OnegovAuthError):
    """Raised by its subclasses only, when something is wrong with one user."""

    code = "user_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownUserError(OnegovUserError):
    """Raised when a user was not found."""

    code = "unknown_user"


class ExistingUserError(OnegovUserError):
    """Raised when a user of that name exists already."""

    code = "existing_user"


class InvalidActivationTokenError(OnegovUserError):
    """Raised when the given activation token does not match."""

    code = "invalid_activation_token"


class AlreadyActivatedError(OnegovUserError):
    """Raised when a user was activated before."""

    code = "already_activated"


class ExpiredSignupLinkError(OnegovUserError):
    """Raised when the signup link in use has expired, is used up or forged."""

    code = "expired_signup_link"

    def __init__(self) -> None:
        super().__init__("The signup link has expired.")


class ForbiddenRoleError(OnegovUserError):
    """Raised when somebody would give a role that is not theirs to give."""

    code = "forbidden_role"


class InvalidTokenError(OnegovUserError):
    """Raised when a token to change the password is another user's, too old, used, or void."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The link is not valid any more.")


#: The second seed's name.
InvalidToken = InvalidTokenError


class InsecurePasswordError(OnegovUserError):
    """
    Raised when a new password is not secure enough.

    Args:
        messages: Each says what is wrong and what to do; marked texts, to be translated one by one.
    """

    code = "insecure_password"

    def __init__(self, *messages: str) -> None:
        self.messages = messages or (_("The password is not secure enough."),)
        super().__init__(" ".join(self.messages))


class SettingsError(OnegovAuthError):
    """
    Raised when the configuration has faults; it names all of them at once.

    Args:
        faults: One sentence per fault, each beginning with its key path.
        source: The file the settings came from, for the message.
    """

    code = "settings"

    def __init__(self, faults: Sequence[str], source: str | None = None) -> None:
        self.faults = tuple(faults)
        self.source = source
        where = f" in {source}" if source else ""
        lines = "".join(f"\n  - {fault}" for fault in self.faults)
        count = len(self.faults)
        super().__init__(f"{count} fault{'' if count == 1 else 's'}{where}:{lines}")


class RegistryError(OnegovAuthError):
    """Raised when a plug-in kind is unknown, registered twice or can't be loaded."""

    code = "registry"


class MissingDependencyError(OnegovAuthError):
    """
    Raised when an optional library is needed and not installed.

    Args:
        what: What needs it.
        distribution: What to install, as given to ``pip install``.
    """

    code = "missing_dependency"

    def __init__(self, what: str, distribution: str) -> None:
        self.distribution = distribution
        super().__init__(f"{what} needs a library: pip install '{distribution}'")


class MissingSecretKeyError(OnegovAuthError):
    """Raised when a secret is to be stored and no key to encrypt it is known."""

    code = "missing_secret_key"


class DecryptionError(OnegovAuthError):
    """Raised when a stored secret was changed, or was encrypted with a key that is no longer configured."""

    code = "decryption"


class SchemaOutdatedError(OnegovAuthError):
    """Raised when the database schema is not the one this version works on."""

    code = "schema_outdated"


class InvalidPasswordError(OnegovAuthError):
    """Raised when a password can't be hashed: too long, a NUL, not Unicode text."""

    code = "invalid_password"


class CountersUnavailableError(OnegovAuthError):
    """Raised when attempts are counted in a Redis that doesn't answer: then nothing is looked at (RATE-05)."""

    code = "counters_unavailable"


class DirectoryUnavailableError(OnegovAuthError):
    """
    Raised while people are listed, when their directory can't be reached, stops answering or answers half.

    Args:
        reason: A short stable word, such as ``timeout``.
        detail: What was seen; never a secret.
    """

    code = "directory_unavailable"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SyncLostError(OnegovAuthError):
    """Raised when a sync goes on after another one took its place, because it gave no sign of life for too long."""

    code = "sync_lost"


class UnknownRightError(OnegovAuthError):
    """
    Raised when somebody is to be given what isn't there.

    Args:
        kind: ``permission``, ``bundle`` or ``group``.
        name: Its token or name.
    """

    code = "unknown_right"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no {kind} {name}.")
        self.kind = kind
        self.name = name
