"""Values with types, and the key of a person."""

from __future__ import annotations

import uuid

import pytest

from onegov_auth_ldap.entry import Entry, security_identifier, stable_id

GUID = uuid.UUID("7b95f0d5-a3ed-486c-919c-077b8c9731f2")


def entry(**values: bytes | tuple[bytes, ...]) -> Entry:
    """An entry with these values."""
    several = {name.lower(): (found,) if isinstance(found, bytes) else found for name, found in values.items()}
    return Entry("uid=x,dc=org", several)


@pytest.mark.sec("LDAP-66")
def test_missing_attributes_are_empty() -> None:
    """An attribute that is not there has no octets, no texts and no text."""
    assert entry().octets("mail") == ()
    assert entry().texts("mail") == ()
    assert entry().text("mail", "uid") is None


@pytest.mark.sec("LDAP-66", "LDAP-22")
def test_only_printable_text_is_text() -> None:
    """Octets that are no UTF-8, blanks and control characters are no text."""
    assert entry(mail=(b"\xff", b"  ", b"a\x00b", b"a\r\nb", b" ok ")).texts("mail") == ("ok",)


@pytest.mark.sec("LDAP-62")
def test_the_order_of_values_is_ours() -> None:
    """Several values come in the same order however the directory sends them."""
    one, two = entry(mail=(b"b@x", b"A@x", b"a@x")), entry(mail=(b"a@x", b"b@x", b"A@x"))

    assert one.texts("mail") == two.texts("MAIL") == ("A@x", "a@x", "b@x")
    assert one.text("mail") == "A@x"


def test_the_first_attribute_with_a_value_counts() -> None:
    """Of several attributes the first that has a value is taken."""
    assert entry(mail=b" ", uid=b"anna").text("mail", "uid", "cn") == "anna"


def test_an_entry_uuid_is_a_key() -> None:
    """The entryUUID is taken in lower case."""
    assert stable_id(entry(entryUUID=str(GUID).upper().encode()), "auto") == str(GUID)


def test_an_object_guid_is_canonical() -> None:
    """An objectGUID is the text other tools show, not its octets."""
    assert stable_id(entry(objectGUID=GUID.bytes_le), "auto") == str(GUID)
    assert stable_id(entry(objectGUID=GUID.bytes_le), "objectGUID") == str(GUID)


@pytest.mark.parametrize("name", ["nsUniqueId", "ipaUniqueID"])
def test_other_products_have_their_keys(name: str) -> None:
    """389 Directory Server's and FreeIPA's keys are found by themselves."""
    assert stable_id(entry(**{name: b"AB-12"}), "auto") == "ab-12"


def test_a_configured_key_keeps_its_case() -> None:
    """A key that the administrator names is taken as it stands."""
    assert stable_id(entry(employeeNumber=b"A-7", entryUUID=b"x"), "employeeNumber") == "A-7"


@pytest.mark.parametrize(
    "values",
    [{}, {"entryUUID": (b"a", b"b")}, {"objectGUID": b"short"}, {"entryUUID": b"\xff"}],
    ids=["none", "two", "length", "octets"],
)
def test_no_single_key_is_no_key(values: dict[str, bytes]) -> None:
    """Without exactly one readable value there is no key, and no guess."""
    assert stable_id(entry(**values), "auto") is None


@pytest.mark.sec("LINK-05")
@pytest.mark.parametrize(
    ("flavour", "expected"),
    [
        ("openldap", "an-entry-uuid"),
        ("active-directory", str(GUID)),
        ("389ds", "an-ipa-id"),
        ("unknown", str(GUID)),
    ],
)
def test_the_product_says_which_key_it_is(flavour: str, expected: str) -> None:
    """An attribute that an upgrade brings along does not become the key of people who have another."""
    several = {"entryUUID": b"an-entry-uuid", "objectGUID": GUID.bytes_le, "ipaUniqueID": b"an-ipa-id"}

    assert stable_id(entry(**several, nsUniqueId=b"an-ns-id"), "auto", flavour) == expected
    assert stable_id(entry(nsUniqueId=b"an-ns-id"), "auto", flavour) == (
        "an-ns-id" if flavour in {"389ds", "unknown"} else None
    )


@pytest.mark.sec("LDAP-54")
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("010500000000000515000000010000000200000003000000f4010000", "S-1-5-21-1-2-3-500"),
        ("01020000000000052000000020020000", "S-1-5-32-544"),
        ("0101000000000005", None),
        ("02020000000000052000000020020000", None),
        ("0103000000000005200000002002000000", None),
        ("", None),
    ],
)
def test_a_security_identifier_is_read(octets: str, expected: str | None) -> None:
    """The text of MS-DTYP §2.4.2; what has another length or version is none."""
    assert security_identifier(bytes.fromhex(octets)) == expected


@pytest.mark.sec("LINK-05")
@pytest.mark.parametrize(
    ("flavour", "names"),
    [
        ("openldap", ["entryUUID"]),
        ("active-directory", ["objectGUID"]),
        ("389ds", ["nsUniqueId", "entryUUID"]),
        ("389ds", ["ipaUniqueID", "nsUniqueId", "entryUUID"]),
    ],
)
def test_the_key_is_the_same_where_the_product_is_unknown(flavour: str, names: list[str]) -> None:
    """What entries of a product have leads to its own key, so that a hidden root entry makes nobody another person."""
    several = {name: GUID.bytes_le if name == "objectGUID" else name.encode() for name in names}

    assert stable_id(entry(**several), "auto", flavour) == stable_id(entry(**several), "auto") is not None
