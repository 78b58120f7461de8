"""LDIF records."""

from __future__ import annotations

from base64 import b64encode

from onegov_auth.testing.servers.ldif import add_record, delete_record, modify_record, move_record


def encoded(value: bytes) -> str:
    """As LDIF writes what isn't plain (RFC 2849 note 2)."""
    return b64encode(value).decode()


def test_an_entry_is_added_with_all_values() -> None:
    """One line a value, one value or several, text or bytes."""
    record = add_record("cn=a", {"cn": "ä", "member": ["x", "y"], "photo": b"\x00"})

    assert record.splitlines() == [
        f"dn:: {encoded(b'cn=a')}",
        "changetype: add",
        f"cn:: {encoded('ä'.encode())}",
        f"member:: {encoded(b'x')}",
        f"member:: {encoded(b'y')}",
        f"photo:: {encoded(bytes(1))}",
        "",
    ]


def test_a_line_break_in_a_value_makes_no_second_line() -> None:
    """A value can't smuggle in another attribute."""
    assert "userPassword" not in add_record("cn=a", {"cn": "a\nuserPassword: x"})


def test_values_are_replaced_or_removed() -> None:
    """An attribute without values is removed."""
    record = modify_record("cn=a", {"mail": "b", "title": []})

    assert record.splitlines()[1:] == [
        "changetype: modify",
        "replace: mail",
        f"mail:: {encoded(b'b')}",
        "-",
        "replace: title",
        "-",
        "",
    ]


def test_an_entry_is_deleted() -> None:
    """By its name alone."""
    assert delete_record("cn=a").splitlines()[1] == "changetype: delete"


def test_an_entry_can_be_moved() -> None:
    """The old first part of the name goes, and the entry lies below another one."""
    record = move_record("cn=a,dc=x", "cn=b", "ou=y,dc=x")

    assert record.splitlines()[1:] == [
        "changetype: modrdn",
        f"newrdn:: {encoded(b'cn=b')}",
        "deleteoldrdn: 1",
        f"newsuperior:: {encoded(b'ou=y,dc=x')}",
        "",
    ]
