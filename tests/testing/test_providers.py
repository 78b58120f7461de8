from __future__ import annotations

import pytest

from onegov_auth.providers import (
    Callback,
    DirectoryUnavailableError,
    Password,
    Redirect,
    Refused,
    Transaction,
    Unavailable,
)
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownDirectory, KnownIssuer, KnownPeople, person

ANN = person("staff", "1", "ann")


@pytest.mark.parametrize(
    ("name", "password", "expected"),
    [
        ("ann", "right", ANN),
        ("ann", "wrong", Refused("wrong_password")),
        ("ann", "", Refused("empty_password")),
        ("bob", "right", Refused("unknown_user")),
    ],
)
def test_known_people_come_in_by_their_password(name: str, password: str, expected: object) -> None:
    """The directory of a test keeps the contract of a real one."""
    staff = KnownPeople(name="staff", people={"ann": ("right", ANN)})

    assert expected == staff.authenticate(name, Password(password))
    staff.down.add("now")
    assert staff.authenticate("ann", Password("right")) == Unavailable("staff", "unreachable")


def test_a_known_directory_lists_its_people() -> None:
    """All of them, or as many as it was told to before it stops answering; they come in by their password as well."""
    bob = person("staff", "2", "bob")
    staff = KnownDirectory(name="staff", listed=[ANN, bob])

    assert list(staff.people()) == [ANN, bob]
    assert staff.authenticate("bob", Password("password")) == bob
    assert staff.authenticate("bob", Password("wrong")) == Refused("wrong_password")
    assert staff.authenticate("eve", Password("password")) == Refused("unknown_user")
    assert staff.sync_settings.after == 2
    staff.tells.append(1)
    listing = staff.people()
    assert next(listing) == ANN
    with pytest.raises(DirectoryUnavailableError, match="gone after 1"):
        next(listing)


def test_a_known_issuer_vouches_for_a_code(clock: FakeClock) -> None:
    """The issuer of a test keeps the contract of a real one."""
    issuer = KnownIssuer(name="company", people={"1": ANN})
    begun = Transaction("t", "redirect", "company", "/", {}, clock())
    redirect = issuer.start(begun)
    assert isinstance(redirect, Redirect)
    back = Transaction("t", "redirect", "company", "/", redirect.remember, clock())

    assert issuer.finish(Callback({"code": "1"}), back) is ANN
    assert issuer.finish(Callback({"code": "2"}), back) == Refused("invalid_code")
    assert issuer.finish(Callback({"code": "1"}), begun) == Refused("foreign_transaction")
    issuer.down.add("now")
    assert isinstance(issuer.start(begun), Unavailable)
    assert isinstance(issuer.finish(Callback({"code": "1"}), back), Unavailable)
