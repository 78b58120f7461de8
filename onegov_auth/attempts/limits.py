"""
Which limits there are, and what they say of the failures that count.

Wherever failures are kept, a limit is judged by the same rule: so many of the newest within a time lock from the
last of them on. An attempt is held against several limits at once, each with a *scope* of its own:

============== ==================================================================================================
``name``       an account, from browsers nobody knows
``pair``       an account from one address; a success elsewhere doesn't give it back
``address``    an address, whatever the account
``row``        an account: failures in a row, for good (NIST 800-63B-4 §3.2.2)
``person``     all names of one person together
``person_row`` the same, in a row
``device``     an account from a browser its owner logged in with before; nobody else's failures count
``device_row`` an account from all such browsers, in a row
============== ==================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

__all__ = [
    "KINDS",
    "ROWS",
    "UNSEEN",
    "Attempt",
    "Budget",
    "Budgets",
    "Limit",
    "Scope",
    "Tried",
    "Verdict",
    "bounds",
    "judge",
    "limits_of",
    "row_limits",
]

#: What can be tried.
KINDS = ("login", "factor", "recovery", "signup", "token")

#: What is guessed at, and disabled after so many failures in a row.
GUESSED = frozenset({"login", "factor"})

#: The scopes of failures in a row.
ROWS = ("row", "person_row", "device_row")

#: Outcomes of what was never looked at: nothing was guessed, and it disables nothing.
UNSEEN = ("csrf", "form")

FOREVER = math.inf


class Limit(Protocol):
    """So many failures within a time lead to a lockout of that length."""

    @property
    def limit(self) -> int:
        """How many failures are allowed."""

    @property
    def within(self) -> timedelta:
        """The time they are counted in."""

    @property
    def lockout(self) -> timedelta:
        """How long nothing is answered after the last of them."""


class Budget(Limit, Protocol):
    """The limits of one kind."""

    @property
    def same_address(self) -> int | None:
        """How many failures of one account one address may have; ``None`` for as many as the account."""

    @property
    def per_address(self) -> int | None:
        """How many one address may have; ``None`` for as many as all kinds allow."""


class Budgets(Protocol):
    """The part of the settings this package needs (``attempts:``); it has a :class:`Budget` per kind as well."""

    @property
    def per_address(self) -> Limit | None:
        """The budget of a network address, whatever the account; ``None`` for no limit."""

    @property
    def in_a_row(self) -> int:
        """How many failures in a row disable an account."""


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What is tried, by whom, from where.

    Attributes:
        kind: One of :data:`KINDS`.
        account: The key of the name as typed; ``None`` if none was.
        address: The network it came from; empty if that is unknown.
        person: Whose name it is, as far as that is known: the user's key in hexadecimal.
        device: The browser, if that person logged in with it before.
    """

    kind: str
    account: str | None
    address: str
    person: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    A reserved attempt, to be settled: see :meth:`Attempts.settle`.

    Attributes:
        id: Its row.
        void: Whether it must not succeed, whatever is found out: another name of the same person has used the
            budget up. Saying so would tell that the two are one person's, and with it that there is such a person.
        tried: What it is counted by.
        entry: What it is called where counters are kept beside the table.
    """

    id: Any
    void: bool = False
    tried: Tried | None = None
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """
    A limit that an attempt is held against; times in seconds.

    Attributes:
        name: As in the table above.
        limit: So many …
        within: … in this time …
        lockout: … lock for so long.
        told: Whether who is locked out is told so.
    """

    name: str
    limit: int
    within: float
    lockout: float
    told: bool = True

    def wait(self, failures: Sequence[float], now: float) -> float:
        """
        For how many seconds nothing is answered.

        Args:
            failures: When those were that count, the newest first, in seconds since 1970.
            now: The time.
        """
        if len(failures) < self.limit or failures[0] - failures[self.limit - 1] > self.within:
            return 0
        return max(failures[0] + self.lockout - now, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What the limits say.

    Attributes:
        wait: How many seconds to wait; 0 = none, infinity = until somebody unlocks the account.
        void: As of :class:`Attempt`.
    """

    wait: float = 0
    void: bool = False

    @property
    def locked(self) -> bool:
        """Whether nothing is looked at."""
        return self.wait > 0


def row_limits(budgets: Budgets) -> tuple[int, int]:
    """How many failures in a row count: of browsers that nobody knows, and of each one that is known."""
    known = budgets.in_a_row // 4
    return budgets.in_a_row - known, known


def limits_of(budgets: Budgets, tried: Tried, *, covert: bool, unseen: bool = False) -> list[Scope]:
    """
    The limits that an attempt is held against.

    Args:
        budgets: The settings.
        tried: The attempt.
        covert: Whether a lock that is due to another name of the same person is kept from whoever tries.
        unseen: Whether the attempt is one of those that are never looked at.
    """
    own: Budget = getattr(budgets, tried.kind)
    times = own.within.total_seconds(), own.lockout.total_seconds()
    unknown, known = row_limits(budgets)
    rows = tried.kind in GUESSED and not unseen
    if tried.device is not None:
        found = [Scope("device", own.limit, *times)]
        return [*found, Scope("device_row", known, FOREVER, FOREVER)] if rows else found
    found = []
    if tried.account is not None:
        found.append(Scope("name", own.limit, *times))
        if tried.address:
            found.append(Scope("pair", own.same_address or own.limit, *times))
    here = budgets.per_address
    if here is not None and tried.address:
        limit = own.per_address or here.limit
        found.append(Scope("address", limit, here.within.total_seconds(), here.lockout.total_seconds()))
    if tried.account is not None and rows:
        found.append(Scope("row", unknown, FOREVER, FOREVER))
    if tried.person is not None:
        found.append(Scope("person", own.limit, *times, told=not covert))
        if rows:
            found.append(Scope("person_row", unknown, FOREVER, FOREVER, told=not covert))
    return found


def judge(limits: Sequence[Scope], failures: Mapping[str, Sequence[float]], now: float) -> Verdict:
    """What *limits* say of the *failures* of each scope."""
    waits = [(scope.told, scope.wait(failures.get(scope.name, ()), now)) for scope in limits]
    told = max((wait for is_told, wait in waits if is_told), default=0.0)
    return Verdict(told, void=any(wait > 0 for is_told, wait in waits if not is_told))


def bounds(budgets: Budgets, kind: str, now: float) -> dict[str, object]:
    """
    How many failures of each scope have to be looked at, and since when: ``…_most`` and ``…_since``.

    Every scope has both but those of failures in a row, which have no beginning.
    """
    own: Budget = getattr(budgets, kind)
    here, (unknown, known) = budgets.per_address, row_limits(budgets) if kind in GUESSED else (0, 0)
    most = {
        "name": own.limit,
        "pair": own.same_address or own.limit,
        "address": 0 if here is None else own.per_address or here.limit,
        "row": unknown if known else 0,
        "person": own.limit,
        "person_row": unknown if known else 0,
        "device": own.limit,
        "device_row": known,
    }
    since = now - (own.within + own.lockout).total_seconds()
    found: dict[str, object] = {f"{name}_most": number for name, number in most.items()}
    found |= {f"{name}_since": since for name in most if name not in ROWS}
    if here is not None:
        found["address_since"] = now - (here.within + here.lockout).total_seconds()
    return found
