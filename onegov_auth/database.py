"""The engine, and the three ways to use it: read, a unit of work that writes, a request's session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from onegov_auth.clock import Clock, utcnow
from onegov_auth.engines import make_engine, prepare_connections
from onegov_auth.errors import SettingsError
from onegov_auth.statements import UNIT_KEY, LostRaceError, Prepared, UnitState

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Select

    from onegov_auth.keys import Keys

__all__ = ["CONTEXT_KEY", "Database", "Lookup", "SessionContext"]

T = TypeVar("T")
U = TypeVar("U")

#: Where a session keeps its :class:`SessionContext` in ``Session.info``.
CONTEXT_KEY = "onegov_auth"

#: PostgreSQL's codes for "try the whole transaction again" (appendix A, class 40).
SERIALIZATION_FAILURES = frozenset({"40001", "40P01"})

#: A unit of work that loses a race is tried this often; every try sees what the winner wrote.
TRIES = 5


@dataclass(frozen=True, slots=True)
class SessionContext:
    """
    What models and collections need to know besides the database, found in ``Session.info``.

    Attributes:
        entities: The mapped classes in use; ``None`` means the default ones.
        keys: Encrypt factor secrets; ``None`` makes storing one an error.
        clock: The time.
        hasher: Makes and compares password hashes; ``None`` means the installed default.
    """

    entities: Any = None
    keys: Keys | None = None
    clock: Clock = utcnow
    hasher: Any = None


class Database:
    """
    A database and the ways to use it.

    Args:
        url: A SQLAlchemy URL.
        schema: The PostgreSQL schema of this tenant; becomes the connections' ``search_path``.
        clock: The time, for models and collections.
        keys: Encrypt factor secrets; without them, storing one is an error.
        entities: The mapped classes; ``None`` means the default ones.
        hasher: Makes and compares password hashes for models; ``None`` means the installed default.
        engine: The host's own engine, in place of *url*; its connections are set up the same way.

    Raises:
        SettingsError: If the URL can't be used.
        MissingDependencyError: If its driver is not installed.
    """

    def __init__(  # noqa: PLR0913 - what every session carries, handed in once
        self,
        url: str | URL | None = None,
        schema: str | None = None,
        *,
        clock: Clock = utcnow,
        keys: Keys | None = None,
        entities: Any = None,
        hasher: Any = None,
        engine: Engine | None = None,
    ) -> None:
        if engine is None:
            if url is None:
                raise SettingsError(["database: is required"])
            engine = make_engine(url)
        # A statement that fails would show password hashes in its error, and every one at level INFO.
        engine.hide_parameters = True
        self.engine = engine
        self.schema = schema
        self.context = SessionContext(entities, keys, clock, hasher)
        self.dialect: str = self.engine.dialect.name
        if schema is not None and self.dialect != "postgresql":
            raise SettingsError(["schema: only PostgreSQL has schemas"])
        prepare_connections(self.engine, schema)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._commit = Prepared(self.engine.dialect, text("COMMIT"))
        self._begin = Prepared(self.engine.dialect, text("BEGIN IMMEDIATE")) if self.dialect == "sqlite" else None

    def session(self) -> Session:
        """A session for one request; the caller commits or rolls back, and closes it."""
        return Session(self.engine, info={CONTEXT_KEY: self.context})

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading, each statement by itself; what it loaded stays usable afterwards."""
        bind = self.engine if self.dialect == "sqlite" else self._reading
        with Session(bind, info={CONTEXT_KEY: self.context}, autoflush=False, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def unit(self, *, at_once: bool = True) -> Iterator[Session]:
        """
        One unit of work that writes: committed at the end, rolled back by an exception.

        On SQLite it is the only writer from the beginning, on PostgreSQL it relies on conditional
        statements and unique constraints; use :meth:`once` for work that may lose a race.

        Args:
            at_once: Whether it has a connection from the beginning; else from when it first needs one, which what
                is read and written by a single statement each does not. On SQLite it always has.

        Raises:
            LostRaceError: If what it claimed is not as it was read.
        """
        with (
            contextlib.ExitStack() as stack,
            _Unit(self, lambda: stack.enter_context(self._connected())) as session,
        ):
            state = session.state
            if self._begin is not None:
                self._begin.run(state.driver())
            elif at_once:
                state.driver()
            yield session
            if state.is_alone and not session.in_transaction():
                state.finish(self._single)
            if not state.is_alone or session.in_transaction():
                self._commit_unit(session)
        for tell in state.afterwards:
            tell()

    def _commit_unit(self, session: _Unit) -> None:
        driver = session.state.driver()
        # What listeners put off meanwhile belongs to the same commit.
        session.flush()
        session.state.catch_up()
        if session.in_transaction():
            session.commit()
        try:
            driver.commit()
        except self._commit.error as error:
            raise self._commit.told(driver, error) from error

    def once(self, work: Callable[[Session], T]) -> T:
        """
        Do *work* in a unit; when it lost a race, do it again on what the winner wrote.

        Args:
            work: Takes the session, may be called several times, and must have no effect elsewhere.

        Raises:
            sqlalchemy.exc.DBAPIError: If it is no race, or one that can't be won.
        """
        return _again(self.unit, work)

    def once_alone(self, work: Callable[[Session], T]) -> T:
        """
        As :meth:`once`, for *work* that mostly reads one thing and writes another, by a statement each.

        At first it is alone (see :func:`onegov_auth.statements.is_alone`); when it lost a race, it has a connection
        from the beginning, and may lock what it reads.

        Args:
            work: As for :meth:`once`.

        Raises:
            sqlalchemy.exc.DBAPIError: As for :meth:`once`.
            LostRaceError: If what *work* claimed was never as it was read.
        """
        tries = iter((False,))
        return _again(lambda: self.unit(at_once=next(tries, True)), work)

    def once_on_driver(self, work: Callable[[Any], T], *, single: bool = False) -> T:
        """
        As :meth:`once`, for work that needs prepared statements only: it is handed the driver's connection.

        Args:
            work: As for :meth:`once`.
            single: Whether that is one statement, which PostgreSQL commits in the same round trip.

        Raises:
            sqlalchemy.exc.DBAPIError: As for :meth:`once`.
        """
        return _again(self._single if single and self._begin is None else self._driver_unit, work)

    @contextlib.contextmanager
    def _driver_unit(self) -> Iterator[Any]:
        with self._raw() as driver:
            if self._begin is not None:
                self._begin.run(driver)
            yield driver
            try:
                driver.commit()
            except self._commit.error as error:
                raise self._commit.told(driver, error) from error

    @contextlib.contextmanager
    def _single(self) -> Iterator[Any]:
        pooled = self.engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            driver.autocommit = True
            yield driver
            driver.autocommit = False
        except LostRaceError:
            driver.autocommit = False
            raise
        except BaseException as error:
            # Whatever it is in the middle of: nobody else is to get it in this mode.
            pooled.invalidate()
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                self.engine.dispose()
            raise
        finally:
            pooled.close()

    @contextlib.contextmanager
    def _raw(self) -> Iterator[Any]:
        """The driver's connection from the pool; giving it back rolls back what was not committed."""
        pooled = self.engine.raw_connection()
        try:
            yield pooled.driver_connection
        except DBAPIError as error:
            if error.connection_invalidated:
                # The server was restarted: every idle connection is as dead as this one.
                pooled.invalidate()
                self.engine.dispose()
            raise
        finally:
            pooled.close()

    @contextlib.contextmanager
    def _connected(self, engine: Engine | None = None) -> Iterator[Connection]:
        """A connection; giving it back rolls back what was not committed."""
        with (engine or self.engine).connect() as connection:
            try:
                yield connection
            except DBAPIError as error:
                if error.connection_invalidated:
                    # The server was restarted: every idle connection is as dead as this one.
                    connection.invalidate()
                    self.engine.dispose()
                raise

    def prepare(self, statement: Select[Any]) -> Lookup:
        """
        Compile *statement* once, to be run on the driver itself: for the one statement of every request.

        Columns come as the driver returns them, without SQLAlchemy's types.
        """
        return Lookup(self.engine, statement)

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()


def _again(begin: Callable[[], contextlib.AbstractContextManager[U]], work: Callable[[U], T]) -> T:
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            with begin() as unit:
                return work(unit)
        except (DBAPIError, LostRaceError) as error:
            if tries_left == 0 or not _lost_a_race(error):
                raise
    raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


class _Unit(Session):
    """The session of a unit of work, some of whose statements run on the driver itself, now or later."""

    def __init__(self, database: Database, connecting: Callable[[], Connection]) -> None:
        self._connect = cache(connecting)
        self.state = UnitState(self._driver, puts_off=database.dialect != "sqlite")
        super().__init__(info={CONTEXT_KEY: database.context, UNIT_KEY: self.state}, expire_on_commit=False)

    def _driver(self) -> Any:
        return self._connect().connection.driver_connection

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:  # noqa: ARG002 - SQLAlchemy's signature
        """The connection; whoever asks for it finds done what was put off."""
        self.state.driver()
        self.state.catch_up()
        return self._connect()

    def rollback(self) -> None:
        """Take everything back."""
        self.state.waiting, self.state.afterwards = [], []
        super().rollback()
        if not self.state.is_alone:
            self.state.driver().rollback()


class Lookup:
    """A statement for reading that is compiled once and run on the driver, in autocommit: see :class:`Prepared`."""

    def __init__(self, engine: Engine, statement: Select[Any]) -> None:
        self.prepared = Prepared(engine.dialect, statement)
        self._engine = engine
        self._switch = engine.dialect.name != "sqlite"

    def __call__(self, **parameters: object) -> tuple[Any, ...] | None:
        """
        The first row, or ``None``.

        Raises:
            sqlalchemy.exc.DBAPIError: As SQLAlchemy would raise it. A connection that broke while idle is
                replaced first.
        """
        return self._again(self.prepared.one, parameters)

    def all(self, **parameters: object) -> list[tuple[Any, ...]]:
        """
        All rows.

        Raises:
            sqlalchemy.exc.DBAPIError: As for the first one.
        """
        return self._again(self.prepared.all, parameters)

    def _again(self, fetch: Callable[..., T], parameters: dict[str, object]) -> T:
        try:
            return self._run(fetch, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # The server was restarted: every idle connection is as dead as this one.
            self._engine.dispose()
            return self._run(fetch, parameters)

    def _run(self, fetch: Callable[..., T], parameters: dict[str, object]) -> T:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            if self._switch:
                driver.autocommit = True
            found = fetch(driver, **parameters)
            if self._switch:
                driver.autocommit = False
        except BaseException:
            # Whatever it is in the middle of: nobody else is to get it in this mode.
            pooled.invalidate()
            raise
        else:
            return found
        finally:
            pooled.close()


def _lost_a_race(error: DBAPIError | LostRaceError) -> bool:
    if isinstance(error, LostRaceError | IntegrityError) or error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) in SERIALIZATION_FAILURES
