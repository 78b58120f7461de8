"""
What a directory told, kept until it told everything.

It lies in a private database of SQLite's own, which is on disk as soon as it grows: memory does not depend on how many
people there are. It has no name in the file system and ends with the run.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from onegov_auth.domain import VerifiedIdentity

__all__ = ["Gone", "Stage", "Staged", "Told"]

_TABLES = """
CREATE TABLE people (
    number INTEGER PRIMARY KEY, source_id TEXT UNIQUE, entry TEXT, code TEXT, username TEXT, data BLOB, twice INTEGER,
    roleless INTEGER, rightless INTEGER
);
CREATE TABLE gone (number INTEGER PRIMARY KEY, source_id TEXT, code TEXT);
"""

#: One key for two entries is nobody's: it is not decided which of them is meant.
_ADD = """
INSERT INTO people (source_id, entry, code, username, data, roleless, rightless, twice) VALUES (?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (source_id) DO UPDATE SET twice = 1 WHERE entry <> excluded.entry
"""


@dataclass(frozen=True, slots=True)
class Told:
    """
    One entry as it is told.

    Attributes:
        identity: Who it is.
        code: Why it is nobody who may be a user; empty if it is.
        roleless: Whether it gives no role.
        rightless: Whether it gives no right.
    """

    identity: VerifiedIdentity
    code: str
    roleless: bool = False
    rightless: bool = False


@dataclass(frozen=True, slots=True)
class Staged:
    """
    One entry of the directory.

    Attributes:
        source_id: Its key; empty if it has none that can be used.
        username: What it is called.
        code: Why it is nobody who may be a user; empty if it is.
        identity: Who it is; ``None`` for an entry that is nobody.
    """

    source_id: str
    username: str
    code: str
    identity: VerifiedIdentity | None


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody known whom the directory misses, or bars: ``code`` says why it does."""

    source_id: str
    code: str


class Stage:
    """
    The people of one run.

    Args:
        source: The provider.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._db = sqlite3.connect("", isolation_level=None)
        self.told = 0

    def __enter__(self) -> Self:
        # Nothing here has to survive anything.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_TABLES)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._db.close()

    def add(self, batch: Sequence[Told]) -> None:
        """Keep a batch."""
        self.told += len(batch)
        self._write(_ADD, map(_row, batch))

    def people(self, size: int) -> Iterator[list[Staged]]:
        """Everybody, in the directory's order."""
        last = 0
        statement = "SELECT number, source_id, code, username, data, twice FROM people WHERE number > ? LIMIT ?"
        while rows := self._db.execute(statement, (last, size)).fetchall():
            yield [self._staged(*row[1:]) for row in rows]
            last = rows[-1][0]

    def here(self, source_ids: Sequence[str]) -> dict[str, str]:
        """Which of these the directory has, with the reason why they may not come in; empty if they may."""
        marks = ",".join("?" * len(source_ids))
        statement = f"SELECT source_id, code FROM people WHERE source_id IN ({marks})"  # noqa: S608 - marks only
        return dict(self._db.execute(statement, source_ids).fetchall())

    def roleless(self, source_ids: Sequence[str]) -> list[str]:
        """Which of these the directory has, and gives no role."""
        return self._here_but(source_ids, "roleless")

    def rightless(self, source_ids: Sequence[str]) -> list[str]:
        """Which of these the directory has, and gives no right."""
        return self._here_but(source_ids, "rightless")

    def _here_but(self, source_ids: Sequence[str], flag: str) -> list[str]:
        marks = ",".join("?" * len(source_ids))
        statement = f"SELECT source_id FROM people WHERE source_id IN ({marks}) AND code = '' AND {flag}"  # noqa: S608 - marks and our own names
        return [source_id for (source_id,) in self._db.execute(statement, source_ids)]

    def add_gone(self, batch: Iterable[Gone]) -> None:
        """Keep whom the directory misses."""
        self._write("INSERT INTO gone (source_id, code) VALUES (?, ?)", ((gone.source_id, gone.code) for gone in batch))

    def gone(self, size: int) -> Iterator[list[Gone]]:
        """Whom the directory misses."""
        last = 0
        statement = "SELECT number, source_id, code FROM gone WHERE number > ? LIMIT ?"
        while rows := self._db.execute(statement, (last, size)).fetchall():
            yield [Gone(source_id, code) for _, source_id, code in rows]
            last = rows[-1][0]

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _staged(self, source_id: str | None, code: str, username: str, data: bytes | None, twice: int) -> Staged:
        if source_id is None or data is None:
            return Staged(source_id or "", username, code, None)
        if twice:
            return Staged(source_id, username, "ambiguous_id", None)
        return Staged(source_id, username, code, self._identity(source_id, username, data))

    def _identity(self, source_id: str, username: str, data: bytes) -> VerifiedIdentity:
        # Written by this very run into a file without a name.
        issuer, email, email_verified, realname, groups, role, barred, attributes = pickle.loads(data)  # noqa: S301 - above
        return VerifiedIdentity(
            source=self._source,
            issuer=issuer,
            source_id=source_id,
            username=username,
            email=email,
            email_verified=email_verified,
            realname=realname,
            groups=groups,
            role=role,
            barred=barred,
            attributes=attributes,
        )


def _row(told: Told) -> tuple[object, ...]:
    identity, code = told.identity, told.code
    entry = str(identity.attributes.get("dn", identity.username))
    if code and identity.barred is None:
        return (
            identity.source_id if code != "no_source_id" else None,
            entry,
            code,
            identity.username,
            None,
            False,
            False,
        )
    data = (
        identity.issuer,
        identity.email,
        identity.email_verified,
        identity.realname,
        identity.groups,
        identity.role,
        identity.barred,
        dict(identity.attributes),
    )
    pickled = pickle.dumps(data, pickle.HIGHEST_PROTOCOL)
    return identity.source_id, entry, code, identity.username, pickled, told.roleless, told.rightless
