"""A throw-away Active Directory domain controller: Samba's, with TLS and accounts in every state."""

from __future__ import annotations

import os
import secrets
import socket
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.directory import CLIENTS, DirectoryServer
from onegov_auth.testing.servers.domain import domain_seed
from onegov_auth.testing.servers.people import PEOPLE, Person
from onegov_auth.testing.servers.process import ServerFailedError, ServerMissingError, find_program

__all__ = ["SambaAD"]

#: What Samba's LDAP server listens on and lets nobody change: plain, TLS, and the global catalogue twice.
_PORTS = (389, 636, 3268, 3269)

#: What no LDAP client may do: give a password an age. Arguments: configuration, DN, time as ``pwdLastSet`` has it.
_SET_AGE = """
import sys, ldb
from samba import auth, dsdb, param, samdb
configuration = param.LoadParm()
configuration.load(sys.argv[1])
database = samdb.SamDB(session_info=auth.system_session(), lp=configuration)
change = ldb.Message(ldb.Dn(database, sys.argv[2]))
change["x"] = ldb.MessageElement(sys.argv[3], ldb.FLAG_MOD_REPLACE, "pwdLastSet")
database.modify(change, [f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"])
"""

_SETUP = Path("/usr/share/samba/setup")

#: The interpreter that Samba's own modules are installed for.
_PYTHON = "/usr/bin/python3"


class SambaAD(DirectoryServer):
    """
    An Active Directory domain ``ad.example.org`` on a loopback address of its own: ``ldaps://`` on port 636.

    People lie in ``OU=people``, groups in ``OU=groups``; see :mod:`onegov_auth.testing.servers.domain` for the
    accounts. It needs root, because the ports are fixed and files get other owners.

    Args:
        timeout: Seconds after which it has failed to start.
    """

    name = "samba"
    program = "samba"
    package = "samba-ad-dc"
    base: ClassVar[str] = "DC=ad,DC=example,DC=org"
    domain: ClassVar[str] = "ad.example.org"
    people: ClassVar[tuple[Person, ...]] = PEOPLE

    def __init__(self, *, timeout: float = 60.0) -> None:
        super().__init__(timeout=timeout)
        self.admin_password = f"Aa1-{secrets.token_urlsafe(12)}"
        self.service_password = f"Aa1-{secrets.token_urlsafe(12)}"
        self.service_dn = f"CN=service,OU=services,{self.base}"
        self.people_base = f"OU=people,{self.base}"
        self.groups_base = f"OU=groups,{self.base}"

    def choose_ports(self) -> tuple[int, ...]:
        """The fixed ports, on a loopback address where all of them are free."""
        while True:
            self.host = f"127.{64 + secrets.randbelow(64)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
            if all(_is_free(self.host, port) for port in _PORTS):
                return _PORTS

    @property
    def ldaps_url(self) -> str:
        """``ldaps://ADDRESS:636``."""
        return f"ldaps://{self._address}:636"

    @property
    def url(self) -> str:
        """``ldap://ADDRESS:389``; a simple bind is refused before StartTLS."""
        return f"ldap://{self._address}:389"

    @property
    def _address(self) -> str:
        return self.host if self.port else ""

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust, PEM; there after the first start."""
        return self.directory / "tls" / "ca.pem"

    def person(self, uid: str) -> Person:
        """One of the five. Raises KeyError for anybody else."""
        return {person.uid: person for person in self.people}[uid]

    def dn(self, name: str) -> str:
        """Where a person's entry lies, by their name; a name that needs escaping comes escaped."""
        return f"CN={name},{self.people_base}"

    def prepare(self) -> None:
        """Make the domain; takes some seconds."""
        if (self.directory / "etc").exists():
            return
        self._find_parts()
        issued = Authority.at(self.directory / "tls").issue(self.host, f"dc1.{self.domain}")
        tls = {"certfile": issued.certificate, "keyfile": issued.key, "cafile": self.ca_file}
        domain = ("--realm", self.domain.upper(), "--domain", "AD", "--server-role", "dc", "--dns-backend", "NONE")
        place = ("--host-name", "dc1", "--host-ip", self.host, "--targetdir", self.directory, "--quiet")
        # Extended attributes go into a file: a container's file system has none to give.
        options = [f"--option=posix:eadb={self.directory}/eadb.tdb", f"--option=log file={self.directory}/log"]
        options += [f"--option=tls {key}={path}" for key, path in tls.items()]
        admin = f"--adminpass={self.admin_password}"
        self.run(self.find("samba-tool"), "domain", "provision", *domain, *place, admin, *self._interfaces, *options)
        password = self.directory / "admin-password"
        password.touch(mode=0o600)
        password.write_text(self.admin_password)

    def command(self) -> Sequence[str]:
        """The domain controller in one process in the foreground, with its LDAP server only."""
        run = self.directory / "run"
        run.mkdir(exist_ok=True)
        options = ("server services=ldap", f"pid directory={run}", f"ncalrpc dir={run}/ncalrpc")
        configuration = str(self.directory / "etc" / "smb.conf")
        foreground = ("-i", "-M", "single", "--debug-stdout")
        chosen = [*self._interfaces, *(f"--option={option}" for option in options)]
        return [str(self.find()), "-s", configuration, *foreground, *chosen]

    @property
    def _interfaces(self) -> Sequence[str]:
        return [f"--option=interfaces={self.host}/8", "--option=bind interfaces only=yes"]

    def environment(self) -> Mapping[str, str]:
        """As of every server, the authority that OpenLDAP's clients shall trust, and no waiting for the disk."""
        return {**super().environment(), "LDAPTLS_CACERT": str(self.ca_file), "TDB_NO_FSYNC": "1"}

    def is_ready(self) -> bool:
        """Whether the administrator can bind and search."""
        search = find_program("ldapsearch", CLIENTS)
        try:
            self.run(search, "-o", "nettimeout=2", *self.as_admin, "-b", self.base, "-s", "base", "1.1")
        except ServerFailedError:
            return False
        return True

    def populate(self) -> None:
        """Add people and groups by LDAP; give one person another primary group and another an old password."""
        self.change(domain_seed(self.base, self.service_password))
        self.modify(self.dn("Dario De Luca"), {"primaryGroupID": self.rid(f"CN=primary,{self.groups_base}")})
        configuration = self.directory / "etc" / "smb.conf"
        self.run(_PYTHON, "-c", _SET_AGE, configuration, self.dn("Stella Stale"), "128000000000000000")

    def read(self, dn: str, attribute: str) -> str:
        """The one value of an attribute, as OpenLDAP's client prints it; a binary one in Base64. Raises KeyError."""
        search = find_program("ldapsearch", CLIENTS)
        printed = self.run(search, "-LLL", "-o", "ldif-wrap=no", *self.as_admin, "-b", dn, "-s", "base", attribute)
        lines = (line.partition(":") for line in printed.splitlines())
        return {name: value.lstrip(": ") for name, _, value in lines}[attribute]

    def rid(self, dn: str) -> str:
        """The last part of an entry's security identifier, in decimal."""
        return str(int.from_bytes(b64decode(self.read(dn, "objectSid"))[-4:], "little"))

    def unlock(self, dn: str) -> None:
        """Forget wrong passwords."""
        self.modify(dn, {"lockoutTime": "0"})

    @property
    def as_admin(self) -> Sequence[str]:
        """Over TLS, with the password from a file."""
        password_file = str(self.directory / "admin-password")
        return ["-x", "-H", self.ldaps_url, "-D", f"Administrator@{self.domain}", "-y", password_file]

    def _find_parts(self) -> None:
        if os.geteuid() != 0:
            raise ServerMissingError(self.program, self.package, "and this is not root, which it needs")
        self.find()
        if not _SETUP.exists():
            raise ServerMissingError(str(_SETUP), "samba-ad-provision")


def _is_free(host: str, port: int) -> bool:
    with ExitStack() as stack:
        trial = stack.enter_context(socket.socket())
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True
