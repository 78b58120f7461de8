from __future__ import annotations

import threading
import time

from onegov_auth.providers import Resources


def test_a_thing_is_made_once() -> None:
    """Twenty threads that ask at once share one thing."""
    resources = Resources()
    made: list[object] = []
    got: list[object] = []
    barrier = threading.Barrier(20)

    def make() -> object:
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    def work() -> None:
        barrier.wait()
        got.append(resources.get(("staff", "pool"), make))

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert set(got) == set(made)


def test_a_thing_can_be_replaced() -> None:
    """What is put takes the place of what was there."""
    resources = Resources()
    resources.put("key", 1)
    resources.put("key", 2)

    assert resources.get("key", lambda: 3) == 2


def test_everything_can_be_lost() -> None:
    """Clearing closes what can be closed, and things are made anew."""

    class Closable:
        closed = False

        def close(self) -> None:
            self.closed = True

    resources = Resources()
    thing = resources.get("pool", Closable)
    resources.put("other", "text")
    resources.clear()

    assert thing.closed
    assert resources.get("pool", Closable) is not thing
