"""What the throw-away directories share: they are changed as by any client, with OpenLDAP's tools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from onegov_auth.testing.servers.ldif import Attributes, add_record, delete_record, modify_record, move_record
from onegov_auth.testing.servers.process import ServerProcess, find_program

__all__ = ["CLIENTS", "DirectoryServer"]

#: The Debian package of OpenLDAP's clients.
CLIENTS = "ldap-utils"


class DirectoryServer(ServerProcess):
    """A directory that an administrator may change while it runs."""

    @property
    @abstractmethod
    def as_admin(self) -> Sequence[str]:
        """The arguments with which OpenLDAP's clients bind as the administrator."""

    def change(self, records: str, *options: str) -> None:
        """Do what LDIF records say, with ldapmodify's *options*. Raises ServerFailedError if the server refuses one."""
        self.run(find_program("ldapmodify", CLIENTS), *self.as_admin, *options, text=records)

    def add_entry(self, dn: str, attributes: Attributes) -> None:
        """Add an entry; values are text, bytes or sequences of them. Raises ServerFailedError if the server refuses."""
        self.change(add_record(dn, attributes))

    def modify(self, dn: str, attributes: Attributes) -> None:
        """Replace these attributes of an entry; an empty sequence removes one. Raises ServerFailedError."""
        self.change(modify_record(dn, attributes))

    def move(self, dn: str, rdn: str, parent: str) -> None:
        """Rename an entry, or move it below another one. Raises ServerFailedError."""
        self.change(move_record(dn, rdn, parent))

    def delete(self, dn: str) -> None:
        """Delete an entry without children. Raises ServerFailedError, for instance when there is none."""
        self.change(delete_record(dn))
