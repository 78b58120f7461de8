from __future__ import annotations

import threading
from dataclasses import dataclass

from onegov_auth.permissions.kept import Kept


@dataclass
class Thing:
    """Something derived."""

    stamp: int | None = 1
    until: float | None = None
    weight: int = 1


def test_entry_is_for_its_stamp() -> None:
    """What was derived is known under its own stamp and no other, newer or older."""
    kept, thing = Kept[Thing](lambda: 0.0), Thing(stamp=5)
    kept.put("ann", thing)

    assert kept.get("ann", 5) is thing
    assert [kept.get("ann", stamp) for stamp in (4, 6)] == [None, None]
    assert kept.get("bob", 5) is None


def test_entry_ends() -> None:
    """It is known until the moment it ends, and not at it."""
    now = [99.9]
    kept, thing = Kept[Thing](lambda: now[0]), Thing(until=100.0)
    kept.put("ann", thing)

    assert kept.get("ann", 1) is thing
    now[0] = 100.0
    assert kept.get("ann", 1) is None


def test_time_is_asked_only_for_what_ends() -> None:
    """Most people have no dated grant, and no check of theirs looks at a clock."""

    def clock() -> float:
        raise AssertionError

    kept, thing = Kept[Thing](clock), Thing()
    kept.put("ann", thing)

    assert kept.get("ann", 1) is thing


def test_the_oldest_make_room() -> None:
    """The weights together stay within the limit; what was put last is always there."""
    kept = Kept[Thing](lambda: 0.0, max_weight=10)
    for name in "abcde":
        kept.put(name, Thing(weight=4))
    assert [name for name in "abcde" if kept.get(name, 1)] == ["d", "e"]

    kept.put("d", Thing(weight=7))
    assert [name for name in "abcde" if kept.get(name, 1)] == ["d"]

    kept.put("giant", Thing(weight=1000))
    assert [name for name in ("d", "giant") if kept.get(name, 1)] == ["giant"]


def test_threads_lose_no_count() -> None:
    """However many threads put and replace things at once, the weights still tell what is there."""
    kept, errors = Kept[Thing](lambda: 0.0, max_weight=50), []

    def work(number: int) -> None:
        try:
            for turn in range(300):
                kept.put(f"{(number * 7 + turn) % 40}", Thing(stamp=turn, weight=1 + turn % 5))
                kept.get(f"{turn % 40}", turn)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to show it
            errors.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = kept._entries.values()
    assert not errors
    assert kept._weight == sum(entry.weight for entry in entries) <= 50
