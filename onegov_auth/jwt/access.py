"""
Access tokens: JSON Web Tokens in the profile of RFC 9068, good for some minutes and as long as their session is.

Signature and claims say whom to look for, and the session's row says whether they are still in: a session that is
ended takes its access tokens along with the very next request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from onegov_auth.clock import Clock, utcnow
from onegov_auth.jwt.keys import Registry

if TYPE_CHECKING:
    from onegov_auth.jwt.keys import Limits, SigningKeys

__all__ = ["AccessClaims", "AccessTokens"]

#: RFC 9068 §2.1; a token of another kind is none, though the same key signed it (ASVS 9.2.2, RFC 8725 §3.11).
TYPE = "at+jwt"

#: Longer ones are refused before they are decoded; ours have some hundred characters.
MAX_LENGTH = 8000


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """
    What a genuine access token says.

    Attributes:
        session_id: The session it belongs to.
        uid: The user's id, in hexadecimal.
        scope: What it is good for; ``None`` for all its user may do.
    """

    session_id: UUID
    uid: str
    scope: frozenset[str] | None


class AccessTokens:
    """
    Issues and reads access tokens.

    Args:
        keys: What they are signed with.
        limits: How long they are good.
        issuer: The address of the application (RFC 9068 §2.2 ``iss``).
        audience: Whom they are for: the application itself (``aud``).
        clock: The time.
        new_id: Names a token.
    """

    def __init__(
        self,
        keys: SigningKeys,
        limits: Limits,
        *,
        issuer: str,
        audience: str,
        clock: Clock = utcnow,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._keys = keys
        self._limits = limits
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._new_id = new_id

    @property
    def seconds(self) -> int:
        """How long one is good."""
        return int(self._limits.access.total_seconds())

    def issue(self, session_id: UUID, uid: str, scope: Iterable[str] | None = None) -> str:
        """
        An access token.

        Args:
            session_id: The session it belongs to.
            uid: The user's id, in hexadecimal.
            scope: What it is good for; ``None`` for all its user may do.
        """
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "client_id": self._audience,
            "sub": uid,
            "sid": session_id.hex,
            "iat": now,
            "exp": now + self.seconds,
            "jti": self._new_id().hex,
        }
        if scope is not None:
            claims["scope"] = " ".join(sorted(scope))
        name, key = self._keys.signing()
        header = {"alg": key.algorithm, "typ": TYPE, "kid": name}
        return jwt.encode(header, claims, key.key, registry=Registry(algorithms=[key.algorithm]))

    def read(self, token: str) -> AccessClaims | None:
        """
        What *token* says; ``None`` if it is forged, expired, of another kind, or another application's.

        Its head names the key, and has no other say: the algorithm is the key's own, keys come from our table alone.
        """
        claims = self._genuine(token)
        if claims is None or not self._is_ours(claims):
            return None
        scope = claims.get("scope")
        try:
            session_id = UUID(claims["sid"])
        except (KeyError, ValueError, TypeError, AttributeError):
            return None
        uid = claims.get("sub")
        if not isinstance(uid, str) or not (scope is None or isinstance(scope, str)):
            return None
        return AccessClaims(session_id, uid, None if scope is None else frozenset(scope.split()))

    def _genuine(self, token: str) -> dict[str, Any] | None:
        if len(token) > MAX_LENGTH or not token.isascii():
            return None
        try:
            head = _head(token)
            name, kind = head.get("kid"), head.get("typ")
            # RFC 9068 §4: the type may be written in full. What it must understand ("crit") it understands nothing of.
            if kind not in {TYPE, f"application/{TYPE}"} or not isinstance(name, str) or "crit" in head:
                return None
            key = self._keys.verifying(name)
            if key is None:
                return None
            decoded = jwt.decode(token, key.key, registry=Registry(algorithms=[key.algorithm]))
        except (JoseError, ValueError, TypeError):
            return None
        return decoded.claims

    def _is_ours(self, claims: dict[str, Any]) -> bool:
        now = self._clock().timestamp()
        expires, begins = _time(claims.get("exp")), _time(claims.get("nbf", 0))
        if expires is None or begins is None or not begins <= now < expires:
            return False
        return claims.get("iss") == self._issuer and claims.get("aud") == self._audience


def _head(token: str) -> dict[str, Any]:
    """The head, unchecked; it only says which of our keys to try."""
    head: dict[str, Any] = extract_compact(token.encode()).headers()
    return head


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
