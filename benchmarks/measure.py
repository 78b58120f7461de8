"""Measure two things against each other: in blocks, taking turns, by medians."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Line", "Measured", "interleaved"]


@dataclass(frozen=True, slots=True)
class Measured:
    """The median time of one call, in milliseconds."""

    name: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison; without a limit it is only told."""

    what: str
    limit: float | None
    ours: Measured
    theirs: Measured

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours.milliseconds / self.theirs.milliseconds

    @property
    def ok(self) -> bool:
        """Whether it is within its limit."""
        return self.limit is None or self.ratio <= self.limit

    def __str__(self) -> str:
        verdict = "" if self.limit is None else "ok" if self.ok else "OVER THE LIMIT"
        limit = "" if self.limit is None else f"{self.limit:.1f} x"
        times = f"{self.ours.milliseconds:9.3f} ms {self.theirs.milliseconds:9.3f} ms"
        return f"{self.what:<46}{times}   {self.ratio:5.2f} x   {limit:>5}   {verdict}".rstrip()


def _block(work: Callable[[int], object], start: int, calls: int) -> float:
    begun = time.perf_counter()
    for number in range(start, start + calls):
        work(number)
    return (time.perf_counter() - begun) / calls * 1000


def interleaved(
    candidates: Sequence[tuple[str, Callable[[int], object]]], *, blocks: int, calls: int, warm_up: int = 2
) -> list[Measured]:
    """
    Time all candidates in one run.

    A block of one is followed by a block of the next, and every second round goes backwards, so that a machine that
    gets slower or faster meanwhile does it to all of them alike.

    Args:
        candidates: Names and what to call; it takes the number of the call.
        blocks: How many blocks of each.
        calls: How many calls a block has.
        warm_up: How many blocks are run before that and not counted.
    """
    times: list[list[float]] = [[] for _ in candidates]
    gc.collect()
    gc.freeze()
    try:
        for block in range(-warm_up, blocks):
            order = range(len(candidates)) if block % 2 == 0 else reversed(range(len(candidates)))
            for index in order:
                spent = _block(candidates[index][1], (block + warm_up) * calls, calls)
                if block >= 0:
                    times[index].append(spent)
    finally:
        gc.unfreeze()
    return [Measured(name, statistics.median(spent)) for (name, _), spent in zip(candidates, times, strict=True)]
