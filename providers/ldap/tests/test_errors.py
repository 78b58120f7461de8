"""Trouble with a directory, as an error."""

from __future__ import annotations

from onegov_auth.providers import OnegovAuthError
from onegov_auth_ldap.errors import DirectoryError


def test_it_is_an_error_of_the_framework() -> None:
    """It has the one root, a code of its own, and says reason and detail."""
    error = DirectoryError("tls", "expired")

    assert isinstance(error, OnegovAuthError)
    assert (error.code, str(error), error.elsewhere) == ("ldap_directory", "tls: expired", True)
    assert str(DirectoryError("timeout", elsewhere=False)) == "timeout"
