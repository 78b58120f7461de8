"""Escaping, and when two names are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import compile_filter, parse_filter

from onegov_auth_ldap.names import escape_dn, escape_filter, naming_context, normal, parse, parse_name

#: Text that can be UTF-8, with the characters that mean something in filters and names made likely.
TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('*()\\\0 #,+"<>;=é')), min_size=1)


@pytest.mark.sec("LDAP-13")
@given(TEXT)
def test_a_filter_asserts_exactly_the_value(value: str) -> None:
    """Whatever is escaped comes out of ldap3's filter compiler octet by octet, as one equality."""
    compiled = compile_filter(
        parse_filter(f"(uid={escape_filter(value)})", None, False, False, None, False).elements[0]
    )

    assert compiled.getName() == "equalityMatch"
    assert bytes(compiled["equalityMatch"]["assertionValue"]) == value.encode()


@pytest.mark.sec("LDAP-13")
@pytest.mark.parametrize(
    ("value", "escaped"),
    [("*", "\\2a"), ("(", "\\28"), (")", "\\29"), ("\\", "\\5c"), ("\0", "\\00"), ("é", "\\c3\\a9"), ("a b", "a\\20b")],
)
def test_special_octets_are_escaped(value: str, escaped: str) -> None:
    """The characters of RFC 4515 §3, and everything else that is not plain, stand as hexadecimal."""
    assert escape_filter(value) == escaped


@pytest.mark.sec("LDAP-13")
@pytest.mark.parametrize("value", [["*"], {"a": 1}, b"*", None, 1])
@pytest.mark.parametrize("escape", [escape_filter, escape_dn])
def test_only_text_is_escaped(escape: object, value: object) -> None:
    """A list or a dict does not slip past the escaper."""
    assert callable(escape)
    with pytest.raises(TypeError):
        escape(value)


@pytest.mark.sec("LDAP-16")
@pytest.mark.parametrize("escape", [escape_filter, escape_dn])
def test_broken_text_is_refused(escape: object) -> None:
    """A lone surrogate and an empty value raise instead of being guessed at."""
    assert callable(escape)
    with pytest.raises(ValueError, match="surrogates"):
        escape("a\ud800")
    with pytest.raises(ValueError, match="empty"):
        escape("")


@pytest.mark.sec("LDAP-15")
@given(TEXT)
def test_a_name_holds_exactly_the_value(value: str) -> None:
    """Whatever is escaped for a name stays one value of one part, whatever stands around it."""
    name = f"uid={escape_dn(value)},ou=people,dc=example,dc=org"
    parts = parse_name(name)

    assert parts is None or (len(parts), len(parts[0])) == (4, 1)
    assert (parts is None) is (not value.strip(" ") or not parse_values(value))


def parse_values(value: str) -> bool:
    """Whether anything of *value* counts in a name."""
    try:
        return bool(parse("cn=" + "".join(f"\\{octet:02x}" for octet in value.encode())))
    except ValueError:
        return False


@pytest.mark.sec("LDAP-15")
@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a,b", "a\\,b"),
        ("a+b", "a\\+b"),
        ('"', '\\"'),
        ("<>;=\\", "\\<\\>\\;\\=\\\\"),
        ("#a#", "\\#a#"),
        (" a b ", "\\ a b\\ "),
        ("a\0", "a\\00"),
    ],
)
def test_special_characters_of_names_are_escaped(value: str, escaped: str) -> None:
    """The characters of RFC 4514 §2.4 are escaped, and a NUL as hexadecimal."""
    assert escape_dn(value) == escaped


@pytest.mark.sec("LDAP-21")
@pytest.mark.parametrize(
    "same",
    [
        "CN=Admins,OU=Groups,DC=Example,DC=Org",
        "cn = admins , ou=groups,dc=example,  dc=org",
        "2.5.4.3=admins,ou=groups,dc=example,dc=org",
        "commonName=admins;ou=groups;dc=example;dc=org",
        "cn=\\61dmins,ou=groups,dc=example,dc=org",
        "cn=#040661646d696e73,ou=groups,dc=example,dc=org",
        "cn=#0c0661646d696e73,ou=groups,dc=example,dc=org",
    ],
)
def test_equal_names_are_equal(same: str) -> None:
    """Case, spaces, escapes, numbers, hexadecimal and compatibility forms don't make another name."""
    assert normal(same) == "cn=admins,ou=groups,dc=example,dc=org"


@pytest.mark.sec("LDAP-21", "LDAP-58")
@pytest.mark.parametrize(
    "other",
    [
        "cn=admins-readonly,ou=groups,dc=example,dc=org",
        "cn=admins,ou=other,ou=groups,dc=example,dc=org",
        "cn=admins\\,ou=groups,dc=example,dc=org",
        "uid=admins,ou=groups,dc=example,dc=org",
        "cn=admins+ou=x,ou=groups,dc=example,dc=org",
        "cn=#0206616d,ou=groups,dc=example,dc=org",
        "cn=\uff21\uff24\uff2d\uff29\uff2e\uff33,ou=groups,dc=example,dc=org",
        "cn=admin\u017f,ou=groups,dc=example,dc=org",
        "cn=admins\u00a0,ou=groups,dc=example,dc=org",
    ],
)
def test_other_names_are_other(other: str) -> None:
    """A longer, deeper, escaped or differently typed name is another name."""
    assert normal(other) != "cn=admins,ou=groups,dc=example,dc=org"


def test_the_order_within_a_part_does_not_count() -> None:
    """The pairs of a multi-valued part are a set."""
    assert normal("uid=a+cn=b,dc=x") == normal("CN=B+UID=A,DC=X")


def test_several_spaces_count_as_one() -> None:
    """Insignificant spaces are one (RFC 4518 §2.6.1), even escaped ones."""
    assert normal("cn=\\  a   b\\ ,dc=x") == "cn=a b,dc=x"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "admins",
        "cn=",
        "=a",
        "cn=a,",
        ",cn=a",
        "c n=a",
        "cn=a\\",
        "cn=a\\zz",
        "cn=#0",
        "cn=#zz",
        "cn=\\ff",
        "cn=#0401ff",
        "cn=\\ ",
        "<GUID=1>",
    ],
)
def test_no_name_is_refused(text: str) -> None:
    """What is no distinguished name raises, and is None where a directory sent it."""
    with pytest.raises(ValueError, match=r".+"):
        parse(text)
    assert parse_name(text) is None


@given(TEXT)
def test_the_normal_form_is_stable(value: str) -> None:
    """The normal form of a normal form is itself."""
    parts = parse_name(f"cn={escape_dn(value)},dc=org")

    assert parts is None or normal(normal(parts)) == normal(parts)


@pytest.mark.parametrize(
    ("base", "context"),
    [
        ("ou=people,dc=Example,dc=org", "dc=example,dc=org"),
        ("ou=a,ou=people,dc=example,dc=org", "dc=example,dc=org"),
        ("dc=example,dc=org", "dc=example,dc=org"),
        ("ou=people,o=Company,c=CH", "c=ch"),
        ("o=Company", "o=company"),
    ],
)
def test_the_naming_context_is_the_top(base: str, context: str) -> None:
    """The context is the domain, or the topmost part, wherever below people lie."""
    assert naming_context(base) == context
