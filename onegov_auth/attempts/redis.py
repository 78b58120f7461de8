"""
Counters in Redis, for many processes: the same answers as from the table, by one script that runs alone.

Each scope of :mod:`onegov_auth.attempts.limits` is a list of the failures that count, the newest first, each with a
number that says what came before what: a clock that goes back hides nothing. Lists go by themselves when nothing in
them can lock anybody any more (RATE-07). Redis may forget: what must not be forgotten, failures in a row, is read
from the table as well.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from onegov_auth.attempts.limits import Scope, Tried, Verdict
from onegov_auth.errors import CountersUnavailableError, MissingDependencyError

if TYPE_CHECKING:
    from onegov_auth.settings import Secret

__all__ = ["RedisCounters"]

log = logging.getLogger("onegov_auth")

#: Seconds until a Redis that doesn't answer counts as gone: nobody waits longer for a login to be refused.
TIMEOUT = 3

#: Seconds that failures in a row are kept here after the last of them, and marks of what was unlocked.
KEPT = 30 * 24 * 3600

#: What stands for infinity in a script.
_NEVER = 1e15

#: KEYS: the counter of numbers; then of each scope its list and its mark.
#: ARGV: the time; whether it is locked already (0 no, 1 yes, and told; 2 yes, and not told); then of each scope
#: limit, within, lockout, whether it is told (1) and how long to keep the list, in seconds.
_RESERVE = """
local now, before = tonumber(ARGV[1]), ARGV[2]
local number = redis.call('INCR', KEYS[1])
local scopes = (#KEYS - 1) / 2
local told, void = 0, before == '2'
local silent = {}
for i = 1, scopes do
  local a = 2 + (i - 1) * 5
  local limit, within, lockout = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local mark = tonumber(redis.call('GET', KEYS[2 * i + 1]) or '0')
  local times = {}
  for _, entry in ipairs(redis.call('LRANGE', KEYS[2 * i], 0, limit - 1)) do
    local split = string.find(entry, ':', 1, true)
    if tonumber(string.sub(entry, 1, split - 1)) > mark then
      times[#times + 1] = tonumber(string.sub(entry, split + 1))
    end
  end
  if #times >= limit and times[1] - times[limit] <= within then
    local wait = times[1] + lockout - now
    if wait > 0 and ARGV[a + 4] == '1' then
      told = math.max(told, wait)
    elseif wait > 0 then
      void = true
    end
  end
end
if told > 0 or before == '1' then
  return {'', string.format('%.6f', told), '0'}
end
local entry = string.format('%d', number) .. ':' .. ARGV[1]
for i = 1, scopes do
  local a = 2 + (i - 1) * 5
  if ARGV[a + 4] == '1' or not void then
    redis.call('LPUSH', KEYS[2 * i], entry)
    redis.call('LTRIM', KEYS[2 * i], 0, 2 * tonumber(ARGV[a + 1]))
    redis.call('EXPIRE', KEYS[2 * i], ARGV[a + 5])
  end
end
return {entry, '0', void and '1' or '0'}
"""

#: KEYS: lists. ARGV: the number of the attempt that succeeded; what is as old goes, and what is newer stays.
_CLEAR = """
local number = tonumber(ARGV[1])
for _, key in ipairs(KEYS) do
  local oldest = redis.call('LINDEX', key, -1)
  while oldest and tonumber(string.sub(oldest, 1, string.find(oldest, ':', 1, true) - 1)) <= number do
    redis.call('RPOP', key)
    oldest = redis.call('LINDEX', key, -1)
  end
end
"""


class RedisCounters:
    """
    Counts failures in Redis.

    Args:
        client: A Redis client that answers in text.
        application: The application id; others in the same Redis count by themselves.
    """

    def __init__(self, client: Any, application: str) -> None:
        self._client = client
        # In braces: on a cluster, the keys of one application are at one node, which a script needs.
        self._prefix = f"onegov_auth:{{{application}}}:attempts:"
        self._script = client.register_script(_RESERVE)
        self._clearing = client.register_script(_CLEAR)

    @classmethod
    def from_url(cls, url: Secret, application: str) -> Self:
        """
        Connect when it is first needed.

        Raises:
            MissingDependencyError: If the library is not installed.
        """
        try:
            import redis  # noqa: PLC0415 - an extra: only who configures it needs it
        except ModuleNotFoundError as error:
            raise MissingDependencyError("redis", "onegov-auth[redis]") from error
        options: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
        client = redis.Redis.from_url(url.reveal(), decode_responses=True, health_check_interval=30, **options)
        return cls(client, application)

    def reserve(self, tried: Tried, limits: Sequence[Scope], now: float, floor: Verdict) -> tuple[Verdict, str | None]:
        """
        Judge an attempt, and count it unless it is refused; nobody else counts meanwhile.

        Args:
            tried: The attempt.
            limits: What it is held against.
            now: The time, in seconds since 1970.
            floor: What the table says of failures in a row.

        Returns:
            What the limits say; and what the attempt is called here, if it was counted.

        Raises:
            CountersUnavailableError: If Redis doesn't answer: an attempt that can't be counted is none (RATE-05).
        """
        keys, arguments = [f"{self._prefix}number"], [f"{now:.6f}", _before(floor)]
        for limit in limits:
            keys += [self._list(tried, limit.name), self._mark(tried, limit.name)]
            keep = KEPT if math.isinf(limit.within) else math.ceil(limit.within + limit.lockout)
            arguments += [str(limit.limit), _number(limit.within), _number(limit.lockout)]
            arguments += ["1" if limit.told else "0", str(keep)]
        with _answering():
            entry, wait, void = self._script(keys=keys, args=arguments)
        if floor.locked:
            return floor, None
        seconds = float(wait)
        if seconds > 0:
            return Verdict(math.inf if seconds > _NEVER / 2 else seconds), None
        return Verdict(0, void=void == "1"), entry

    def settle(self, tried: Tried, entry: str | None, *, success: bool) -> None:
        """
        Give the account its budget back, or take the attempt out of the count.

        Done twice it does no more than once. A Redis that doesn't answer is left alone: the account has fewer tries
        then, never more.
        """
        if entry is None:
            return
        try:
            with _answering():
                if success:
                    scopes = [name for name in _RESET if self._exists(tried, name)]
                    self._clearing(keys=[self._list(tried, name) for name in scopes], args=[entry.partition(":")[0]])
                with self._client.pipeline(transaction=True) as together:
                    # What succeeded, or could not be answered, is no failure anywhere.
                    for name in ("address",) if success else _WHO:
                        if self._exists(tried, name):
                            together.lrem(self._list(tried, name), 1, entry)
                    together.execute()
        except CountersUnavailableError as error:
            log.warning("An attempt could not be settled in Redis: %s", error)

    def unlock(self, kinds: Iterable[str], names: Iterable[str], person: str | None, address: str | None) -> None:
        """
        Forget the failures of an account, a person, an address.

        Raises:
            CountersUnavailableError: If Redis doesn't answer.
        """
        with _answering():
            number = self._client.incr(f"{self._prefix}number")
            with self._client.pipeline(transaction=True) as together:
                for kind in kinds:
                    for tried in _each(kind, names, person, address):
                        forgotten = [name for name in _RESET if name not in {"pair", "device"}]
                        for name in (*forgotten, "address"):
                            if self._exists(tried, name):
                                together.delete(self._list(tried, name))
                        for name in ("pair", "device"):
                            # Which addresses and browsers there are is not known here.
                            together.set(self._mark(tried, name), number, ex=KEPT)
                together.execute()

    def drop(self, kinds: Iterable[str]) -> None:
        """
        Forget everything that was counted of these kinds.

        Raises:
            CountersUnavailableError: If Redis doesn't answer.
        """
        with _answering():
            for kind in kinds:
                for key in self._client.scan_iter(f"{_escaped(self._prefix)}{kind}:*", count=1000):
                    self._client.delete(key)

    def _list(self, tried: Tried, scope: str) -> str:
        who = tuple(getattr(tried, part) or "" for part in _WHO[scope])
        return f"{self._prefix}{tried.kind}:{scope}:{_digest(*who)}"

    def _mark(self, tried: Tried, scope: str) -> str:
        who = (tried.person if scope.startswith("device") else tried.account) or ""
        # Only these two have one that is ever set.
        return f"{self._prefix}{tried.kind}:{'device' if scope == 'device' else 'pair'}-mark:{_digest(scope, who)}"

    def _exists(self, tried: Tried, scope: str) -> bool:
        return all(getattr(tried, part) for part in _WHO[scope])


#: What names the list of each scope.
_WHO = {
    "name": ("account",),
    "pair": ("account", "address"),
    "address": ("address",),
    "row": ("account",),
    "person": ("person",),
    "person_row": ("person",),
    "device": ("person", "device"),
    "device_row": ("person",),
}

#: The scopes whose budget a success gives back: all but the address (RATE-02).
_RESET = tuple(name for name in _WHO if name != "address")


def _each(kind: str, names: Iterable[str], person: str | None, address: str | None) -> Iterator[Tried]:
    for name in names:
        yield Tried(kind, name, "", person)
    if address is not None:
        yield Tried(kind, None, address)


@contextmanager
def _answering() -> Iterator[None]:
    """
    Whatever goes wrong with Redis in here is one error of ours.

    Raises:
        CountersUnavailableError: Without the address, which may have a password in it.
    """
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        yield
    except RedisError as error:
        raise CountersUnavailableError(f"Redis can't be asked: {type(error).__name__}") from error


def _before(floor: Verdict) -> str:
    if floor.locked:
        return "1"
    return "2" if floor.void else "0"


def _number(seconds: float) -> str:
    return f"{_NEVER:.0f}" if math.isinf(seconds) else f"{seconds:.6f}"


def _digest(*who: str) -> str:
    # Names are people's, and may be long.
    return hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _escaped(prefix: str) -> str:
    return "".join(f"\\{char}" if char in "*?[]\\" else char for char in prefix)
