"""The pages for joining, coming back and looking after one's own account: what there is, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import morepath

from onegov_auth.accounts.local import LOCAL
from onegov_auth.web.app import AuthApp
from onegov_auth.web.base import AuthBase
from onegov_auth.web.pages import AuthPages

__all__ = [
    "Account",
    "Activation",
    "Administration",
    "ChangePassword",
    "ChoosePassword",
    "Confirmation",
    "EmailConfirmation",
    "EmailRevocation",
    "LoggedIn",
    "OwnActivity",
    "OwnEmail",
    "OwnIdentities",
    "OwnPassword",
    "OwnSessions",
    "OwnTokens",
    "PasswordRequest",
    "PasswordReset",
    "PendingStep",
    "Registration",
    "Resending",
    "SignupLinks",
    "reading",
]

if TYPE_CHECKING:
    from onegov_auth.auth import Auth
    from onegov_auth.web.request import AuthRequest

View = TypeVar("View", bound=Callable[..., Any])


class LoggedIn:
    """The permission to look after one's own account: everybody's who is logged in, whatever the role may do else."""


@AuthBase.permission_rule(model=object, permission=LoggedIn)
def _is_logged_in(app: AuthBase, identity: morepath.Identity, model: object, permission: type[LoggedIn]) -> bool:  # noqa: ARG001 - Morepath passes arguments by name
    # A token looks after no account (TOK-05).
    return not getattr(identity, "by_token", False)


def reading(model: type, permission: type | None = None) -> Callable[[View], View]:
    """Register a view of a page for GET and HEAD; it changes nothing (CSRF-08)."""

    def register(view: View) -> View:
        for method in ("GET", "HEAD"):
            AuthPages.view(model=model, permission=permission, request_method=method)(view)
        return view

    return register


class Registration:
    """``register``: make an account."""


class Resending:
    """``resend``: have the mail with the activation link sent again."""


class Activation:
    """``activate``: prove that the address is one's own."""


class PasswordRequest:
    """``request-password``: have a link to a new password sent."""


class PasswordReset:
    """``reset-password``: choose it."""


class ChoosePassword:
    """``choose-password``: the same by an invitation, or a link that those who run the site sent."""


class PendingStep:
    """``step``: what has to be done before somebody gets in."""


class Account:
    """``account``: who one is here; name and language."""


class Confirmation:
    """``account/confirm``: prove once more who one is."""


class OwnPassword:
    """``account/password``: change it."""


class OwnEmail:
    """``account/email``: change it."""


class EmailConfirmation:
    """``account/email/confirm``: prove that the new address is one's own."""


class EmailRevocation:
    """``account/email/revoke``: take the change back, from the old address."""


class OwnSessions:
    """``account/sessions``: where one is logged in."""


class OwnTokens:
    """``account/tokens``: by what one's programs come in."""


class OwnIdentities:
    """``account/identities``: by which providers one may log in."""


class OwnActivity:
    """``account/activity``: what happened to the account."""


class Administration:
    """``admin``: what those who run the site look after."""


class SignupLinks:
    """``admin/signup-links``: make and revoke links to register with."""


class ChangePassword:
    """``/.well-known/change-password`` at the root of the site, where password managers look for the page."""


def _may_have_password(auth: Auth, request: AuthRequest) -> bool:
    """Whether whoever asks, or somebody who has yet to log in, may come in with a local password."""
    role: str | None = getattr(request.identity, "role", None)
    return auth.settings.passwords.login != "none" if role is None else auth.settings.password_login(role)


def _local(app: AuthPages) -> bool:
    return LOCAL in app.auth.providers


@AuthPages.path(path="register", model=Registration)
def _register(app: AuthPages) -> Registration | None:
    # Whether somebody may register depends on the link as well: the view decides.
    return Registration() if _local(app) else None


@AuthPages.path(path="resend", model=Resending)
def _resend(app: AuthPages) -> Resending | None:
    return Resending() if _local(app) else None


@AuthPages.path(path="activate", model=Activation)
def _activate(app: AuthPages) -> Activation | None:
    return Activation() if _local(app) else None


@AuthPages.path(path="request-password", model=PasswordRequest)
def _request_password(app: AuthPages) -> PasswordRequest | None:
    return PasswordRequest() if _local(app) and app.auth.settings.recovery.enabled else None


@AuthPages.path(path="reset-password", model=PasswordReset)
def _reset_password(app: AuthPages) -> PasswordReset | None:
    return PasswordReset() if _local(app) and app.auth.settings.recovery.enabled else None


@AuthPages.path(path="choose-password", model=ChoosePassword)
def _choose_password(app: AuthPages) -> ChoosePassword | None:
    return ChoosePassword() if _local(app) else None


@AuthPages.path(path="step", model=PendingStep)
def _step() -> PendingStep:
    return PendingStep()


@AuthPages.path(path="account", model=Account)
def _account() -> Account:
    return Account()


@AuthPages.path(path="account/confirm", model=Confirmation)
def _confirm() -> Confirmation:
    return Confirmation()


@AuthPages.path(path="account/password", model=OwnPassword)
def _password(app: AuthPages, request: AuthRequest) -> OwnPassword | None:
    return OwnPassword() if _may_have_password(app.auth, request) else None


@AuthPages.path(path="account/email", model=OwnEmail)
def _email() -> OwnEmail:
    return OwnEmail()


@AuthPages.path(path="account/email/confirm", model=EmailConfirmation)
def _confirm_email() -> EmailConfirmation:
    return EmailConfirmation()


@AuthPages.path(path="account/email/revoke", model=EmailRevocation)
def _revoke_email() -> EmailRevocation:
    return EmailRevocation()


@AuthPages.path(path="account/sessions", model=OwnSessions)
def _sessions() -> OwnSessions:
    return OwnSessions()


@AuthPages.path(path="account/tokens", model=OwnTokens)
def _tokens() -> OwnTokens:
    return OwnTokens()


@AuthPages.path(path="account/identities", model=OwnIdentities)
def _identities() -> OwnIdentities:
    return OwnIdentities()


@AuthPages.path(path="account/activity", model=OwnActivity)
def _activity() -> OwnActivity:
    return OwnActivity()


@AuthPages.path(path="admin", model=Administration)
def _administration() -> Administration:
    return Administration()


@AuthPages.path(path="admin/signup-links", model=SignupLinks)
def _signup_links(app: AuthPages) -> SignupLinks | None:
    return SignupLinks() if _local(app) else None


@AuthApp.path(path=".well-known/change-password", model=ChangePassword)
def _change_password(app: AuthApp, request: AuthRequest) -> ChangePassword | None:
    return ChangePassword() if _may_have_password(app.auth, request) else None
