"""What a block may hold, and how its faults are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from onegov_auth_ldap import LDAPSettings

BLOCK: dict[str, Any] = {
    "kind": "ldap",
    "servers": ["ldaps://ldap1.example.org"],
    "bind": {"dn": "cn=service,dc=example,dc=org", "password": "secret-canary"},
    "people": {"base": "ou=people,dc=example,dc=org"},
    "groups": {"base": "ou=groups,dc=example,dc=org"},
}

#: The block of the reference configuration, word for word.
REFERENCE = """
kind: ldap
servers: [ldaps://ldap1.example.org, ldaps://ldap2.example.org]
tls: {start_tls: false, ca_file: null, client_cert: null, client_key: null, verify: true, allow_plain: false}
timeouts: {connect: 3s, operation: 5s, login: 10s}
bind: {dn: "cn=service,ou=services,dc=example,dc=org", password: "${LDAP_PASSWORD}"}
dn_template: null
method: bind
people: {base: "ou=people,dc=example,dc=org", filter: "(objectClass=inetOrgPerson)", scope: subtree}
groups: {base: "ou=groups,dc=example,dc=org", style: auto, nested: true}
attributes: {id: auto, username: mail, login: [mail, uid], email: mail, realname: [givenName, sn]}
flavour: auto
require_group: null
deny_group: null
roles: {admin: ["cn=admins,ou=groups,dc=example,dc=org"], editor: [editors], member: [staff]}
default_role: null
link: refuse
link_domains: []
provision: true
hint: "Use your **staff** account"
sync: {missing: deactivate, after: 2, max_drop: 10%}
"""


def settings(**changes: Any) -> LDAPSettings:
    """The settings of a valid block with these changes."""
    return LDAPSettings.model_validate({**BLOCK, **changes})


def faults(**changes: Any) -> str:
    """The faults of a block with these changes."""
    with pytest.raises(ValidationError) as error:
        settings(**changes)
    return "\n".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.value.errors())


def test_the_reference_block_is_valid() -> None:
    """Every key of the reference configuration is known."""
    read = LDAPSettings.model_validate(yaml.safe_load(REFERENCE))

    assert read.attributes.username == ("mail",)
    assert read.timeouts.login == timedelta(seconds=10)


def test_the_defaults_are_those_of_the_reference() -> None:
    """What is left out has the documented value."""
    explicit = LDAPSettings.model_validate(
        yaml.safe_load(REFERENCE) | BLOCK | {"roles": settings().roles, "hint": "", "groups": BLOCK["groups"]}
    )

    assert settings() == explicit
    assert settings().roles == {
        "admin": ("admins",),
        "editor": ("editors",),
        "supporter": ("supporters",),
        "member": ("members",),
    }


def test_the_schema_can_be_made() -> None:
    """Editors get a JSON Schema of the block, in which the password is for writing only."""
    schema = LDAPSettings.model_json_schema()

    assert schema["$defs"]["BindSettings"]["properties"]["password"]["writeOnly"] is True


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"servers": []}, "servers: "),
        ({"servers": ["ldap1.example.org"]}, "servers.0: Value error, must be ldaps://host"),
        ({"servers": ["ldaps://"]}, "servers.0: Value error, must be ldaps://host"),
        ({"servers": ["ldaps://host:0"]}, "servers.0: Value error, has no valid port"),
        ({"servers": ["ldaps://host:70000"]}, "servers.0: Value error, Port out of range"),
        ({"servers": ["ldaps://u:p@host"]}, "servers.0: Value error, holds more"),
        ({"servers": ["ldaps://host/dc=org"]}, "servers.0: Value error, holds more"),
        ({"bind": {"dn": "", "password": "x"}}, "bind.dn: Value error, is no distinguished name"),
        ({"bind": {"dn": "service", "password": "x"}}, "bind.dn: Value error, is no distinguished name"),
        ({"bind": {"dn": "cn=x", "password": " "}}, "bind.password: Value error, is empty"),
        ({"bind": None}, "bind is missing"),
        ({"bind": None, "dn_template": "uid={username},dc=org", "method": "compare"}, "method compare needs bind"),
        ({"dn_template": "uid=x,dc=org"}, "dn_template: Value error, must hold {username} once"),
        ({"dn_template": "uid={username}{username},dc=org"}, "dn_template: Value error, must hold {username} once"),
        ({"dn_template": "{username}"}, "dn_template: Value error, is no distinguished name"),
        ({"dn_template": "{username}@"}, "dn_template: Value error, is no distinguished name"),
        ({"dn_template": "x{username}@example.org"}, "dn_template: Value error, is no distinguished name"),
        ({"dn_template": "{username}\\\\AD"}, "dn_template: Value error, is no distinguished name"),
        ({"people": {"base": "people"}}, "people.base: Value error, is no distinguished name"),
        ({"people": {"base": "dc=org", "filter": "objectClass=*"}}, "people.filter: Value error, is no filter"),
        ({"people": {"base": "dc=org", "filter": "(&(a=b)"}}, "people.filter: Value error, is no filter"),
        ({"people": {"base": "dc=org", "scope": "all"}}, "people.scope: "),
        ({"groups": {"style": "posix"}}, "groups: Value error, style posix searches"),
        ({"groups": {}}, "groups.base is missing: bare names (admins, editors, members, supporters)"),
        ({"groups": {}, "roles": {}, "deny_group": "gone"}, "groups.base is missing: bare names (gone)"),
        ({"attributes": {"login": []}}, "attributes.login: "),
        ({"attributes": {"login": ["uid)(x"]}}, "attributes.login.0: "),
        ({"timeouts": {"login": 0}}, "timeouts.login: Value error, must be more than nothing"),
        ({"tls": {"client_key": "x.key"}}, "tls: Value error, client_key needs client_cert"),
        ({"tls": {"start_tls": True}}, "tls.start_tls is for ldap://"),
        ({"roles": {"admin": ["cn=admins,,dc=org"]}}, "roles.admin.0: Value error, is no distinguished name"),
        ({"roles": {"admin": [" "]}}, "roles.admin.0: Value error, is empty"),
        ({"sync": {"max_drop": "101%"}}, "sync.max_drop: "),
        ({"sync": {"after": 0}}, "sync.after: "),
        ({"people": {"base": "dc=org", "bace": 1}}, "people.bace: Extra inputs"),
    ],
)
def test_a_fault_is_named_with_its_key(changes: dict[str, Any], fault: str) -> None:
    """A value that can't work stops start-up, and the message says which key."""
    assert fault in faults(**changes)


@pytest.mark.sec("LDAP-09", "ASVS-12.3.1")
def test_clear_text_has_to_be_wished_for() -> None:
    """ldap:// without StartTLS is a fault, unless tls.allow_plain says that passwords may be read."""
    assert "sends passwords in clear text" in faults(servers=["ldap://ldap1.example.org"])
    assert settings(servers=["ldap://ldap1.example.org"], tls={"start_tls": True}).tls.verify
    assert settings(servers=["ldap://ldap1.example.org"], tls={"allow_plain": True}).servers


@pytest.mark.sec("LDAP-33")
def test_schemes_are_not_mixed() -> None:
    """A list can't fall back from ldaps:// to ldap://, whatever else is allowed."""
    mixed = ["ldaps://ldap1.example.org", "ldap://ldap2.example.org"]

    assert "all ldaps:// or all ldap://" in faults(servers=mixed, tls={"allow_plain": True})


@pytest.mark.sec("LDAP-02")
@pytest.mark.parametrize("dn", [" ", "\t", "@", "\\"])
def test_the_service_account_has_a_name(dn: str) -> None:
    """An empty name would be an anonymous bind; only Active Directory's two forms are no DN."""
    if dn.strip():
        assert settings(bind={"dn": f"x{dn}y", "password": "x"}).bind
    else:
        assert "bind.dn" in faults(bind={"dn": dn, "password": "x"})


@pytest.mark.sec("LDAP-18")
@pytest.mark.parametrize("template", ["uid={username.__class__},dc=org", "uid={0},dc=org", "uid={username},o={0}"])
def test_a_template_is_no_format_language(template: str) -> None:
    """Only the one placeholder may stand in a template."""
    assert "must hold {username} once" in faults(dn_template=template)


@pytest.mark.sec("LDAP-58", "LDAP-21")
def test_groups_that_are_names_are_normal() -> None:
    """A DN in the configuration is put into the form in which groups are told; a bare name stays."""
    read = settings(
        roles={"admin": ["CN=Admins, OU=Groups,DC=example,DC=org"], "editor": ["Editors"], "member": ["*"]},
        require_group="CN=Staff,DC=org",
    )

    assert read.roles == {
        "admin": ("cn=admins,ou=groups,dc=example,dc=org",),
        "editor": ("Editors",),
        "member": ("*",),
    }
    assert read.require_group == "cn=staff,dc=org"


def test_without_groups_only_names_are_needed() -> None:
    """Roles by DN or for anybody work without groups.base."""
    assert settings(groups={}, roles={"admin": ["cn=a,dc=org"], "member": ["*"]}).groups.base is None


@pytest.mark.sec("LOG-02")
def test_a_fault_shows_no_secret() -> None:
    """The message about a wrong block does not hold its password."""
    with pytest.raises(ValidationError) as error:
        settings(servers=["ldap://plain.example.org"])

    assert "secret-canary" not in str(error.value)


def test_this_block_is_the_readmes(request: pytest.FixtureRequest) -> None:
    """The configuration in the adapter's README is valid as it stands."""
    readme = (Path(request.path).parent.parent / "README.md").read_text("utf-8")
    block = yaml.safe_load(readme.split("```yaml")[1].split("```")[0])

    assert LDAPSettings.model_validate(block["providers"]["staff"]).servers


@pytest.mark.sec("LDAP-08")
@pytest.mark.parametrize("template", ["{username}@example.org", "EXAMPLE\\{username}", "cn={username},dc=org"])
def test_a_template_may_be_a_principal_name(template: str) -> None:
    """Active Directory's two forms of a name stand beside the DN."""
    assert settings(dn_template=template).dn_template == template


@pytest.mark.sec("LDAP-19")
@pytest.mark.parametrize("key", ["id", "username", "login", "email", "realname"])
@pytest.mark.parametrize("name", ["uid)(x", "uid=*", "*", "+", "1.1.", "mail;binary", "uid:dn:2.5.13.2", "", " uid"])
def test_attribute_names_are_names(key: str, name: str) -> None:
    """Which attributes are searched and read is the administrator's choice alone, and only names can be chosen."""
    assert f"attributes.{key}" in faults(attributes={key: name})


def test_groups_of_grants_are_those_of_roles() -> None:
    """The groups that give rights are put into the same form as those that give a role, and faults are told."""
    read = settings(grants={"bundles": {"Books": ["CN=Books, OU=Groups,DC=example,DC=org", " Audit "]}})

    assert list(read.grants.rules()) == [("bundle", "Books", ("cn=books,ou=groups,dc=example,dc=org", "Audit"))]
    with pytest.raises(ValidationError, match=r"grants[\s\S]*is no distinguished name"):
        settings(grants={"bundles": {"Books": ["cn=a,,dc=org"]}})
    with pytest.raises(ValidationError, match=r"groups\.base is missing: bare names \(audit\)"):
        settings(groups={}, roles={}, grants={"bundles": {"Books": ["audit", "cn=a,dc=org"]}})
