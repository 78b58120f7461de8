"""
The keys that access tokens are signed with: made when the first one is needed, and made anew by age or by command.

The private part is encrypted with the secrets of the settings, the public one is published. A retired key is published
as long as a token that it signed may be good.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry
from sqlalchemy import delete, or_, select, update

from onegov_auth.clock import Clock, utcnow
from onegov_auth.errors import DecryptionError
from onegov_auth.models import DEFAULT

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.database import Database
    from onegov_auth.keys import Keys
    from onegov_auth.models import Entities, SigningKey

__all__ = ["Limits", "Registry", "SigningKeys", "VerifyingKey"]

#: A key is replaced when it is this old; NIST SP 800-57 part 1 §5.3.6 allows a private signature key 1 to 3 years.
ROTATE = timedelta(days=90)

#: How long a process trusts what it knows of the keys, in seconds: a key that another process made is used after that.
FRESH = 60.0

#: So often a second a process looks for a key by a name that it doesn't know: once is enough for a key that another one
#: has just made, and forged names, however many, cost no statement each.
LOOK_UPS = 10

#: A process that doesn't know yet of another key goes on signing for so long, and clocks are apart.
MARGIN = timedelta(seconds=2 * FRESH)

#: Public members of a key (RFC 7518 §6.2.1, RFC 8037 §2); nothing else is ever published.
_PUBLIC = ("kty", "crv", "x", "y")


class Limits(Protocol):
    """The part of the settings this package needs (``tokens.jwt``)."""

    @property
    def algorithm(self) -> str:
        """``EdDSA`` or ``ES256``."""

    @property
    def access(self) -> timedelta:
        """How long an access token is good."""

    @property
    def refresh(self) -> timedelta:
        """How long a new one can be had without logging in."""


class Registry(JWSRegistry):
    """
    The one algorithm that is allowed (RFC 8725 §3.1).

    RFC 9864 gives EdDSA with this curve the name Ed25519, which few libraries know: the library warns of the old one.
    """

    def get_alg(self, name: str) -> Any:
        """
        The algorithm of that name.

        Raises:
            UnsupportedAlgorithmError: If it isn't the allowed one.
        """
        return (
            self.algorithms["EdDSA"] if name == "EdDSA" and "EdDSA" in (self.allowed or ()) else super().get_alg(name)
        )


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """
    What a signature is verified with.

    Attributes:
        algorithm: The only one this key is good for (RFC 8725 §3.1, §3.2).
        key: The public key.
    """

    algorithm: str
    key: OKPKey | ECKey


@dataclass(frozen=True, slots=True)
class _Signing:
    id: str
    algorithm: str
    created: datetime
    key: OKPKey | ECKey = field(repr=False)


class SigningKeys:
    """
    Makes, keeps and publishes the keys of one application.

    Args:
        database: Where they are kept.
        limits: The algorithm, and how long tokens are good.
        keys: Encrypt the private parts.
        clock: The time.
        entities: The mapped classes.
        token: Makes a text of the given number of random bytes.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        keys: Keys,
        *,
        clock: Clock = utcnow,
        entities: Entities = DEFAULT,
        token: Callable[[int], str] = secrets.token_urlsafe,
    ) -> None:
        self._database = database
        self._limits = limits
        self._keys = keys
        self._clock = clock
        self._token = token
        self._rows: Any = entities.signing_key
        self._known: dict[str, VerifyingKey] = {}
        self._signing: _Signing | None = None
        self._loaded: datetime | None = None
        self._looked = (0, 0)

    def signing(self) -> tuple[str, VerifyingKey]:
        """The name of the key that signs now, and the key; one is made if there is none, or it is too old."""
        now = self._clock()
        if self._signing is None or not self._is_fresh(now):
            self._load()
        signing = self._signing
        if signing is None or signing.algorithm != self._limits.algorithm or now >= signing.created + ROTATE:
            self.rotate()
            signing = self._signing
        if signing is None:
            raise AssertionError("unreachable")  # pragma: no cover - one was made
        return signing.id, VerifyingKey(signing.algorithm, signing.key)

    def verifying(self, name: str) -> VerifyingKey | None:
        """
        The key of that name, from our own table and nowhere else (ASVS 9.1.3); ``None`` if there is none.

        One that was retired, whoever has it now, is none any more a minute after its last token was over.
        """
        known, now = self._known.get(name), self._clock()
        if not self._is_fresh(now) or (known is None and self._may_look(now)):
            # Another process may have made it, or retired it.
            self._load()
            known = self._known.get(name)
        return known

    def published(self) -> list[dict[str, str]]:
        """The public keys of all tokens that may be good, as members of a JSON Web Key Set (RFC 7517 §5)."""
        with self._database.read() as db:
            rows = self._good(db)
        return [
            {**{name: row.public[name] for name in _PUBLIC if name in row.public}, **_described(row)} for row in rows
        ]

    def rotate(self) -> str:
        """Make a key that signs from now on, and retire the others; returns its name."""
        made = self._database.once(self.make)
        self._load()
        return made

    def make(self, db: Session) -> str:
        """As :meth:`rotate`, in the unit of work *db*; other processes sign with the new key within a minute."""
        now, name, algorithm = self._clock(), self._token(16), self._limits.algorithm
        key = _generate(algorithm)
        private = json.dumps(key.as_dict(private=True))
        db.execute(update(self._rows).where(*self._own(), self._rows.retired.is_(None)).values(retired=now))
        db.add(
            self._rows(
                id=name,
                application=self._keys.application,
                algorithm=algorithm,
                public=key.as_dict(private=False),
                private=self._keys.encrypt("signing-key", private, name),
                created=now,
            )
        )
        db.flush()
        return name

    def cleanup(self, db: Session) -> int:
        """Delete the keys none of whose tokens can be good any more; returns how many."""
        gone = delete(self._rows).where(*self._own(), self._rows.retired <= self._oldest())
        return int(getattr(db.execute(gone.execution_options(synchronize_session=False)), "rowcount", 0))

    def _is_fresh(self, now: datetime) -> bool:
        return self._loaded is not None and now < self._loaded + timedelta(seconds=FRESH)

    def _may_look(self, now: datetime) -> bool:
        second = int(now.timestamp())
        looked = self._looked[1] + 1 if self._looked[0] == second else 1
        self._looked = (second, looked)
        return looked <= LOOK_UPS

    def _own(self) -> tuple[Any, ...]:
        return (self._rows.application == self._keys.application,)

    def _oldest(self) -> datetime:
        return self._clock() - self._limits.access - MARGIN

    def _good(self, db: Session) -> Sequence[SigningKey]:
        rows = self._rows
        good = select(rows).where(*self._own(), or_(rows.retired.is_(None), rows.retired > self._oldest()))
        found: Sequence[SigningKey] = db.scalars(good.order_by(rows.created.desc(), rows.id)).all()
        return found

    def _load(self) -> None:
        with self._database.read() as db:
            rows = self._good(db)
        self._known = {row.id: VerifyingKey(row.algorithm, _imported(row.public)) for row in rows}
        self._signing = next((key for row in rows if row.retired is None and (key := self._opened(row))), None)
        self._loaded = self._clock()

    def _opened(self, row: SigningKey) -> _Signing | None:
        try:
            private = json.loads(self._keys.decrypt("signing-key", row.private, row.id))
        except DecryptionError:
            # Its secret was taken out of the settings: another key signs, and this one still verifies.
            return None
        return _Signing(row.id, row.algorithm, row.created, _imported(private))


def _generate(algorithm: str) -> OKPKey | ECKey:
    return OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else ECKey.generate_key("P-256")


def _imported(members: Mapping[str, Any]) -> OKPKey | ECKey:
    return OKPKey.import_key(dict(members)) if members["kty"] == "OKP" else ECKey.import_key(dict(members))


def _described(row: SigningKey) -> dict[str, str]:
    return {"kid": row.id, "alg": row.algorithm, "use": "sig"}
