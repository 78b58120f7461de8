from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from onegov_auth.database import Database
from onegov_auth.domain import Client, Transaction
from onegov_auth.keys import Keys
from onegov_auth.models import LoginTransaction
from onegov_auth.outcomes import Refused
from onegov_auth.settings import Secret
from onegov_auth.testing.clock import FakeClock
from onegov_auth.transactions import MAX_PER_BROWSER, Transactions


@pytest.fixture(name="transactions")
def _transactions(clock: FakeClock, database: Database) -> Transactions:
    return Transactions(Keys([Secret("x" * 40)], "main/app"), database.engine.dialect, clock=clock)


@pytest.fixture(name="begin")
def _begin(transactions: Transactions, database: Database, client: Client) -> Callable[..., Transaction]:
    def begin(kind: str = "redirect", provider: str | None = "company", browser: Client = client) -> Transaction:
        transaction = transactions.begin(kind, provider=provider, to="/after")
        with database.unit() as db:
            return transactions.store(db, transaction, browser, {"nonce": "n-1"})

    return begin


@pytest.fixture(name="take")
def _take(transactions: Transactions, database: Database, client: Client) -> Callable[..., Transaction | Refused]:
    def take(
        id_: str | None, browser: Client = client, kind: str = "redirect", provider: str | None = "company"
    ) -> Transaction | Refused:
        with database.unit() as db:
            return transactions.take(db, id_, browser, kind, provider=provider)

    return take


Begin = Callable[..., Transaction]
Take = Callable[..., Transaction | Refused]


def test_what_was_stored_comes_back(begin: Begin, take: Take) -> None:
    """The browser that began it gets the transaction with what it remembers."""
    taken = take(begin().id)

    assert isinstance(taken, Transaction)
    assert (taken.kind, taken.provider, taken.to, taken.data) == ("redirect", "company", "/after", {"nonce": "n-1"})


@pytest.mark.sec("OAUTH-14", "OIDCX-32")
def test_it_works_once(begin: Begin, take: Take) -> None:
    """A second callback finds nothing."""
    id_ = begin().id
    take(id_)

    assert take(id_) == Refused("unknown_transaction")


@pytest.mark.sec("OAUTH-04")
def test_what_was_sealed_with_a_secret_that_is_gone_is_nobodys(
    begin: Begin, database: Database, client: Client, clock: FakeClock
) -> None:
    """Who was on the way when the secret was taken out of the settings begins again."""
    id_ = begin().id
    other = Transactions(Keys([Secret("y" * 40)], "main/app"), database.engine.dialect, clock=clock)
    with database.unit() as db:
        assert other.peek(db, id_, client, "redirect", provider="company") is None
        assert other.take(db, id_, client, "redirect", provider="company") == Refused("unknown_transaction")


@pytest.mark.sec("OAUTH-04")
def test_a_row_tells_nothing_of_another_one(begin: Begin, take: Take, database: Database) -> None:
    """What one transaction remembers, copied into another row, is none of that one's."""
    one, two = begin().id, begin().id
    with database.unit() as db:
        rows = db.scalars(select(LoginTransaction)).all()
        rows[0].data, rows[1].data = rows[1].data, rows[0].data

    assert [take(one), take(two)] == [Refused("unknown_transaction")] * 2


@pytest.mark.sec("OAUTH-04", "ASVS-10.1.2", "AUTHLIB-11")
def test_another_browser_neither_gets_nor_spoils_it(begin: Begin, take: Take, client: Client) -> None:
    """The id alone is worth nothing, and trying it elsewhere leaves it to its owner."""
    id_ = begin().id

    assert take(id_, replace(client, browser="another")) == Refused("unknown_transaction")
    assert take(id_, replace(client, browser=None)) == Refused("unknown_transaction")
    assert isinstance(take(id_), Transaction)


@pytest.mark.sec("OAUTH-12")
def test_it_belongs_to_its_provider_and_kind(begin: Begin, take: Take) -> None:
    """Another provider's callback and another kind of flow can't use it."""
    id_ = begin().id

    assert take(id_, provider="other") == Refused("unknown_transaction")
    assert take(id_, provider=None) == Refused("unknown_transaction")
    assert take(id_, kind="link") == Refused("unknown_transaction")
    assert isinstance(take(id_), Transaction)


@pytest.mark.parametrize("id_", [None, ""])
def test_no_state_is_its_own_refusal(take: Take, id_: str | None) -> None:
    """A callback without a state is told apart in the log."""
    assert take(id_) == Refused("missing_state")


@pytest.mark.parametrize("id_", ["x", "x" * 1_000_000, "\udc80", "\x00", "' OR 1=1 --"])
def test_nonsense_is_unknown(take: Take, id_: str) -> None:
    """Whatever somebody sends as a state is simply unknown."""
    assert take(id_) == Refused("unknown_transaction")


def test_it_expires(begin: Begin, take: Take, clock: FakeClock) -> None:
    """After ten minutes it is void, and a second earlier it is not."""
    early, late = begin().id, begin().id
    clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert isinstance(take(early), Transaction)
    clock.advance(1)

    assert take(late) == Refused("expired_transaction")
    assert take(late) == Refused("unknown_transaction")


@pytest.mark.sec("COOKIE-04")
def test_a_browser_has_ten_at_most(begin: Begin, take: Take, clock: FakeClock) -> None:
    """Parallel tabs work; the eleventh transaction makes room by dropping the oldest."""
    ids = []
    for _ in range(MAX_PER_BROWSER + 1):
        ids.append(begin().id)
        clock.advance(1)

    assert take(ids[0]) == Refused("unknown_transaction")
    assert all(isinstance(take(id_), Transaction) for id_ in ids[1:])


@pytest.mark.sec("SESS-08")
def test_the_table_gives_nothing_away(begin: Begin, database: Database) -> None:
    """Neither the id nor what is remembered can be read from a stolen table."""
    transaction = begin()

    with database.read() as db:
        row = db.scalars(select(LoginTransaction)).one()
    assert transaction.id not in (row.id_hash, str(row.data))
    assert "n-1" not in str(row.data)


def test_a_transaction_needs_a_browser(transactions: Transactions, database: Database, client: Client) -> None:
    """Without a browser to bind it to, nothing is stored."""
    with pytest.raises(ValueError, match="browser"), database.unit() as db:
        transactions.store(db, transactions.begin("redirect"), replace(client, browser=None), {})


def test_cleanup_deletes_the_expired(
    begin: Begin, transactions: Transactions, database: Database, clock: FakeClock
) -> None:
    """What nobody came back for goes; what is pending stays."""
    begin()
    clock.advance(timedelta(minutes=11))
    begin()

    with database.unit() as db:
        assert transactions.cleanup(db) == 1
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginTransaction)) == 1


@pytest.mark.sec("OIDCX-33", "RACE-08")
def test_what_happened_once_is_remembered_as_long_as_it_could_happen(
    transactions: Transactions, database: Database, clock: FakeClock
) -> None:
    """A logout token that is good for a while is not used twice because somebody cleaned up in between."""

    def again(minutes: int) -> bool:
        clock.advance(timedelta(minutes=minutes))
        with database.unit() as db:
            transactions.cleanup(db)
            return transactions.once(db, "company", "jti", timedelta(minutes=10))

    assert [again(0), again(9), again(1)] == [True, False, True]


@pytest.mark.sec("RACE-08")
def test_one_of_many_gets_it(begin: Begin, take: Take) -> None:
    """Of twenty threads with the same id at once, exactly one gets the transaction."""
    for _ in range(5):
        id_ = begin().id
        barrier = threading.Barrier(20)
        results: list[Transaction | Refused] = []

        def work(id_: str, barrier: threading.Barrier, results: list[Transaction | Refused]) -> None:
            barrier.wait()
            results.append(take(id_))

        threads = [threading.Thread(target=work, args=(id_, barrier, results)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(results) == 20
        assert sum(isinstance(result, Transaction) for result in results) == 1


@pytest.mark.sec("COOKIE-04")
def test_ten_at_most_even_if_begun_at_once(begin: Begin, database: Database) -> None:
    """Twenty tabs that begin at the same moment leave ten transactions."""
    barrier = threading.Barrier(20)

    def work() -> None:
        barrier.wait()
        begin()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(LoginTransaction)) == MAX_PER_BROWSER


def test_one_can_look_without_taking(
    begin: Begin, take: Take, transactions: Transactions, database: Database, client: Client, clock: FakeClock
) -> None:
    """Peeking shows what taking would give, to the same browser and as long as it is good."""
    begun = begin("link", None)
    with database.read() as db:
        peeked = transactions.peek(db, begun.id, client, "link")
        assert peeked is not None
        assert peeked.data == {"nonce": "n-1"}
        assert transactions.peek(db, begun.id, replace(client, browser="another"), "link") is None
        assert transactions.peek(db, begun.id, replace(client, browser=None), "link") is None
        assert transactions.peek(db, None, client, "link") is None
        assert transactions.peek(db, begun.id, client, "redirect") is None
    assert isinstance(take(begun.id, kind="link", provider=None), Transaction)
    late = begin("link", None)
    clock.advance(timedelta(minutes=10))
    with database.read() as db:
        assert transactions.peek(db, late.id, client, "link") is None


def test_what_is_pending_can_be_dropped(
    begin: Begin, take: Take, transactions: Transactions, database: Database, client: Client
) -> None:
    """Of one browser and kind only; without a browser nothing happens."""
    link, redirect = begin("link", None), begin()
    foreign = begin("link", None, replace(client, browser="another"))
    with database.unit() as db:
        transactions.drop(db, replace(client, browser=None), "link")
        transactions.drop(db, client, "link")

    assert isinstance(take(link.id, kind="link", provider=None), Refused)
    assert isinstance(take(redirect.id), Transaction)
    assert isinstance(take(foreign.id, replace(client, browser="another"), "link", None), Transaction)


@pytest.mark.sec("RACE-08")
def test_a_key_is_used_once_by_many(transactions: Transactions, database: Database) -> None:
    """Of thirty threads with one key exactly one is told that it is the first."""
    barrier, results = threading.Barrier(30), []

    def work() -> None:
        barrier.wait()
        results.append(database.once(lambda db: transactions.once(db, "company", "jti-1", timedelta(minutes=1))))

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 29 + [True]


def test_a_used_key_is_no_transaction(transactions: Transactions, database: Database, take: Take) -> None:
    """What was remembered as used can't be taken by anybody."""
    with database.unit() as db:
        assert transactions.once(db, "company", "jti-1", timedelta(minutes=1))
    for browser in (Client(browser="0" * 64), Client(browser="x")):
        assert take("jti-1", browser, kind="once") == Refused("unknown_transaction")
