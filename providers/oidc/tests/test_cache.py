from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth_oidc.cache import Cache
from onegov_auth_oidc.errors import OIDCUnreachableError

MINUTE = timedelta(minutes=1)


class Source:
    """Counts how often it was asked, and can be down."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    def __call__(self) -> int:
        """How often it was asked by now."""
        self.asked += 1
        if self.down:
            raise OIDCUnreachableError("down")
        return self.asked


@pytest.fixture(name="source")
def _source() -> Source:
    return Source()


def test_a_value_is_kept_while_it_is_fresh(source: Source, clock: FakeClock) -> None:
    """Within its time a value is not asked for again."""
    cache = Cache(source, clock, MINUTE)

    assert [cache.current(), cache.current()] == [1, 1]
    clock.advance(60)
    assert cache.current() == 2


def test_an_error_is_not_kept(source: Source, clock: FakeClock) -> None:
    """After an error the next one asks again."""
    cache = Cache(source, clock, MINUTE)
    source.down = True
    with pytest.raises(OIDCUnreachableError):
        cache.current()
    source.down = False

    assert cache.current() == 2


def test_an_old_value_is_no_value(source: Source, clock: FakeClock) -> None:
    """Unless it is said otherwise, a value that is not fresh is not used."""
    cache = Cache(source, clock, MINUTE)
    cache.current()
    clock.advance(60)
    source.down = True

    with pytest.raises(OIDCUnreachableError):
        cache.current()


def test_an_old_value_serves_for_its_time(source: Source, clock: FakeClock) -> None:
    """While nobody answers the old value serves, nobody is asked more than once a pause, and then it is over."""
    cache = Cache(source, clock, MINUTE, usable=10 * MINUTE)
    cache.current()
    source.down = True
    clock.advance(60)
    assert [cache.current(), cache.current(), source.asked] == [1, 1, 2]
    clock.advance(60)
    assert [cache.current(), source.asked] == [1, 3]

    clock.advance(600)
    with pytest.raises(OIDCUnreachableError):
        cache.current()


def test_a_new_value_ends_the_pause(source: Source, clock: FakeClock) -> None:
    """Once the source answers again, its value counts."""
    cache = Cache(source, clock, MINUTE, usable=10 * MINUTE)
    cache.current()
    source.down = True
    clock.advance(60)
    cache.current()
    source.down = False
    clock.advance(60)

    assert cache.current() == 3
    assert cache.latest() == 3


def together(count: int, work: Callable[[], object]) -> list[object]:
    barrier = threading.Barrier(count)

    def run(_: int) -> object:
        barrier.wait()
        try:
            return work()
        except OIDCUnreachableError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("down", [False, True])
def test_all_who_ask_at_once_share_one_answer(clock: FakeClock, down: bool) -> None:
    """Twenty threads ask once, and all get the value, or the error."""
    asked, go_on = [], threading.Event()

    def fetch() -> str:
        asked.append(1)
        go_on.wait(5)
        if down:
            raise OIDCUnreachableError("down")
        return "value"

    cache = Cache(fetch, clock, MINUTE)
    threading.Timer(0.3, go_on.set).start()
    outcomes = together(20, cache.current)

    assert len(asked) == 1
    assert {str(outcome) for outcome in outcomes} == ({"down"} if down else {"value"})


def test_the_latest_is_what_is_being_fetched(clock: FakeClock) -> None:
    """Whoever wants the latest waits for a fetch that is under way, and starts none."""
    begun, go_on = threading.Event(), threading.Event()

    def fetch() -> str:
        begun.set()
        go_on.wait(5)
        return "value"

    cache = Cache(fetch, clock, MINUTE)
    assert cache.latest() is None
    with ThreadPoolExecutor(2) as pool:
        fetching = pool.submit(cache.fetch)
        begun.wait(5)
        latest = pool.submit(cache.latest)
        go_on.set()

        assert [fetching.result(5), latest.result(5)] == ["value", "value"]


def test_an_unexpected_error_frees_the_next(clock: FakeClock) -> None:
    """Even an error nobody thought of does not leave the others waiting."""
    answers: list[object] = [ZeroDivisionError(), "value"]

    def fetch() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cache = Cache(fetch, clock, MINUTE)
    with pytest.raises(ZeroDivisionError):
        cache.current()

    assert cache.current() == "value"
