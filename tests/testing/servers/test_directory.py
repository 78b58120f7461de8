"""What the throw-away directories share."""

from __future__ import annotations

import pytest

from onegov_auth.testing.servers import ServerFailedError, Slapd


def test_an_entry_is_added_moved_changed_and_deleted(slapd: Slapd) -> None:
    """Each by one call, as the administrator; what the server refuses is an error."""
    dn, moved = slapd.dn("x"), f"uid=y,ou=services,{slapd.base}"
    slapd.add_entry(dn, {"objectClass": "inetOrgPerson", "cn": "x", "sn": "x"})
    slapd.move(dn, "uid=y", f"ou=services,{slapd.base}")
    slapd.modify(moved, {"sn": "y"})
    slapd.delete(moved)
    with pytest.raises(ServerFailedError, match="No such object"):
        slapd.delete(moved)


def test_tools_may_be_given_options(slapd: Slapd) -> None:
    """What the protocol allows beside the record is an option of the client."""
    with pytest.raises(ServerFailedError):
        slapd.change("", "-e", "no such control")
