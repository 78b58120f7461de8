"""
A sync with a directory beside reading its people with bare ldap3 and upserting them, in one run and against one slapd.

The baseline decides nothing: it asks for the same attributes in pages of the same size, and upserts a user and a link
for each person in batches of the same size, in SQLAlchemy Core. Ours reads everything before it writes anything, works
out roles, compares, keeps events, and says what became of everybody.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from ldap3 import NONE, SAFE_SYNC, SUBTREE, Connection, Server
from sqlalchemy import Engine, delete
from sqlalchemy.dialects import postgresql, sqlite

from benchmarks.measure import Line, Measured
from onegov_auth import migrations
from onegov_auth.accounts import Accounts
from onegov_auth.accounts.sync import State, Sync
from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.events import EventLog
from onegov_auth.models import AuthEvent, User, UserIdentity
from onegov_auth.providers import Services
from onegov_auth.testing.servers import ServerMissingError, Slapd
from onegov_auth.testing.servers.process import find_program
from onegov_auth_ldap import LDAPProvider, LDAPSettings
from onegov_auth_ldap.identity import person_attributes

__all__ = ["directory_syncs"]

#: Ours is to be no slower than 0.7 × the speed of the baseline.
SYNC_LIMIT = 1 / 0.7

PAGE = BATCH = 500

#: A sync of more people is run once: it is long enough to be the same every time.
SMALL = 20_000

PAGED = "1.2.840.113556.1.4.319"

T = TypeVar("T")


class Crowd(Slapd):
    """
    A directory of many people, of whom all are in one group, some in another and few in a third.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        super().__init__(timeout=60)
        self.count = count

    def prepare(self) -> None:
        """Load everybody before the server starts: by a client it would take minutes."""
        super().prepare()
        conf = self.directory / "slapd.conf"
        text = conf.read_text().replace("maxsize 67108864", "maxsize 2147483648")
        conf.write_text(text.replace(f"sizelimit {self.size_limit}", "sizelimit unlimited"))
        people = self.directory / "people.ldif"
        with people.open("w") as file:
            file.writelines(self._records())
        self.run(find_program("slapadd", self.package), "-q", "-f", str(conf), "-l", str(people))

    def populate(self) -> None:
        """Everybody is there already."""

    def _records(self) -> Iterator[str]:
        yield f"dn: {self.base}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
        for unit in ("people", "groups", "services"):
            yield f"dn: ou={unit},{self.base}\nobjectClass: organizationalUnit\nou: {unit}\n\n"
        yield (
            f"dn: {self.service_dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
            f"cn: service\nuserPassword: {self.service_password}\n\n"
        )
        for number in range(self.count):
            groups = ["staff", *(["editors"] if number % 10 == 0 else []), *(["admins"] if number % 1000 == 0 else [])]
            told = "".join(f"memberOf: cn={group},{self.groups_base}\n" for group in groups)
            yield (
                f"dn: uid=p{number},{self.people_base}\nobjectClass: inetOrgPerson\nuid: p{number}\n"
                f"cn: Person {number}\ngivenName: Person\nsn: Number {number}\nmail: p{number}@example.org\n{told}\n"
            )


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run took."""

    seconds: float
    megabytes: float


class Bench:
    """
    One directory and one database, and both ways from the one to the other.

    Args:
        slapd: The directory.
        url: The database, empty.
    """

    def __init__(self, slapd: Crowd, url: str) -> None:
        self.slapd = slapd
        self.database = Database(url)
        migrations.upgrade(self.database.engine)
        self.settings = LDAPSettings.model_validate(
            {
                "kind": "ldap",
                "servers": [slapd.url],
                "tls": {"allow_plain": True},
                "bind": {"dn": slapd.service_dn, "password": slapd.service_password},
                "people": {"base": slapd.people_base},
                # Loading goes past the overlay that keeps memberOf: there are no lists of members.
                "groups": {"base": slapd.groups_base, "style": "memberof", "nested": False},
                "roles": {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]},
            }
        )

    def empty(self) -> None:
        """Forget everybody."""
        with self.database.unit() as db:
            for class_ in (UserIdentity, User, AuthEvent):
                db.execute(delete(class_))

    def ours(self) -> int:
        """A sync; says how many people it has seen."""
        provider = LDAPProvider.create("staff", self.settings, Services())
        accounts = Accounts(self.database, roles=("admin", "editor", "member"))
        events = EventLog(self.database)
        report = Sync(self.database, accounts, events, source="staff", directory=provider, settings=self.settings).run()
        if not report.ok:
            raise RuntimeError(report.code)
        return report.counts[State.NEW] + report.counts[State.UNCHANGED]

    def theirs(self) -> int:
        """Read and upsert; says how many people were read."""
        engine, done = self.database.engine, 0
        for batch in _batches(self._read(), BATCH):
            with engine.begin() as connection:
                users = [_user(entry) for entry in batch]
                keys = list(connection.execute(_upsert(engine, User), users).scalars())
                links = [_link(entry, key) for entry, key in zip(batch, keys, strict=True)]
                connection.execute(_upsert(engine, UserIdentity), links)
            done += len(batch)
        return done

    def _read(self) -> Iterator[dict[str, Any]]:
        slapd, people = self.slapd, self.settings.people
        server = Server(slapd.url, get_info=NONE)
        connection = Connection(
            server,
            slapd.service_dn,
            slapd.service_password,
            client_strategy=SAFE_SYNC,
            auto_bind=True,
            check_names=False,
        )
        asked, cookie = list(person_attributes(self.settings)), None
        while True:
            found, result = connection.search(
                people.base, people.filter, SUBTREE, attributes=asked, paged_size=PAGE, paged_cookie=cookie
            )[1:3][::-1]
            yield from (entry["raw_attributes"] for entry in found if entry["type"] == "searchResEntry")
            cookie = result["controls"][PAGED]["value"]["cookie"]
            if not cookie:
                connection.unbind()
                return


def _user(entry: dict[str, Any]) -> dict[str, object]:
    mail = entry["mail"][0].decode()
    return {
        "id": uuid4(),
        "type": "generic",
        "username": mail,
        "username_key": mail,
        "password_hash": "",
        "role": "member",
        "role_origin": "staff",
        "realname": f"{entry['givenName'][0].decode()} {entry['sn'][0].decode()}",
        "source": "staff",
        "source_id": entry["entryUUID"][0].decode(),
        "email": mail,
        "email_verified": False,
        "active": True,
        "created": utcnow(),
    }


def _link(entry: dict[str, Any], key: UUID) -> dict[str, object]:
    return {
        "user_id": key,
        "source": "staff",
        "source_id": entry["entryUUID"][0].decode(),
        "proof": "provisioned",
        "created": utcnow(),
    }


def _upsert(engine: Engine, class_: Any) -> Any:
    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(class_.__table__)
    if class_ is UserIdentity:
        return statement.on_conflict_do_update(index_elements=["source", "source_id"], set_={"missed": 0})
    changed = {name: statement.excluded[name] for name in ("username", "role", "realname", "email", "active")}
    upsert = statement.on_conflict_do_update(index_elements=["username_key"], set_=changed)
    return upsert.returning(class_.__table__.c.id, sort_by_parameter_order=False)


def _batches(things: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(things, size)):
        yield batch


def _run(work: Callable[[], int], count: int) -> Ran:
    gc.collect()
    before = _memory("VmRSS")
    # The highest mark begins anew (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    begun = time.perf_counter()
    if work() != count:
        raise RuntimeError("somebody is missing")
    return Ran(time.perf_counter() - begun, (_memory("VmHWM") - before) / 1024)


def _memory(name: str) -> int:
    """A figure of this process, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def directory_syncs(urls: Mapping[str, str], counts: Sequence[int]) -> Iterator[Line]:
    """
    First syncs and later ones, of so many people, into each kind of database.

    Args:
        urls: A database of each kind.
        counts: How many people.
    """
    for count in counts:
        try:
            slapd = Crowd(count)
            slapd.start()
        except ServerMissingError as error:
            print(f"The directory is left out: {error}", file=sys.stderr)
            return
        try:
            for name, url in urls.items():
                yield from _compare(Bench(slapd, url), f"{name}, {count:,} people", 3 if count <= SMALL else 1)
        finally:
            slapd.close()


def _compare(bench: Bench, what: str, rounds: int) -> Iterator[Line]:
    count = bench.slapd.count
    times: dict[tuple[str, str], list[Ran]] = {}
    for number in range(rounds):
        ways = [("ours", bench.ours), ("theirs", bench.theirs)]
        for who, work in ways if number % 2 == 0 else reversed(ways):
            bench.empty()
            for when in ("first", "again"):
                times.setdefault((who, when), []).append(_run(work, count))
    for when in ("first", "again"):
        ours, theirs = (min(times[who, when], key=lambda ran: ran.seconds) for who in ("ours", "theirs"))
        yield Line(
            f"sync, {what}, {when}",
            SYNC_LIMIT,
            Measured("sync", ours.seconds * 1000),
            Measured("read and upsert", theirs.seconds * 1000),
        )
        speed = f"{count / ours.seconds:,.0f} people a second beside {count / theirs.seconds:,.0f}"
        print(f"  {speed}; memory grew by {ours.megabytes:.0f} MB beside {theirs.megabytes:.0f} MB", file=sys.stderr)
    bench.database.dispose()
