"""A second OpenID provider, of other authors and another language than the first: PyPI ``oidc-provider-mock``."""

from __future__ import annotations

import http.client
import json
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from onegov_auth.testing.servers import browsing
from onegov_auth.testing.servers.oidc import ACCOUNTS, Account
from onegov_auth.testing.servers.process import LOOPBACK, ServerFailedError, ServerMissingError, ServerProcess

if TYPE_CHECKING:
    import httpx

__all__ = ["MockOidcProvider"]


class MockOidcProvider(ServerProcess):
    """
    An OpenID provider on loopback that asks for no password: whoever names a subject is that subject.

    It has the code flow with the secret in the header or the form, UserInfo, refresh tokens and RP-initiated logout;
    no back-channel logout, no PKCE, no ``form_post``, and any client may come with any address. What it knows is gone
    after a restart, which makes another signing key. Claims of no standard, such as ``groups``, come with any scope,
    in the ID token as well as from UserInfo.

    Args:
        accounts: Who can log in.
        timeout: Seconds after which it has failed to start.
    """

    name = "oidc-provider-mock"
    program = "oidc-provider-mock"
    package = "oidc-provider-mock (pip)"

    def __init__(self, *, accounts: Iterable[Account] = ACCOUNTS, timeout: float = 60.0) -> None:
        super().__init__(timeout=timeout)
        self.accounts = tuple(accounts)
        self.client_id = "example-app"
        self.client_secret = secrets.token_urlsafe(24)

    @property
    def issuer(self) -> str:
        """The issuer identifier, without a slash at its end."""
        return f"http://{LOOPBACK}:{self.port}"

    def find(self, program: str | None = None) -> Path:
        """This very Python, if it has the package."""
        del program
        if find_spec("oidc_provider_mock") is None:
            raise ServerMissingError(self.program, self.package)
        return Path(sys.executable)

    def command(self) -> Sequence[str]:
        """Python with the package's own command."""
        users = [part for account in self.accounts for part in ("--user-claims", json.dumps(_claims(account)))]
        return [str(self.find()), "-m", "oidc_provider_mock", "--host", LOOPBACK, "--port", str(self.port), *users]

    def is_ready(self) -> bool:
        """Whether discovery answers."""
        return self._ask("GET", "/.well-known/openid-configuration") == http.HTTPStatus.OK

    def account(self, login: str) -> Account:
        """The account of this login name. Raises KeyError if there is none."""
        return {account.login: account for account in self.accounts}[login]

    def set_accounts(self, accounts: Iterable[Account]) -> None:
        """
        Replace all accounts, also while it runs.

        Raises:
            ServerFailedError: It doesn't take one.
        """
        self.accounts = tuple(accounts)
        for account in self.accounts if self.running else ():
            claims = dict(_claims(account))
            sub = claims.pop("sub")
            status = self._ask("PUT", f"/users/{sub}", json.dumps(claims))
            if status != http.HTTPStatus.NO_CONTENT:
                raise ServerFailedError(f"{self.name}: {sub} was not taken ({status})")

    def allow_redirect(self, *uris: str, after_logout: Iterable[str] = ()) -> None:
        """Nothing is to be done: any address is allowed."""
        del uris, after_logout

    def revoke(self, account: Account | str) -> None:
        """Make all access and refresh tokens of an account worthless."""
        known = self.account(account) if isinstance(account, str) else account
        self._ask("POST", f"/users/{known.sub}/revoke-tokens")

    def log_in(self, authorization_url: str, account: Account | str, browser: httpx.Client | None = None) -> str:
        """Play the browser: follow an authorization request, log in, return the URL of the callback, unrequested."""
        known = self.account(account) if isinstance(account, str) else account
        return browsing.fill_in(authorization_url, {"sub": known.sub}, browser)

    def deny(self, authorization_url: str) -> str:
        """Play the browser of somebody who says no; returns the callback with ``error=access_denied``."""
        return browsing.fill_in(authorization_url, {"action": "deny"})

    def log_out(self, end_session_url: str, browser: httpx.Client | None = None) -> str:
        """Play the browser: confirm an RP-initiated logout, return where it ends, unrequested."""
        return browsing.fill_in(end_session_url, {}, browser)

    def _ask(self, method: str, path: str, body: str | None = None) -> int | None:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=3)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()


def _claims(account: Account) -> Mapping[str, object]:
    return {name: value for name, value in account.as_json().items() if name not in {"login", "password"}}
