"""The public names as a type checker sees them: checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type
from uuid import UUID

from onegov_auth import Auth, AuthApp, Hooks, load_settings
from onegov_auth.collections import UserCollection
from onegov_auth.domain import Callback, Client, Identity, Password, SessionInfo, UserInfo, VerifiedIdentity
from onegov_auth.models import User
from onegov_auth.outcomes import LoggedIn, LoggedOut, Outcome, Redirect, Refused, Unavailable
from onegov_auth.providers import PasswordProvider, Provider, RedirectProvider
from onegov_auth.settings import Settings


def starts(path: str) -> None:
    """From a file to an application, with every step typed."""
    settings = load_settings(path, "example/app")
    assert_type(settings, Settings)
    assert_type(settings.providers["local"].kind, str)
    assert_type(Auth.from_settings(settings, hooks=Hooks()), Auth)
    assert_type(AuthApp.from_yaml(path), AuthApp)


def logs_in(auth: Auth, client: Client) -> str:
    """An outcome is told apart by its class, and each class has what belongs to it."""
    outcome = auth.login("ann@example.org", Password("secret"), client, remember=True, to="/")
    assert_type(outcome, Outcome)
    if isinstance(outcome, LoggedIn):
        assert_type(outcome.user, UserInfo)
        assert_type(outcome.session, SessionInfo)
        assert_type(auth.logout(outcome.session, client), LoggedOut)
        return outcome.to
    if isinstance(outcome, Refused):
        return outcome.code
    if isinstance(outcome, Unavailable):
        return outcome.provider
    return ""


def goes_away_and_comes_back(auth: Auth, client: Client, callback: Callback) -> None:
    """A redirect provider's two halves."""
    assert_type(auth.start("company", client, to="/mine"), Redirect | Refused | Unavailable)
    assert_type(auth.finish("company", callback, client), Outcome)
    assert_type(auth.providers, Mapping[str, Provider])


def asks_providers(one: PasswordProvider, other: RedirectProvider, callback: Callback, auth: Auth) -> None:
    """A provider proves, refuses or can't say."""
    assert_type(one.authenticate("ann", Password("secret")), VerifiedIdentity | Refused | Unavailable)
    with auth.database.unit() as db:
        users = auth.users(db)
        assert_type(users, UserCollection)
        user = users.by_username("ann@example.org")
        assert_type(user, User | None)
        if user is not None:
            assert_type(user.id, UUID)
            assert_type(user.title, str)
    assert_type(auth.sessions.lookup("token"), Identity | None)
    assert_type(other.button, str)
