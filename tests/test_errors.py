from __future__ import annotations

from onegov_auth.errors import ExpiredSignupLinkError, InsecurePasswordError, SettingsError, UnknownUserError


def test_a_settings_error_lists_every_fault() -> None:
    """One message has all faults, a line each, and the file they are in."""
    error = SettingsError(["a.b: is missing", "c: is unknown"], "auth.yml")

    assert error.faults == ("a.b: is missing", "c: is unknown")
    assert str(error) == "2 faults in auth.yml:\n  - a.b: is missing\n  - c: is unknown"
    assert str(SettingsError(["a: is missing"])) == "1 fault:\n  - a: is missing"


def test_errors_about_users_carry_their_message() -> None:
    """The first seed's errors have a message attribute."""
    assert UnknownUserError("ann").message == "ann"
    assert ExpiredSignupLinkError().message
    assert InsecurePasswordError().message
