"""A throw-away OpenID provider: the certified npm ``oidc-provider``, with accounts and clients we choose."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from onegov_auth.testing.servers import browsing, npm
from onegov_auth.testing.servers.people import PEOPLE, Person
from onegov_auth.testing.servers.process import LOOPBACK, ServerProcess

if TYPE_CHECKING:
    import httpx

__all__ = ["ACCOUNTS", "CALLBACKS", "Account", "Client", "OidcProvider"]

#: What the default client may be called back at, unless said otherwise.
CALLBACKS = (
    "http://localhost/auth/provider/company/callback",
    "https://app.example.org/auth/provider/company/callback",
)


@dataclass(frozen=True)
class Account:
    """
    Somebody who has an account at the provider.

    Args:
        sub: The stable identifier; never what is typed.
        login: What is typed.
        extra: Further claims, released with the scope that names them; ``amr`` (a list) and ``acr`` say how the
            person proved who they are.
    """

    sub: str
    login: str
    password: str
    email: str | None = None
    email_verified: bool = False
    given_name: str | None = None
    family_name: str | None = None
    groups: tuple[str, ...] | None = None
    extra: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, person: Person) -> Account:
        """The account of one of the five."""
        return cls(
            sub=f"company-{person.uid}",
            login=person.uid,
            password=person.password,
            email=person.mail,
            email_verified=True,
            given_name=person.givenname,
            family_name=person.surname,
            groups=person.groups,
        )

    def as_json(self) -> Mapping[str, object]:
        """What the server reads: claims that are None are left out."""
        known = {name: value for name, value in asdict(self).items() if name != "extra" and value is not None}
        return {**known, **self.extra}


@dataclass(frozen=True)
class Client:
    """An application registered at the provider; ``metadata`` as in OpenID Connect Dynamic Registration §2."""

    client_id: str
    client_secret: str
    metadata: Mapping[str, object]

    def as_json(self) -> Mapping[str, object]:
        """What the server reads; an empty secret is left out."""
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        return {"client_id": self.client_id, **secret, **self.metadata}


#: The same five people as in the directory.
ACCOUNTS = tuple(Account.of(person) for person in PEOPLE)


class OidcProvider(ServerProcess):
    """
    An OpenID provider on loopback: authorization code with PKCE demanded, silent consent, RP-initiated logout.

    ``given_name``, ``family_name`` and ``groups`` come with the scope ``profile``, ``email`` with ``email``, and
    ``groups`` alone with the scope ``groups``. A restart keeps the address and makes new signing keys.

    Args:
        accounts: Who can log in.
        redirect_uris: Where the default client may be called back.
        id_token_claims: Whether the ID token carries the claims; the standard (OpenID Connect Core §5.4) gives them
            at userinfo only.
        timeout: Seconds after which it has failed to start.
    """

    name = "oidc-provider"
    program = "node"
    package = "nodejs"

    def __init__(
        self,
        *,
        accounts: Iterable[Account] = ACCOUNTS,
        redirect_uris: Sequence[str] = CALLBACKS,
        id_token_claims: bool = False,
        timeout: float = 60.0,
    ) -> None:
        super().__init__(timeout=timeout)
        self.accounts = tuple(accounts)
        self.id_token_claims = id_token_claims
        self._clients = [_client("example-app", redirect_uris=list(redirect_uris), post_logout_redirect_uris=[])]

    @property
    def issuer(self) -> str:
        """The issuer identifier, without a slash at its end."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def client_id(self) -> str:
        """The default client's identifier."""
        return self._clients[0].client_id

    @property
    def client_secret(self) -> str:
        """The default client's secret."""
        return self._clients[0].client_secret

    def find(self, program: str | None = None) -> Path:
        """Node.js, if it is new enough."""
        return npm.find_node(program or self.program)

    def command(self) -> Sequence[str]:
        """Node.js with our script."""
        return [str(self.find()), str(self.directory / "server.mjs"), str(self.directory)]

    def prepare(self) -> None:
        """Install oidc-provider once per lock file, and write what our script reads."""
        self.find()
        modules = npm.install()
        shutil.copy(npm.OIDC_PROVIDER / "server.mjs", self.directory)
        link = self.directory / "node_modules"
        if not link.exists():
            link.symlink_to(modules, target_is_directory=True)
        settings = {"issuer": self.issuer, "port": self.port, "id_token_claims": self.id_token_claims}
        self._write("settings.json", settings)
        self._write_people()

    def _write_people(self) -> None:
        self._write("accounts.json", [account.as_json() for account in self.accounts])
        self._write("clients.json", [client.as_json() for client in self._clients])

    def _write(self, name: str, content: object) -> None:
        """The running server may read at any time, so it finds the old or the new file, never half of one."""
        unfinished = self.directory / f"{name}.new"
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(self.directory / name)

    def is_ready(self) -> bool:
        """Whether discovery answers."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=3)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def account(self, login: str) -> Account:
        """The account of this login name. Raises KeyError if there is none."""
        return {account.login: account for account in self.accounts}[login]

    def set_accounts(self, accounts: Iterable[Account]) -> None:
        """Replace all accounts, also while it runs."""
        self.accounts = tuple(accounts)
        self._changed()

    def add_account(self, account: Account) -> None:
        """Add an account, or replace the one with the same ``sub``, also while it runs."""
        self.set_accounts([*(each for each in self.accounts if each.sub != account.sub), account])

    def add_client(self, client_id: str | None = None, **metadata: object) -> Client:
        """
        Register another client, also while it runs.

        Args:
            client_id: A fresh one unless given; an existing client is replaced.
            metadata: OpenID Connect Dynamic Registration §2, for instance ``redirect_uris``,
                ``token_endpoint_auth_method``, ``id_token_signed_response_alg``, ``backchannel_logout_uri``.
        """
        client = _client(client_id or f"client-{secrets.token_hex(4)}", **metadata)
        self._clients = [*(each for each in self._clients if each.client_id != client.client_id), client]
        self._changed()
        return client

    def allow_redirect(self, *uris: str, after_logout: Iterable[str] = ()) -> None:
        """Add callback and post-logout addresses to the default client, also while it runs."""
        default, *others = self._clients
        known = {"redirect_uris": uris, "post_logout_redirect_uris": tuple(after_logout)}
        metadata = {**default.metadata}
        for name, added in known.items():
            listed = metadata[name]
            assert isinstance(listed, list)
            metadata[name] = list(dict.fromkeys([*listed, *added]))
        self._clients = [Client(default.client_id, default.client_secret, metadata), *others]
        self._changed()

    def _changed(self) -> None:
        if self.running:
            self._write_people()

    def log_in(self, authorization_url: str, account: Account | str, browser: httpx.Client | None = None) -> str:
        """
        Play the browser: follow an authorization request, log in, return the URL of the callback, unrequested.

        Args:
            authorization_url: With its ``redirect_uri``.
            account: Or its login name.
            browser: Its cookies are used and kept; without one nobody is logged in at the provider beforehand.

        Raises:
            ServerFailedError: The provider showed a page that is no login form, or refused the password.
        """
        known = self.account(account) if isinstance(account, str) else account
        return browsing.log_in(authorization_url, known.login, known.password, browser)

    def deny(self, authorization_url: str) -> str:
        """Play the browser of somebody who cancels; returns the callback with ``error=access_denied``."""
        return browsing.cancel(authorization_url)

    def log_out(self, end_session_url: str, browser: httpx.Client | None = None) -> str:
        """Play the browser: confirm an RP-initiated logout, return where it ends, unrequested."""
        return browsing.log_out(end_session_url, browser)


def _client(client_id: str, **metadata: object) -> Client:
    needs_secret = metadata.get("token_endpoint_auth_method") not in {"none", "private_key_jwt"}
    return Client(client_id, secrets.token_urlsafe(24) if needs_secret else "", metadata)
