"""What a block of ``kind: ldap`` in the configuration may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import parse_filter
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from onegov_auth.providers import Duration, GrantSettings, ProviderSettings, Secret, Section, SyncSettings
from onegov_auth_ldap.names import normal

__all__ = [
    "AttributeSettings",
    "BindSettings",
    "GroupSettings",
    "LDAPSettings",
    "PeopleSettings",
    "TLSSettings",
    "TimeoutSettings",
]

#: The only thing that is replaced in ``dn_template``; no format language, which could read attributes of objects.
PLACEHOLDER = "{username}"

#: How Active Directory names people beside their DN (MS-ADTS §5.1.1.1.1).
_PRINCIPAL = re.compile(r"\{username\}@[A-Za-z0-9.-]+|[^\s=@/\\{}]+\\\{username\}")


def _dn(value: str) -> str:
    try:
        normal(value)
    except ValueError as error:
        raise ValueError(f"is no distinguished name: {error}") from error
    return value


def _group(value: str) -> str:
    """A group as it is compared: a DN in normal form, anything else as it stands."""
    value = value.strip()
    if not value:
        raise ValueError("is empty")
    return normal(_dn(value)) if "=" in value else value


def _filter(value: str) -> str:
    try:
        parse_filter(value, None, False, False, None, False)
    except LDAPException as error:
        raise ValueError(f"is no filter: {error}") from error
    return value


def _server(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in {"ldap", "ldaps"} or not url.hostname:
        raise ValueError("must be ldaps://host[:port] or ldap://host[:port]")
    if url.username is not None or url.path not in {"", "/"} or url.query or url.fragment:
        raise ValueError("holds more than a host and a port")
    if url.port == 0:
        raise ValueError("has no valid port")
    return value.rstrip("/")


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must be more than nothing: a login would wait forever or never begin")
    return value


DN = Annotated[str, AfterValidator(_dn)]
Group = Annotated[str, AfterValidator(_group)]
Filter = Annotated[str, AfterValidator(_filter)]
Server = Annotated[str, AfterValidator(_server)]
Wait = Annotated[Duration, AfterValidator(_positive)]
#: An attribute description without options (RFC 4512 §2.5).
Attribute = Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$")]
#: One attribute or several; the first that has a value counts, or all of them, as the key says.
Attributes = Annotated[
    tuple[Attribute, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...]), Field(min_length=1)
]


class TLSSettings(Section):
    """
    How the way to the directory is protected.

    Attributes:
        start_tls: Whether a plain connection is turned into TLS before anything else is said (RFC 4513 §3).
        ca_file: The authorities to trust, as PEM; ``None`` = those of the system.
        client_cert: Our own certificate, as PEM.
        client_key: Its key, if not in the same file.
        verify: Whether certificate and host name are checked. Switching it off gives passwords to anybody between.
        allow_plain: Whether passwords may travel in clear text.
    """

    start_tls: bool = False
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    verify: bool = True
    allow_plain: bool = False

    @model_validator(mode="after")
    def _key_has_certificate(self) -> Self:
        if self.client_key and not self.client_cert:
            raise ValueError("client_key needs client_cert")
        return self


class TimeoutSettings(Section):
    """
    How long may be waited.

    Attributes:
        connect: For one connection to one address, TLS included.
        operation: For one answer.
        login: For a whole login, whatever happens in it.
    """

    connect: Wait = timedelta(seconds=3)
    operation: Wait = timedelta(seconds=5)
    login: Wait = timedelta(seconds=10)


class BindSettings(Section):
    r"""
    The account that searches.

    Attributes:
        dn: Its name; Active Directory also takes ``user@domain`` and ``DOMAIN\user``.
        password: Its password.
    """

    dn: str
    password: Secret

    @field_validator("dn")
    @classmethod
    def _named(cls, value: str) -> str:
        # An empty name is an anonymous bind, which answers success (RFC 4513 §5.1.1).
        return value if value.strip() and ("@" in value or "\\" in value) and "=" not in value else _dn(value)

    @field_validator("password")
    @classmethod
    def _given(cls, value: Secret) -> Secret:
        # RFC 4513 §5.1.2: a name without a password is "unauthenticated", and answers success.
        if not value.reveal().strip():
            raise ValueError("is empty")
        return value


class PeopleSettings(Section):
    """
    Where people are.

    Attributes:
        base: Below which entry.
        filter: Which entries are people.
        scope: How deep: the entry itself, one level, or everything below.
    """

    base: DN
    filter: Filter = "(objectClass=inetOrgPerson)"
    scope: Literal["base", "onelevel", "subtree"] = "subtree"


class GroupSettings(Section):
    """
    Where groups are, and how people belong to them.

    Attributes:
        base: Below which entry; ``None`` = only the person's ``memberOf`` is read.
        style: ``memberof`` reads the person, ``member`` and ``posix`` search the groups, ``in-chain`` lets Active
            Directory resolve nested ones, ``auto`` takes what there is.
        nested: Whether a group in a group counts.
    """

    base: DN | None = None
    style: Literal["auto", "memberof", "member", "posix", "in-chain"] = "auto"
    nested: bool = True

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        if self.base is None and self.style in {"member", "posix", "in-chain"}:
            raise ValueError(f"style {self.style} searches, and needs a base")
        return self


class AttributeSettings(Section):
    """
    What the directory calls things.

    Attributes:
        id: The stable key; ``auto`` = what the product has: ``entryUUID`` (OpenLDAP), ``objectGUID`` (Active
            Directory), ``ipaUniqueID`` (FreeIPA), ``nsUniqueId`` (389 Directory Server).
        username: What a new local user is called; the first of several that has a value.
        login: What a person may type; all of them are searched.
        email: The address.
        realname: Joined by spaces to the name to show.
        also: What else is read, for an application's hooks, which find it in ``identity.attributes``.
    """

    id: Attribute = "auto"
    username: Attributes = ("mail",)
    login: Attributes = ("mail", "uid")
    email: Attribute = "mail"
    realname: Attributes = ("givenName", "sn")
    also: tuple[Attribute, ...] = ()


class LDAPSettings(ProviderSettings):
    r"""
    A directory.

    Attributes:
        servers: Equal servers, asked in this order; all ``ldaps://`` or all ``ldap://``.
        tls: See :class:`TLSSettings`.
        timeouts: See :class:`TimeoutSettings`.
        bind: The account that searches; ``None`` only with ``dn_template``.
        dn_template: The name of everybody's entry with ``{username}`` in it: binds without a search. Active Directory
            also takes ``{username}@domain`` and ``DOMAIN\{username}``.
        method: ``bind`` lets the directory check the password; ``compare`` asks whether ``userPassword`` is it, which
            only works where the directory compares clear text, and skips its lockout and expiry.
        people: See :class:`PeopleSettings`.
        groups: See :class:`GroupSettings`.
        attributes: See :class:`AttributeSettings`.
        flavour: Which product answers; ``auto`` asks the server.
        require_group: Only members get in.
        deny_group: Members don't get in.
        roles: Role to groups: full DNs, or the bare name of groups directly below ``groups.base``.
        hint: Markdown above the login form.
        sync: See :class:`SyncSettings`.
    """

    servers: tuple[Server, ...] = Field(min_length=1)
    tls: TLSSettings = TLSSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    bind: BindSettings | None = None
    dn_template: str | None = None
    method: Literal["bind", "compare"] = "bind"
    people: PeopleSettings
    groups: GroupSettings = GroupSettings()
    attributes: AttributeSettings = AttributeSettings()
    flavour: Literal["auto", "openldap", "active-directory", "389ds"] = "auto"
    require_group: Group | None = None
    deny_group: Group | None = None
    roles: Mapping[str, tuple[Group, ...]] = Field(
        default_factory=lambda: {role: (f"{role}s",) for role in ("admin", "editor", "supporter", "member")}
    )
    hint: str = ""
    sync: SyncSettings = SyncSettings()

    @field_validator("dn_template")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value.count(PLACEHOLDER) != 1 or re.search(r"[{}]", value.replace(PLACEHOLDER, "")):
            raise ValueError(f"must hold {PLACEHOLDER} once, and no other braces")
        return value if _PRINCIPAL.fullmatch(value) else _dn(value.replace(PLACEHOLDER, "x")) and value

    @field_validator("grants")
    @classmethod
    def _normal_names(cls, value: GrantSettings) -> GrantSettings:
        return value.spelled(_group)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = [*self._transport_faults(), *self._way_faults(), *self._group_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _transport_faults(self) -> list[str]:
        schemes = {server.partition(":")[0] for server in self.servers}
        if len(schemes) > 1:
            # LDAP-33: a fallback from ldaps to ldap is what an attacker would wish for.
            return ["servers are all ldaps:// or all ldap://"]
        if self.tls.start_tls and "ldaps" in schemes:
            return ["tls.start_tls is for ldap:// servers; ldaps:// is TLS already"]
        if "ldap" in schemes and not self.tls.start_tls and not self.tls.allow_plain:
            advice = "use ldaps://, or tls.start_tls: true, or say tls.allow_plain: true"
            return [f"servers: ldap:// sends passwords in clear text; {advice}"]
        return []

    def _way_faults(self) -> list[str]:
        if self.bind is None and self.dn_template is None:
            return ["bind is missing (or dn_template, which needs no search)"]
        if self.bind is None and self.method == "compare":
            return ["method compare needs bind: somebody has to ask"]
        return []

    def _group_faults(self) -> list[str]:
        if self.groups.base is not None:
            return []
        named = {*self.named_groups, self.require_group or "*", self.deny_group or "*"} - {"*"}
        bare = sorted(group for group in named if "=" not in group)
        # LDAP-58: without a base anybody who may make a group anywhere could call it "admins".
        return [f"groups.base is missing: bare names ({', '.join(bare)}) are groups directly below it"] if bare else []
