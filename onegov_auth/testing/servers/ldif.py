"""LDIF (RFC 2849): what the throw-away directory is filled and changed with."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from onegov_auth.testing.servers.people import GROUPS, PEOPLE, people_in

__all__ = ["Attributes", "add_record", "delete_record", "modify_record", "move_record", "seed"]

#: One value or several for each attribute.
Attributes: TypeAlias = Mapping[str, str | bytes | Sequence[str | bytes]]


def add_record(dn: str, attributes: Attributes) -> str:
    """The record that adds an entry."""
    lines = [_line("dn", dn), "changetype: add"]
    lines += [_line(name, value) for name, values in attributes.items() for value in _each(values)]
    return "\n".join([*lines, "", ""])


def modify_record(dn: str, attributes: Attributes) -> str:
    """The record that replaces all values of these attributes; no values at all removes the attribute."""
    lines = [_line("dn", dn), "changetype: modify"]
    for name, values in attributes.items():
        lines.append(f"replace: {name}")
        lines += [_line(name, value) for value in _each(values)]
        lines.append("-")
    return "\n".join([*lines, "", ""])


def delete_record(dn: str) -> str:
    """The record that deletes an entry."""
    return "\n".join([_line("dn", dn), "changetype: delete", "", ""])


def move_record(dn: str, rdn: str, parent: str) -> str:
    """The record that gives an entry another first part of its name, below *parent*; the old part is gone."""
    lines = [
        _line("dn", dn),
        "changetype: modrdn",
        _line("newrdn", rdn),
        "deleteoldrdn: 1",
        _line("newsuperior", parent),
    ]
    return "\n".join([*lines, "", ""])


def _each(values: str | bytes | Sequence[str | bytes]) -> Iterable[str | bytes]:
    return [values] if isinstance(values, str | bytes) else values


def _line(name: str, value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return f"{name}:: {b64encode(raw).decode('ascii')}"


def seed(base: str, service_password: str) -> str:
    """The directory's first data: the service account, the people, their groups twice (RFC 4519 and RFC 2307)."""
    units = ("people", "groups", "posix-groups", "services", "policies")
    records = [
        add_record(base, {"objectClass": ["dcObject", "organization"], "dc": "example", "o": "Example"}),
        *(add_record(f"ou={unit},{base}", {"objectClass": "organizationalUnit", "ou": unit}) for unit in units),
        add_record(
            f"cn=service,ou=services,{base}",
            {
                "objectClass": ["organizationalRole", "simpleSecurityObject"],
                "cn": "service",
                "userPassword": service_password,
            },
        ),
        add_record(
            f"cn=strict,ou=policies,{base}",
            {
                "objectClass": ["organizationalRole", "pwdPolicy"],
                "cn": "strict",
                "pwdAttribute": "userPassword",
                "pwdLockout": "TRUE",
                "pwdMaxFailure": "3",
                "pwdMaxAge": "86400",
                "pwdMustChange": "TRUE",
            },
        ),
        *_people(base),
        *_groups(base),
    ]
    return "".join(records)


def _people(base: str) -> Iterable[str]:
    for person in PEOPLE:
        attributes = {
            "objectClass": "inetOrgPerson",
            "uid": person.uid,
            "cn": person.realname,
            "givenName": person.givenname,
            "sn": person.surname,
            "mail": person.mail,
            # In the clear, so that the LDAP compare operation works on it too.
            "userPassword": person.password,
        }
        yield add_record(f"uid={person.uid},ou=people,{base}", attributes)


def _groups(base: str) -> Iterable[str]:
    for number, group in enumerate(GROUPS):
        members = people_in(group)
        yield add_record(
            f"cn={group},ou=groups,{base}",
            {
                "objectClass": "groupOfNames",
                "cn": group,
                "member": [f"uid={person.uid},ou=people,{base}" for person in members],
            },
        )
        yield add_record(
            f"cn={group},ou=posix-groups,{base}",
            {
                "objectClass": "posixGroup",
                "cn": group,
                "gidNumber": str(5000 + number),
                "memberUid": [person.uid for person in members],
            },
        )
