"""What holds for a provider of the login form's username and password."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from onegov_auth.domain import Password, VerifiedIdentity
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.providers import PasswordProvider
from onegov_auth.testing.contracts.logs import leaks
from onegov_auth.testing.contracts.provider import Person, ProviderContract

__all__ = ["PasswordProviderContract"]

#: A third of them log in, a third have a wrong password, a third are unknown.
THREADS = 21

#: What a login form can hold that no entry's name is.
HOSTILE_NAMES = {
    "empty": "",
    "blank": " \t ",
    "nul": "a\x00b",
    "wildcard": "*",
    "filter": "*)(uid=*))(|(uid=*",
    "dn": "x,dc=example,dc=org",
    "newline": "a\r\nFailed login by 1.2.3.4 (root)",
    "surrogate": "a\ud800",
    "huge": "a" * 1_000_000,
}

#: No password, however it is spelled (RFC 4513 §5.1.2: a directory answers such a bind with success),
#: nor what RFC 4013 §2.1 maps to nothing.
EMPTY_PASSWORDS = {
    "empty": "",
    "blank": "  \t",
    "nul": "\x00",
    "unicode blank": "\u00a0\u2003",
    "invisible": "\u00ad\u200b",
}


class PasswordProviderContract(ProviderContract):
    """
    The promises of :class:`onegov_auth.providers.PasswordProvider`, in front of a real service.

    Fixtures to override, beside those of :class:`ProviderContract`: ``provider``, ``broken_provider``,
    ``unknown_username``, ``stop_service``.
    """

    @pytest.fixture
    def provider(self) -> PasswordProvider:
        """The provider, made by ``create`` and in front of a real, running service."""
        raise NotImplementedError("override the fixture 'provider'")

    @pytest.fixture
    def broken_provider(self) -> PasswordProvider:
        """The same provider, whose service is down from the beginning."""
        raise NotImplementedError("override the fixture 'broken_provider'")

    @pytest.fixture
    def unknown_username(self) -> str:
        """A name nobody has."""
        return "nobody-of-that-name"

    @pytest.fixture
    def stop_service(self) -> Callable[[], None]:
        """Stops what ``provider`` asks until the end of the test; a forwarder that closes will do."""
        raise NotImplementedError("override the fixture 'stop_service'")

    def test_logs_in(self, provider: PasswordProvider, person: Person) -> None:
        """The right password leads to that person, with every fact the service told."""
        identity = provider.authenticate(person.login, Password(person.password))

        assert person.is_told_by(identity, provider.name), identity

    def test_logs_in_as_the_same_again(self, provider: PasswordProvider, person: Person) -> None:
        """The stable key is the same at every login."""
        found = [provider.authenticate(person.login, Password(person.password)) for _ in range(2)]

        assert len({one.source_id for one in found if isinstance(one, VerifiedIdentity)}) == 1
        assert all(isinstance(one, VerifiedIdentity) for one in found), found

    @pytest.mark.parametrize("wrong", ["{}x", "x{}", "x", "{}\x00", "{}\x00x", " {}"])
    def test_a_wrong_password_is_refused(self, provider: PasswordProvider, person: Person, wrong: str) -> None:
        """A password that is nearly right is refused, and not as an unknown user."""
        outcome = provider.authenticate(person.login, Password(wrong.format(person.password)))

        assert isinstance(outcome, Refused), outcome
        assert outcome.code != "unknown_user"

    def test_an_unknown_user_is_refused(
        self, provider: PasswordProvider, person: Person, unknown_username: str
    ) -> None:
        """An unknown user is a refusal like a wrong password; only the code tells the next provider to look."""
        outcome = provider.authenticate(unknown_username, Password(person.password))

        assert isinstance(outcome, Refused), outcome
        assert outcome.code == "unknown_user"

    @pytest.mark.sec("LDAP-01")
    @pytest.mark.parametrize("empty", EMPTY_PASSWORDS.values(), ids=EMPTY_PASSWORDS)
    def test_an_empty_password_is_refused(self, provider: PasswordProvider, person: Person, empty: str) -> None:
        """No password never logs anybody in."""
        outcome = provider.authenticate(person.login, Password(empty))

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.sec("LDAP-01")
    @pytest.mark.parametrize("empty", EMPTY_PASSWORDS.values(), ids=EMPTY_PASSWORDS)
    def test_an_empty_password_asks_nobody(self, broken_provider: PasswordProvider, person: Person, empty: str) -> None:
        """No password is refused before the service is asked, so even when it is down."""
        outcome = broken_provider.authenticate(person.login, Password(empty))

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
    def test_a_hostile_name_is_refused(self, provider: PasswordProvider, person: Person, name: str) -> None:
        """Whatever is typed as a name is compared as it stands, and never an error."""
        outcome = provider.authenticate(name, Password(person.password))

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.parametrize("password", ["\ud800", "x" * 1_000_000, "*", "ä" * 2000])
    def test_a_hostile_password_is_refused(self, provider: PasswordProvider, person: Person, password: str) -> None:
        """Whatever is typed as a password is a refusal if it is wrong, and never an error."""
        outcome = provider.authenticate(person.login, Password(password))

        assert isinstance(outcome, Refused), outcome

    @pytest.mark.sec("LDAP-35")
    @pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
    def test_a_service_that_is_down_is_unavailable(
        self, broken_provider: PasswordProvider, person: Person, right: bool
    ) -> None:
        """Without its service nobody is told that their password is wrong, and nobody gets in."""
        password = person.password if right else f"{person.password}x"
        outcome = broken_provider.authenticate(person.login, Password(password))

        assert isinstance(outcome, Unavailable), outcome
        assert broken_provider.name == outcome.provider

    @pytest.mark.sec("LDAP-35")
    def test_a_service_that_stops_is_unavailable(
        self, provider: PasswordProvider, person: Person, stop_service: Callable[[], None]
    ) -> None:
        """When the service goes down after a login, the next one is unavailable: nothing was cached to log in by."""
        first = provider.authenticate(person.login, Password(person.password))
        stop_service()
        second = provider.authenticate(person.login, Password(person.password))

        assert isinstance(first, VerifiedIdentity), first
        assert isinstance(second, Unavailable), second

    @pytest.mark.sec("LOG-02")
    def test_logs_hold_no_secret(
        self,
        provider: PasswordProvider,
        person: Person,
        canaries: Iterable[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither a login nor a refusal writes a password or a secret, even at DEBUG."""
        caplog.set_level(logging.DEBUG)
        tries = [person.password, f"{person.password}-canary", "\x00canary"]
        outcomes = [provider.authenticate(person.login, Password(each)) for each in tries]

        assert not leaks(caplog, [*tries, *canaries])
        assert not [secret for secret in (*tries, *canaries) if secret in repr(outcomes)]

    @pytest.mark.sec("LDAP-34")
    def test_threads_do_not_meet(self, provider: PasswordProvider, person: Person, unknown_username: str) -> None:
        """Right, wrong and unknown logins at the same time each get their own answer."""
        tries = [
            (person.login, person.password, ""),
            (person.login, f"{person.password}x", "wrong_password"),
            (unknown_username, person.password, "unknown_user"),
        ] * (THREADS // 3)
        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(lambda one: provider.authenticate(one[0], Password(one[1])), tries))

        for (_, _, code), outcome in zip(tries, outcomes, strict=True):
            right = outcome.code == code if isinstance(outcome, Refused) else person.is_told_by(outcome, provider.name)
            assert right, (code, outcome)
