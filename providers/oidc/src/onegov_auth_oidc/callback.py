"""What the browser brought back, before anything is asked of the provider with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from onegov_auth.providers import Callback, Refused, Step, Transaction
from onegov_auth_oidc.discovery import Metadata, remembered_metadata
from onegov_auth_oidc.jws import same
from onegov_auth_oidc.settings import OIDCSettings

__all__ = ["OUT_OF_ORDER", "Begun", "read_begun", "read_code"]

#: Codes of some providers are tokens of more than a thousand characters.
MAX_CODE = 4096

#: RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6; everything else becomes "provider_error".
ERRORS = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request",
        "invalid_request_object",
        "invalid_request_uri",
        "invalid_scope",
        "login_required",
        "registration_not_supported",
        "request_not_supported",
        "request_uri_not_supported",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unmet_authentication_requirements",
        "unsupported_response_type",
    }
)

#: These say that nobody can tell, not that somebody may not.
OUT_OF_ORDER = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class Begun:
    """
    What the login remembered when it began.

    Attributes:
        nonce: What the ID token has to repeat.
        verifier: The PKCE secret (RFC 7636).
        metadata: The provider as it was asked then.
        acr: The authentication classes this very login was begun for, one of which has to be named.
        max_age: How old the proof may be that this very login was begun for.
    """

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    metadata: Metadata
    acr: tuple[str, ...] = ()
    max_age: timedelta | None = None

    def remembered(self) -> dict[str, object]:
        """All of it as JSON, for the transaction."""
        asked: dict[str, object] = {
            "nonce": self.nonce,
            "verifier": self.verifier,
            "server": self.metadata.remembered(),
        }
        if self.acr:
            asked["acr"] = list(self.acr)
        if self.max_age is not None:
            asked["max_age"] = int(self.max_age.total_seconds())
        return asked


def read_begun(transaction: Transaction, name: str, settings: OIDCSettings, now: datetime) -> Begun | Refused:
    """
    What *transaction* remembers.

    Without a nonce or verifier nothing could be compared, so that is a refusal (OAUTH-06).
    """
    if transaction.provider != name:
        return _refused("invalid_transaction", "of another provider")
    if transaction.expires <= now:
        return _refused("expired_transaction", "begun too long ago")
    nonce, verifier = transaction.data.get("nonce"), transaction.data.get("verifier")
    metadata = remembered_metadata(transaction.data.get("server"), settings)
    if not isinstance(nonce, str) or not isinstance(verifier, str) or not nonce or not verifier or metadata is None:
        return _refused("invalid_transaction", "incomplete")
    return Begun(nonce, verifier, metadata, *_read_demands(transaction.data))


def _read_demands(data: Mapping[str, object]) -> tuple[tuple[str, ...], timedelta | None]:
    acr, max_age = data.get("acr"), data.get("max_age")
    names = tuple(str(name) for name in acr) if isinstance(acr, list) else ()
    return names, timedelta(seconds=max_age) if isinstance(max_age, int) else None


def read_code(callback: Callback, transaction: Transaction, metadata: Metadata) -> str | Refused:
    """
    The code, if the answer belongs to this login and comes from the provider it began with.

    An error is looked at only after that: a foreign one must not end this login (AUTHLIB-10, OAUTH-11).
    """
    params = callback.params
    if not same(params.get("state"), transaction.id):
        return _refused("invalid_state", "not of this login")
    fault = _issuer_fault(params, metadata)
    if fault is not None:
        return _refused(fault, "iss")
    if "error" in params:
        error = params["error"]
        return _refused(error if error in ERRORS else "provider_error", "the provider says no")
    return _code(params)


def _issuer_fault(params: Mapping[str, str], metadata: Metadata) -> str | None:
    """RFC 9207 §2.4: simple string comparison; missing though announced, or there though not, is refused."""
    if "iss" not in params:
        return "missing_iss" if metadata.names_itself else None
    if params["iss"] != metadata.issuer:
        return "wrong_iss"
    return "unexpected_iss" if metadata.names_itself is False else None


def _code(params: Mapping[str, str]) -> str | Refused:
    code = params.get("code", "")
    if not code.strip():
        return _refused("missing_code", "neither code nor error")
    # RFC 6749 A.11: visible ASCII.
    if len(code) > MAX_CODE or not code.isascii() or not code.isprintable():
        return _refused("invalid_code", "no code looks like this")
    return code


def _refused(code: str, detail: str) -> Refused:
    return Refused(code, steps=(Step("callback", detail),))
