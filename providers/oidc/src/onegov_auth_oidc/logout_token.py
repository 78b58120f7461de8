"""
The logout token, by which a provider ends sessions here (OpenID Connect Back-Channel Logout 1.0 §2.4).

As for the ID token, the rules are a table; a token passes all of them, or is refused by the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from onegov_auth.providers import Refused, Step
from onegov_auth_oidc.jws import JWT, Opened, is_id, is_subject, is_time, open_signed
from onegov_auth_oidc.keys import ALGORITHMS, KeyStore

__all__ = ["EVENT", "MAX_AGE", "LogoutToken", "Wanted", "read_logout_token"]

#: The member of ``events`` that makes it a logout token.
EVENT = "http://schemas.openid.net/event/backchannel-logout"

#: OIDCX-33, ASVS 10.5.5: it tells of something that happened just now.
MAX_AGE = timedelta(minutes=10)

#: The types it says of itself (§2.4); a draft before 2022 knew none.
TYPED = frozenset({"logout+jwt", "application/logout+jwt"})


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """
    What a logout token that passed all rules says.

    Attributes:
        jti: Its own id; it works once.
        sid: The provider's session that is over.
        sub: The person whose session is over; without ``sid`` all of theirs are.
    """

    jti: str
    sid: str | None
    sub: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What a token has to say.

    Attributes:
        issuer: The configured issuer.
        client_id: Whom it has to be for.
        alg: The pinned algorithm, as for ID tokens (§2.6, 2).
        now: The time.
        leeway: By how much clocks may differ.
        drafts: Whether it may lack what a draft before 2022 did not ask for: ``typ`` and ``exp``.
    """

    issuer: str
    client_id: str
    alg: str
    now: datetime
    leeway: timedelta
    drafts: bool = False


def _at(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and is_time(value) else None


def _iss(claims: Mapping[str, object], wanted: Wanted) -> bool:
    return claims.get("iss") == wanted.issuer


def _aud(claims: Mapping[str, object], wanted: Wanted) -> bool:
    """For us, and for nobody else, as an ID token (§2.6, 3)."""
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    return bool(several) and all(one == wanted.client_id for one in several)


def _iat(claims: Mapping[str, object], wanted: Wanted) -> bool:
    issued = _at(claims.get("iat"))
    latest, earliest = wanted.now + wanted.leeway, wanted.now - MAX_AGE - wanted.leeway
    return issued is not None and earliest.timestamp() < issued <= latest.timestamp()


def _exp(claims: Mapping[str, object], wanted: Wanted) -> bool:
    if "exp" not in claims:
        return wanted.drafts
    expires = _at(claims["exp"])
    return expires is not None and expires > (wanted.now - wanted.leeway).timestamp()


def _events(claims: Mapping[str, object], _: Wanted) -> bool:
    events = claims.get("events")
    return isinstance(events, Mapping) and isinstance(events.get(EVENT), Mapping)


def _nonce(claims: Mapping[str, object], _: Wanted) -> bool:
    """It has none, so that an ID token is never taken for it (§2.4)."""
    return "nonce" not in claims


def _jti(claims: Mapping[str, object], _: Wanted) -> bool:
    return is_id(claims.get("jti"))


def _who(claims: Mapping[str, object], _: Wanted) -> bool:
    """A person, a session, or both."""
    named = {name: claims[name] for name in ("sub", "sid") if name in claims}
    return bool(named) and is_subject(named.get("sub", "-")) and is_id(named.get("sid", "-"))


RULES: tuple[tuple[str, Callable[[Mapping[str, object], Wanted], bool]], ...] = (
    ("iss", _iss),
    ("aud", _aud),
    ("iat", _iat),
    ("exp", _exp),
    ("events", _events),
    ("nonce", _nonce),
    ("jti", _jti),
    ("who", _who),
)


def read_logout_token(token: str, keys: KeyStore, jwks_uri: str, wanted: Wanted) -> LogoutToken | Refused:
    """
    What *token* says, or ``Refused`` with ``invalid_logout_token_`` and the rule that was broken.

    Raises:
        OIDCUnreachableError: If the keys can't be had.
    """
    types = TYPED | JWT if wanted.drafts else TYPED
    opened = open_signed(token, keys, jwks_uri, ALGORITHMS[wanted.alg], types)
    if not isinstance(opened, Opened):
        return _refused(opened)
    claims = opened.claims
    fault = next((name for name, holds in RULES if not holds(claims, wanted)), None)
    if fault is not None:
        return _refused(fault)
    jti, sid, sub = (claims.get(name) for name in ("jti", "sid", "sub"))
    return LogoutToken(str(jti), sid if isinstance(sid, str) else None, sub if isinstance(sub, str) else None)


def _refused(fault: str) -> Refused:
    return Refused(f"invalid_logout_token_{fault}", steps=(Step("logout_token", fault),))
