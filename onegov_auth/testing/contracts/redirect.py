"""What holds for a provider that sends the browser away and reads what it brings back."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from onegov_auth.domain import Callback, SessionInfo, Transaction, VerifiedIdentity
from onegov_auth.outcomes import Redirect, Refused, Unavailable
from onegov_auth.providers import RedirectProvider
from onegov_auth.testing.contracts.logs import leaks
from onegov_auth.testing.contracts.provider import Person, ProviderContract

__all__ = ["Begun", "RedirectProviderContract", "begin"]

#: Half of them log in, half bring something forged.
THREADS = 20


class Begun:
    """
    A login that was begun: where the browser goes, and the transaction it comes back to.

    Attributes:
        redirect: What the provider answered.
        transaction: As the store gives it back: ``data`` went through JSON.
    """

    def __init__(self, redirect: Redirect, transaction: Transaction) -> None:
        self.redirect = redirect
        self.transaction = replace(transaction, data=json.loads(json.dumps(dict(redirect.remember))))


def pending(provider: RedirectProvider) -> Transaction:
    """A transaction as ``Auth.start`` hands it to a provider."""
    return Transaction(
        id=secrets.token_urlsafe(32),
        kind="redirect",
        provider=provider.name,
        to="/",
        data={},
        expires=provider.services.clock() + timedelta(minutes=10),
    )


def begin(provider: RedirectProvider) -> Begun:
    """Begin a login as ``Auth`` does, without its database."""
    transaction = pending(provider)
    redirect = provider.start(transaction)

    assert isinstance(redirect, Redirect), redirect
    return Begun(redirect, transaction)


class RedirectProviderContract(ProviderContract):
    """
    The promises of :class:`onegov_auth.providers.RedirectProvider`, in front of a real service.

    Fixtures to override, beside those of :class:`ProviderContract`: ``provider``, ``broken_provider``,
    ``log_in``, ``deny``, ``stop_service``. Where a protocol differs, its attributes are overridden.

    Attributes:
        proof: The callback's parameter that carries the proof (``code``, ``SAMLResponse``).
        error: What a callback brings whose login failed at the provider.
        unbound: Keys of ``Redirect.remember`` that decide nothing, and so may be altered.
        asks_service: Whether ``finish`` asks the service; SAML's proof speaks for itself.
        refuses_replay: Whether ``finish`` notices the same callback for the same transaction by itself
            (otherwise only the transaction's single use protects).
        ends_session: Whether ``logout`` sends the browser to the service.
    """

    proof: ClassVar[str] = "code"
    error: ClassVar[Mapping[str, str]] = {"error": "access_denied", "error_description": "<b>no</b>"}
    unbound: ClassVar[frozenset[str]] = frozenset()
    asks_service: ClassVar[bool] = True
    refuses_replay: ClassVar[bool] = True
    ends_session: ClassVar[bool] = True

    @pytest.fixture
    def provider(self) -> RedirectProvider:
        """The provider, made by ``create`` and in front of a real, running service."""
        raise NotImplementedError("override the fixture 'provider'")

    @pytest.fixture
    def broken_provider(self) -> RedirectProvider:
        """The same provider, whose service is down from the beginning."""
        raise NotImplementedError("override the fixture 'broken_provider'")

    @pytest.fixture
    def log_in(self) -> Callable[[Redirect], Callback]:
        """Plays the browser and ``person``: follows the redirect, logs in, returns what comes back."""
        raise NotImplementedError("override the fixture 'log_in'")

    @pytest.fixture
    def deny(self) -> Callable[[Redirect], Callback]:
        """Plays the browser of somebody who says no at the provider."""
        raise NotImplementedError("override the fixture 'deny'")

    @pytest.fixture
    def stop_service(self) -> Callable[[], None]:
        """Stops what ``provider`` asks until the end of the test; a forwarder that closes will do."""
        raise NotImplementedError("override the fixture 'stop_service'")

    def test_start_leads_away(self, provider: RedirectProvider) -> None:
        """The browser is sent to an absolute address, and what is remembered is JSON."""
        begun = begin(provider)
        address = urlsplit(begun.redirect.url)

        assert address.scheme in {"https", "http"}
        assert address.netloc
        assert begun.transaction.data == dict(begun.redirect.remember)

    def test_start_carries_the_transaction(self, provider: RedirectProvider) -> None:
        """The transaction's id travels with the browser, so that the callback finds it again."""
        begun = begin(provider)

        assert begun.transaction.id in dict(parse_qsl(urlsplit(begun.redirect.url).query)).values()

    def test_every_start_is_its_own(self, provider: RedirectProvider) -> None:
        """Two logins share neither address nor anything that is remembered to be compared."""
        one, two = begin(provider), begin(provider)
        bound = set(one.transaction.data) - self.unbound

        assert one.redirect.url != two.redirect.url
        assert not [key for key in bound if one.transaction.data[key] == two.transaction.data[key]]

    @pytest.mark.sec("LOG-02")
    def test_start_sends_no_secret(self, provider: RedirectProvider, canaries: Iterable[str]) -> None:
        """The browser never carries a secret of the configuration."""
        redirect = begin(provider).redirect

        assert not [canary for canary in canaries if canary in f"{redirect.url} {dict(redirect.remember)}"]

    def test_logs_in(self, provider: RedirectProvider, person: Person, log_in: Callable[[Redirect], Callback]) -> None:
        """Who logs in at the service comes back as that person, with every fact the service told."""
        begun = begin(provider)
        identity = provider.finish(log_in(begun.redirect), begun.transaction)

        assert person.is_told_by(identity, provider.name), identity

    def test_logs_in_as_the_same_again(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """The stable key is the same at every login."""
        found = []
        for _ in range(2):
            begun = begin(provider)
            identity = provider.finish(log_in(begun.redirect), begun.transaction)
            assert isinstance(identity, VerifiedIdentity), identity
            found.append((identity.issuer, identity.source_id))

        assert found[0] == found[1]

    def test_a_denial_is_refused(self, provider: RedirectProvider, deny: Callable[[Redirect], Callback]) -> None:
        """Who says no at the service is refused, with a code."""
        begun = begin(provider)
        outcome = provider.finish(deny(begun.redirect), begun.transaction)

        assert isinstance(outcome, Refused), outcome
        assert outcome.code

    def test_an_error_outweighs_a_proof(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """A callback that brings an error is refused, even with a good proof beside it."""
        begun = begin(provider)
        callback = log_in(begun.redirect)
        outcome = provider.finish(replace(callback, params={**callback.params, **self.error}), begun.transaction)

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.parametrize(
        "forged",
        [None, "", " ", "x", "\x00", "\ud800", "../" * 20, "x" * 1_000_000],
        ids=["missing", "empty", "blank", "foreign", "nul", "surrogate", "path", "huge"],
    )
    def test_a_forged_proof_is_refused(self, provider: RedirectProvider, forged: str | None) -> None:
        """Whatever stands in the proof's place, it is a refusal and no error."""
        begun = begin(provider)
        params = {"state": begun.transaction.id} | ({} if forged is None else {self.proof: forged})
        outcome = provider.finish(Callback(params, url=provider.services.callback_url), begun.transaction)

        assert isinstance(outcome, Refused), outcome

    def test_nothing_remembered_is_refused(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """A transaction that remembers nothing lets nobody in: nothing could be compared."""
        begun = begin(provider)
        outcome = provider.finish(log_in(begun.redirect), replace(begun.transaction, data={}))

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.sec("OIDCX-32")
    def test_a_foreign_transaction_is_refused(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """A callback of one login does not finish another (login CSRF, code injection)."""
        victim, attacker = begin(provider), begin(provider)
        outcome = provider.finish(log_in(attacker.redirect), victim.transaction)

        assert isinstance(outcome, Refused), outcome

    def test_every_remembered_value_counts(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """Altering or losing one remembered value (nonce, verifier) is a refusal each time."""
        keys = set(begin(provider).transaction.data) - self.unbound
        assert keys

        for key in sorted(keys):
            for altered in ({key: "1"}, {key: None}, {}):
                begun = begin(provider)
                rest = {name: value for name, value in begun.transaction.data.items() if name != key}
                data = {**rest, **{name: _mutated(begun.transaction.data[name], to) for name, to in altered.items()}}
                outcome = provider.finish(log_in(begun.redirect), replace(begun.transaction, data=data))
                assert isinstance(outcome, Refused), (key, altered, outcome)

    @pytest.mark.sec("OIDCX-32")
    def test_a_replay_is_refused(self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]) -> None:
        """The same callback a second time is refused, where the protocol itself can notice."""
        begun = begin(provider)
        callback = log_in(begun.redirect)
        first = provider.finish(callback, begun.transaction)
        second = provider.finish(callback, begun.transaction)

        assert isinstance(first, VerifiedIdentity), first
        assert isinstance(second, Refused) is self.refuses_replay, second

    def test_a_service_that_stops_is_unavailable(
        self,
        provider: RedirectProvider,
        log_in: Callable[[Redirect], Callback],
        stop_service: Callable[[], None],
    ) -> None:
        """When the service goes down between start and callback, nobody is told they were denied."""
        begun = begin(provider)
        callback = log_in(begun.redirect)
        stop_service()
        outcome = provider.finish(callback, begun.transaction)

        assert type(outcome) is (Unavailable if self.asks_service else VerifiedIdentity), outcome

    def test_a_service_that_is_down_starts_nothing(self, broken_provider: RedirectProvider) -> None:
        """Without its service a provider that needs it says so instead of raising."""
        outcome = broken_provider.start(pending(broken_provider))

        assert type(outcome) is (Unavailable if self.asks_service else Redirect), outcome

    @pytest.mark.sec("LOG-02")
    def test_logs_hold_no_secret(
        self,
        provider: RedirectProvider,
        person: Person,
        canaries: Iterable[str],
        log_in: Callable[[Redirect], Callback],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither a login nor a refusal writes a secret, a proof or the transaction's id, even at DEBUG."""
        caplog.set_level(logging.DEBUG)
        begun = begin(provider)
        callback = log_in(begun.redirect)
        # The browser's part is not the provider's, and may log what it likes.
        caplog.clear()
        outcomes = [provider.finish(callback, begun.transaction), provider.finish(callback, begun.transaction)]
        written = [*canaries, person.password, callback.params[self.proof], begun.transaction.id]

        assert not leaks(caplog, written)
        assert not [secret for secret in written if secret in repr(outcomes)]

    def test_threads_do_not_meet(
        self, provider: RedirectProvider, person: Person, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """Good and forged callbacks at the same time each get their own answer."""
        begun = [begin(provider) for _ in range(THREADS)]
        forged = Callback({self.proof: "forged"}, url=provider.services.callback_url)
        callbacks = [log_in(one.redirect) if number % 2 else forged for number, one in enumerate(begun)]
        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(provider.finish, callbacks, [one.transaction for one in begun]))

        for number, outcome in enumerate(outcomes):
            right = person.is_told_by(outcome, provider.name) if number % 2 else isinstance(outcome, Refused)
            assert right, (number, outcome)

    def test_logout_leads_to_the_service(
        self, provider: RedirectProvider, log_in: Callable[[Redirect], Callback]
    ) -> None:
        """A person's own session at the service is ended too, where the protocol can; the state goes along."""
        begun = begin(provider)
        identity = provider.finish(log_in(begun.redirect), begun.transaction)
        assert isinstance(identity, VerifiedIdentity), identity
        redirect = provider.logout(_session(provider, identity), "https://app.example.org/", "the-state")

        assert (redirect is not None) is self.ends_session
        assert redirect is None or "the-state" in redirect.url


def _mutated(value: object, suffix: str | None) -> object:
    # One character more is the smallest lie: a comparison by prefix would believe it.
    return f"{value}{suffix}" if isinstance(value, str) and suffix else None


def _session(provider: RedirectProvider, identity: VerifiedIdentity) -> SessionInfo:
    now = provider.services.clock()
    return SessionInfo(
        id=uuid4(),
        user_id=uuid4(),
        provider=provider.name,
        source_id=identity.source_id,
        created=now,
        last_seen=now,
        expires=now + timedelta(hours=1),
        provider_session=identity.authn.session_id,
        logout_hint=identity.authn.logout_hint,
    )
