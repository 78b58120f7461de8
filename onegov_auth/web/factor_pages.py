"""The pages of second factors: what there is, and where."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from onegov_auth.web.factor_asking import has_codes
from onegov_auth.web.pages import AuthPages

__all__ = [
    "FactorAdding",
    "FactorAnswer",
    "FactorChoosing",
    "OwnCodes",
    "OwnFactor",
    "OwnFactors",
    "Passkey",
]


class FactorChoosing:
    """``second-factor``: which one to prove, or to set up, before somebody gets in."""


@dataclass(frozen=True, slots=True)
class FactorAnswer:
    """``second-factor/{type}``: prove it, or set it up."""

    type: str


class Passkey:
    """``passkey``: log in with a passkey alone."""


class OwnFactors:
    """``account/factors``: those one has."""


class OwnCodes:
    """``account/factors/codes``: make recovery codes."""


@dataclass(frozen=True, slots=True)
class FactorAdding:
    """``account/factors/add/{type}``: set another one up."""

    type: str


@dataclass(frozen=True, slots=True)
class OwnFactor:
    """``account/factors/{id}``: rename it or remove it."""

    id: UUID


@AuthPages.path(path="second-factor", model=FactorChoosing)
def _choosing(app: AuthPages) -> FactorChoosing | None:
    return FactorChoosing() if app.auth.factors else None


@AuthPages.path(path="second-factor/{type_}", model=FactorAnswer, variables=lambda page: {"type_": page.type})
def _answer(app: AuthPages, type_: str) -> FactorAnswer | None:
    return FactorAnswer(type_) if type_ in app.auth.factors else None


@AuthPages.path(path="passkey", model=Passkey)
def _passkey(app: AuthPages) -> Passkey | None:
    return Passkey() if app.auth.passwordless else None


@AuthPages.path(path="account/factors", model=OwnFactors)
def _own(app: AuthPages) -> OwnFactors | None:
    return OwnFactors() if app.auth.factors else None


@AuthPages.path(path="account/factors/codes", model=OwnCodes)
def _codes(app: AuthPages) -> OwnCodes | None:
    return OwnCodes() if has_codes(app.auth) else None


@AuthPages.path(path="account/factors/add/{type_}", model=FactorAdding, variables=lambda page: {"type_": page.type})
def _adding(app: AuthPages, type_: str) -> FactorAdding | None:
    return FactorAdding(type_) if type_ in app.auth.factors else None


@AuthPages.path(path="account/factors/{factor}", model=OwnFactor, variables=lambda page: {"factor": str(page.id)})
def _one(app: AuthPages, factor: str) -> OwnFactor | None:
    # Whose it is, the view finds out: it knows who asks.
    try:
        return OwnFactor(UUID(factor)) if app.auth.factors else None
    except ValueError:
        return None
