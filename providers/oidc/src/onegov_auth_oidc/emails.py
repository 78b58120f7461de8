"""Whether a provider vouches for an e-mail address; each does it by rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["is_vouched_for"]

Claims = Mapping[str, object]

#: Domains whose addresses Google itself gives out.
GOOGLES_OWN = ("gmail.com", "googlemail.com")


def is_vouched_for(email: str, claims: Claims, rule: str) -> bool:
    """
    Whether *claims* vouch for *email*.

    Args:
        email: The address, as it was mapped.
        claims: Where the address is from; what is said there of the claim ``email`` is said of no other (nOAuth).
        rule: Which provider's rule: ``Preset.email``.
    """
    return claims.get("email") == email and _RULES[rule](email, claims)


def _standard(_: str, claims: Claims) -> bool:
    # Text is no yes: "false" would be one (OpenID Connect Core §5.1).
    return claims.get("email_verified") is True


def _google(email: str, claims: Claims) -> bool:
    """
    Google answers for its own addresses, and for those of Workspace organisations (claim ``hd``).

    Every other address was confirmed once by whoever had it then. Source: Google's documentation of
    ``email_verified`` and ``hd``, "Verify the Google ID token on your server side".
    """
    domain = email.rpartition("@")[2].lower()
    organisation = claims.get("hd")
    return _standard(email, claims) and (
        domain in GOOGLES_OWN or (isinstance(organisation, str) and bool(organisation))
    )


def _microsoft(_: str, claims: Claims) -> bool:
    """
    Entra ID's ``email`` is whatever an administrator of any organisation wrote (nOAuth, LINK-02); only the optional
    claim ``xms_edov`` says that the domain's owner was verified. It comes as boolean, number or text.
    """
    owned = claims.get("xms_edov")
    return owned is True or owned in ("1", "true") or (type(owned) is int and owned == 1)


_RULES: Mapping[str, Callable[[str, Claims], bool]] = MappingProxyType(
    {"email_verified": _standard, "google": _google, "microsoft": _microsoft}
)
