"""Tests of the column types."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, Integer, create_engine, literal, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onegov_auth.models.types import JSONDict, JSONList, LowerText, Timestamp, UTCDateTime, json_dict, json_list


class Base(DeclarativeBase):
    """A base of this test's own."""


class WithDocuments:
    """Both kinds of document, in a mixin as the models have them."""

    document: Mapped[dict[str, Any] | None] = mapped_column(json_dict)
    items: Mapped[list[Any] | None] = mapped_column(json_list)


class Thing(WithDocuments, Base):
    """Something with a column of each type."""

    __tablename__ = "things"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stamp: Mapped[datetime | None] = mapped_column(Timestamp)
    name: Mapped[str | None] = mapped_column(LowerText)


class Other(WithDocuments, Base):
    """Something else with the same mixin."""

    __tablename__ = "others"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


@pytest.fixture(name="engine")
def _engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="db")
def _db(engine: Engine) -> Iterator[Session]:
    with Session(engine) as db:
        yield db


@pytest.fixture(name="memory")
def _memory() -> Iterator[Session]:
    """What does not depend on the database is tested without a server."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        yield db
    engine.dispose()


def stored(db: Session, **values: Any) -> Thing:
    """A thing that was written and is read again."""
    thing = Thing(**values)
    db.add(thing)
    db.commit()
    return thing


MOMENT = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize("column", ["at", "stamp"])
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))], ids=["utc", "india"])
def test_a_time_comes_back_in_utc_to_the_microsecond(db: Session, column: str, zone: timezone) -> None:
    """Whatever the zone, the same moment comes back, aware and in UTC."""
    back = getattr(stored(db, **{column: MOMENT.astimezone(zone)}), column)
    assert back == MOMENT
    assert back.tzinfo is UTC


@pytest.mark.parametrize("column", ["at", "stamp"])
def test_a_naive_time_is_refused(db: Session, column: str) -> None:
    """A time without its zone is an error, not a guess."""
    with pytest.raises(StatementError, match="needs its timezone"):
        stored(db, **{column: datetime(2026, 1, 1)})  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("column", ["at", "stamp"])
def test_times_are_compared_by_the_database(db: Session, column: str) -> None:
    """A condition on a time finds what it should."""
    stored(db, **{column: MOMENT})
    attribute = getattr(Thing, column)
    found = [db.scalar(select(Thing.id).where(attribute < MOMENT + timedelta(seconds=step))) for step in (-1, 1)]
    assert found == [None, 1]


def test_a_timestamp_is_a_number_in_the_table(db: Session) -> None:
    """The table has the seconds since 1970."""
    stored(db, stamp=MOMENT)
    assert db.scalar(text("SELECT stamp FROM things")) == MOMENT.timestamp()


def test_text_is_lower_cased_in_table_and_comparison(db: Session) -> None:
    """What is stored and what is compared with it are lower-cased."""
    stored(db, name="Ann@EXAMPLE.org")
    assert db.scalar(text("SELECT name FROM things")) == "ann@example.org"
    assert db.scalar(select(Thing.id).where(Thing.name == "ANN@example.ORG")) == 1
    assert db.scalar(select(Thing.id).where(Thing.name.in_(["ANN@example.ORG"]))) == 1
    assert db.scalar(select(literal("X", LowerText))) == "x"


def test_nothing_stays_nothing(db: Session) -> None:
    """``None`` is NULL in every column."""
    thing = stored(db)
    assert (thing.at, thing.stamp, thing.name, thing.document, thing.items) == (None,) * 5
    assert db.scalar(text("SELECT document IS NULL AND items IS NULL FROM things"))
    assert db.scalar(select(Thing.id).where(Thing.name.is_(None))) == 1


DICT_CHANGES: dict[str, Callable[[Any], object]] = {
    "set": lambda document: document.__setitem__("b", 2),
    "delete": lambda document: document.__delitem__("a"),
    "update": lambda document: document.update({"b": 2}, c=3),
    "or": lambda document: document.__ior__({"b": 2}),
    "setdefault": lambda document: document.setdefault("b", 2),
    "pop": lambda document: document.pop("a"),
    "popitem": lambda document: document.popitem(),
    "clear": lambda document: document.clear(),
}

LIST_CHANGES: dict[str, Callable[[Any], object]] = {
    "set": lambda items: items.__setitem__(0, {"x": 1}),
    "slice": lambda items: items.__setitem__(slice(0, 1), [[9], 8]),
    "delete": lambda items: items.__delitem__(0),
    "append": lambda items: items.append(4),
    "extend": lambda items: items.extend([4, 5]),
    "add": lambda items: items.__iadd__([4]),
    "times": lambda items: items.__imul__(2),
    "insert": lambda items: items.insert(0, 4),
    "pop": lambda items: items.pop(),
    "remove": lambda items: items.remove(1),
    "clear": lambda items: items.clear(),
    "sort": lambda items: items.sort(),
    "reverse": lambda items: items.reverse(),
}


@pytest.mark.parametrize("class_", [Thing, Other])
@pytest.mark.parametrize("change", DICT_CHANGES.values(), ids=list(DICT_CHANGES))
@pytest.mark.parametrize("path", [[], ["deep", 0]], ids=["top", "deep"])
def test_every_change_of_an_object_is_noticed(
    memory: Session, class_: type[Thing], change: Callable[[Any], object], path: list[Any]
) -> None:
    """A change in place is written, at the top and three levels down."""
    expected: Any = {"deep": [{"a": 1}]} if path else {"a": 1}
    row = class_(document=expected)
    memory.add(row)
    memory.commit()
    changed: Any = row.document
    target = expected
    for step in path:
        changed, target = changed[step], target[step]
    change(changed)
    change(target)
    assert row in memory.dirty
    memory.commit()
    assert row.document == expected


@pytest.mark.parametrize("change", LIST_CHANGES.values(), ids=list(LIST_CHANGES))
@pytest.mark.parametrize("is_deep", [False, True], ids=["top", "deep"])
def test_every_change_of_an_array_is_noticed(memory: Session, change: Callable[[Any], object], is_deep: bool) -> None:
    """A change in place is written, in the column itself and inside an object."""
    row = stored(memory, items=[3, 1, 2], document={"deep": {"items": [3, 1, 2]}})
    assert row.document is not None
    expected = [3, 1, 2]
    change(row.document["deep"]["items"] if is_deep else row.items)
    change(expected)
    memory.commit()
    assert (row.document["deep"]["items"] if is_deep else row.items) == expected


def test_what_is_put_in_is_tracked_as_well(db: Session) -> None:
    """A list that was appended to a list notices its own changes."""
    row = stored(db, items=[])
    assert row.items is not None
    row.items.append({"tags": ()})
    db.commit()
    row.items[0]["tags"].append("new")
    db.commit()
    assert row.items == [{"tags": ["new"]}]


def test_an_existing_key_keeps_its_value(db: Session) -> None:
    """``setdefault`` changes nothing that is there."""
    row = stored(db, document={"a": 1})
    assert row.document is not None
    assert row.document.setdefault("a", 2) == 1
    assert row not in db.dirty


def test_a_copy_is_independent(db: Session) -> None:
    """A pickled or copied document has the same values and belongs to nobody."""
    row = stored(db, document={"a": {"b": [1]}}, items=[[1]])
    for copied in (copy.deepcopy(row.document), pickle.loads(pickle.dumps(row.document))):
        assert copied == {"a": {"b": [1]}}
        assert isinstance(copied, JSONDict)
        copied["a"]["b"].append(2)
    assert copy.deepcopy(row.items) == [[1]]
    assert isinstance(copy.deepcopy(row.items), JSONList)
    assert row not in db.dirty


def test_tracked_documents_are_taken_as_they_are(db: Session) -> None:
    """A document may be handed from one object to another."""
    first = stored(db, document={"a": 1}, items=[1])
    second = stored(db, document=first.document, items=first.items)
    assert second.document == {"a": 1}
    assert second.items == [1]


def test_a_document_can_be_taken_away(db: Session) -> None:
    """Assigning nothing leaves NULL, not a JSON null."""
    row = stored(db, document={"a": 1}, items=[1])
    row.document = row.items = None
    db.commit()
    assert db.scalar(text("SELECT document IS NULL AND items IS NULL FROM things"))


@pytest.mark.parametrize(("column", "value"), [("document", [1]), ("items", {"a": 1}), ("items", "text")])
def test_the_wrong_kind_of_document_is_refused(column: str, value: Any) -> None:
    """An object is no array, and an array no object."""
    with pytest.raises(ValueError, match=f"{column} needs a"):
        Thing(**{column: value})


def test_postgresql_keeps_documents_as_jsonb(engine: Engine) -> None:
    """On PostgreSQL, documents can be searched and indexed."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            type_ = "SELECT pg_typeof(document)::text FROM things RIGHT JOIN (SELECT 1) AS one ON true"
            assert connection.scalar(text(type_)) == "jsonb"
