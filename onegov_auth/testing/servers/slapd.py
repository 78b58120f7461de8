"""A throw-away OpenLDAP with TLS, five people in three groups, and the overlays real directories have."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.directory import CLIENTS, DirectoryServer
from onegov_auth.testing.servers.ldif import seed
from onegov_auth.testing.servers.people import PEOPLE, Person
from onegov_auth.testing.servers.process import (
    LOOPBACK,
    ServerFailedError,
    ServerMissingError,
    find_program,
    free_ports,
)

__all__ = ["Slapd"]

_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_SCHEMA_FOLDERS = ("/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
_MODULE_FOLDERS = ("/usr/lib/ldap", "/usr/lib/openldap", "/usr/lib64/openldap", "/usr/local/libexec/openldap")

# bind_anon_dn: a bind with a DN and an empty password answers success, as Active Directory's does (RFC 4513 §5.1.2);
# a client that doesn't refuse empty passwords itself must be seen to fail here.
_CONFIGURATION = """
{includes}
modulepath {modules}
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
pidfile {directory}/slapd.pid
allow bind_anon_dn
TLSCACertificateFile {ca_file}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient never
sizelimit {size_limit}

database mdb
maxsize 67108864
suffix "{base}"
rootdn "{admin_dn}"
rootpw {admin_password}
directory {directory}/data
dbnosync
index objectClass,uid,mail,cn,member,memberUid eq
overlay memberof
memberof-refint true
overlay refint
refint_attributes member
overlay ppolicy
ppolicy_use_lockout
access to attrs=userPassword
    by dn.exact="{service_dn}" compare
    by self write
    by anonymous auth
    by * none
access to *
    by users read
    by * none
"""


class Slapd(DirectoryServer):
    """
    OpenLDAP on loopback: ``ldap://`` (with StartTLS) and ``ldaps://``, below ``dc=example,dc=org``.

    People lie in ``ou=people``, groups as groupOfNames in ``ou=groups`` (with memberOf on the people) and as posixGroup
    in ``ou=posix-groups``. Anonymous readers see nothing. ``pwdPolicySubentry: policy_dn`` on an entry switches on a
    password policy: three failures lock it.

    Args:
        names: The names in the server's certificate.
        size_limit: How many entries one search may return to anybody but the administrator.
        timeout: Seconds after which it has failed to start.
    """

    name = "slapd"
    program = "slapd"
    package = "slapd"
    base: ClassVar[str] = "dc=example,dc=org"
    people: ClassVar[tuple[Person, ...]] = PEOPLE

    def __init__(
        self, *, names: Sequence[str] = ("localhost", LOOPBACK), size_limit: int = 500, timeout: float = 30.0
    ) -> None:
        super().__init__(timeout=timeout)
        self.names = tuple(names)
        self.size_limit = size_limit
        self.admin_dn = f"cn=admin,{self.base}"
        self.admin_password = secrets.token_urlsafe(12)
        self.service_dn = f"cn=service,ou=services,{self.base}"
        self.service_password = secrets.token_urlsafe(12)
        self.people_base = f"ou=people,{self.base}"
        self.groups_base = f"ou=groups,{self.base}"
        self.posix_groups_base = f"ou=posix-groups,{self.base}"
        self.policy_dn = f"cn=strict,ou=policies,{self.base}"

    def choose_ports(self) -> tuple[int, ...]:
        """One port for ldap, one for ldaps."""
        return free_ports(2)

    @property
    def url(self) -> str:
        """``ldap://localhost:PORT``; StartTLS is there, and not demanded."""
        return f"ldap://localhost:{self.port}"

    @property
    def ldaps_url(self) -> str:
        """``ldaps://localhost:PORT``."""
        return f"ldaps://localhost:{self.ports[1] if self.port else 0}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust, PEM; there after the first start."""
        return self.directory / "tls" / "ca.pem"

    def person(self, uid: str) -> Person:
        """One of the five. Raises KeyError for anybody else."""
        return {person.uid: person for person in self.people}[uid]

    def dn(self, uid: str) -> str:
        """Where a person's entry lies, whether there is one or not."""
        return f"uid={uid},{self.people_base}"

    def command(self) -> Sequence[str]:
        """The daemon in the foreground, on both ports."""
        urls = f"ldap://{LOOPBACK}:{self.port} ldaps://{LOOPBACK}:{self.ports[1]}"
        # -d 0 prints errors only and, as any -d, stays in the foreground.
        return [str(self.find()), "-f", str(self.directory / "slapd.conf"), "-h", urls, "-d", "0"]

    def prepare(self) -> None:
        """Write certificates and configuration."""
        data = self.directory / "data"
        if data.exists():
            return
        self.find()
        schemas = _folder(_SCHEMA_FOLDERS, "core.schema")
        modules = _folder(_MODULE_FOLDERS, "back_mdb.so")
        authority = Authority.at(self.directory / "tls")
        issued = authority.issue(*self.names)
        configuration = _CONFIGURATION.format(
            includes="\n".join(f"include {schemas / name}.schema" for name in _SCHEMAS),
            modules=modules,
            directory=self.directory,
            ca_file=self.ca_file,
            certificate=issued.certificate,
            key=issued.key,
            size_limit=self.size_limit,
            base=self.base,
            admin_dn=self.admin_dn,
            admin_password=self.admin_password,
            service_dn=self.service_dn,
        )
        (self.directory / "slapd.conf").write_text(configuration)
        (self.directory / "admin-password").write_text(self.admin_password)
        data.mkdir()

    def is_ready(self) -> bool:
        """Whether the administrator can bind."""
        program = find_program("ldapwhoami", CLIENTS)
        try:
            self.run(program, "-o", "nettimeout=2", *self.as_admin)
        except ServerFailedError:
            return False
        return True

    def populate(self) -> None:
        """Add the people and their groups, as a client does, so that the overlays see them."""
        self.change(seed(self.base, self.service_password))

    @property
    def as_admin(self) -> Sequence[str]:
        """Over the plain port of loopback, with the password from a file."""
        password_file = str(self.directory / "admin-password")
        return ["-x", "-H", f"ldap://{LOOPBACK}:{self.port}", "-D", self.admin_dn, "-y", password_file]


def _folder(candidates: Sequence[str], content: str) -> Path:
    """The folder that has this file."""
    for candidate in candidates:
        if (Path(candidate) / content).exists():
            return Path(candidate)
    raise ServerMissingError(content, "slapd")
