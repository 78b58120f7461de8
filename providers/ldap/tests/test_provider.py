"""Start-up, and logins of many people at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.providers import Password, ProviderSettings, Services, SettingsError, Unavailable, VerifiedIdentity
from onegov_auth.testing.servers import Slapd
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth_ldap import LDAPProvider, LDAPSettings


@pytest.mark.sec("ASVS-12.3.1")
@pytest.mark.parametrize("key", ["ca_file", "client_cert", "client_key"])
def test_a_missing_file_stops_start_up(make: Callable[..., LDAPProvider], slapd: Slapd, key: str) -> None:
    """A file that can't be read is a fault with its key path, before anybody logs in."""
    certificate = {"client_cert": str(slapd.ca_file)} if key == "client_key" else {}
    with pytest.raises(SettingsError, match=rf"providers\.staff\.tls\.{key}: /no/such\.pem can't be read: No such"):
        make(tls={**certificate, key: "/no/such.pem"})


def test_a_file_that_may_not_be_read_stops_start_up(make: Callable[..., LDAPProvider], tmp_path: Path) -> None:
    """A folder is no certificate."""
    with pytest.raises(SettingsError, match=r"providers\.staff\.tls\.ca_file: .* can't be read"):
        make(tls={"ca_file": str(tmp_path)})


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
def test_a_file_without_a_certificate_stops_start_up(
    make: Callable[..., LDAPProvider], tmp_path: Path, key: str
) -> None:
    """A file that holds something else is a fault with its key path."""
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(SettingsError, match=rf"providers\.staff\.tls\.{key}: holds nothing of use"):
        make(tls={key: str(tmp_path / "x.pem")})


def test_all_faults_are_told_at_once(make: Callable[..., LDAPProvider]) -> None:
    """Two missing files are two faults of one error."""
    with pytest.raises(SettingsError) as error:
        make(tls={"ca_file": "/no/such.pem", "client_cert": "/no/other.pem"})

    assert len(error.value.faults) == 2


def test_other_settings_are_refused(services: Services) -> None:
    """Settings of another kind are a fault, not a surprise at a login."""
    with pytest.raises(SettingsError, match="no settings of kind ldap"):
        LDAPProvider.create("staff", ProviderSettings(kind="ldap"), services)


@pytest.mark.sec("LDAP-24")
def test_switching_verification_off_is_told(
    make: Callable[..., LDAPProvider], slapd: Slapd, caplog: pytest.LogCaptureFixture
) -> None:
    """Without verification logins work, and the log warns at start-up."""
    caplog.set_level(logging.WARNING)
    provider = make(tls={"ca_file": None, "verify": False})

    assert "providers.staff.tls.verify is off" in caplog.text
    assert isinstance(provider.authenticate("bob", Password(slapd.person("bob").password)), VerifiedIdentity)


@pytest.mark.sec("LDAP-24")
def test_an_unknown_authority_is_unavailable(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """A server whose authority is not trusted can't be asked, and nobody is told that their password is wrong."""
    outcome = make(tls={"ca_file": None}).authenticate("bob", Password(slapd.person("bob").password))

    assert isinstance(outcome, Unavailable)
    assert outcome.code == "tls"
    assert "self-signed" in outcome.steps[-1].detail or "unable to get" in outcome.steps[-1].detail


def test_a_client_certificate_is_shown(make: Callable[..., LDAPProvider], slapd: Slapd, tmp_path: Path) -> None:
    """With a certificate and key of our own the connection still works."""
    issued = Authority(tmp_path).issue("client.example.org")
    provider = make(tls={"client_cert": str(issued.certificate), "client_key": str(issued.key)})

    assert isinstance(provider.authenticate("bob", Password(slapd.person("bob").password)), VerifiedIdentity)


def test_the_hint_is_configured(make: Callable[..., LDAPProvider]) -> None:
    """The hint above the form is the administrator's, and empty by default."""
    assert make(hint="Use **staff**").hint == "Use **staff**"
    assert make().hint == ""


def test_connections_are_kept_in_resources(make: Callable[..., LDAPProvider], slapd: Slapd, services: Services) -> None:
    """What is kept may be lost at any time: the next login makes it anew."""
    provider = make()
    for _ in range(2):
        assert isinstance(provider.authenticate("bob", Password(slapd.person("bob").password)), VerifiedIdentity)
        services.resources.clear()


def test_two_directories_share_nothing(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """Providers of one process each keep to their own settings."""
    one, two = make("one"), make("two", people={"filter": "(uid=nobody)"})
    password = Password(slapd.person("bob").password)

    assert isinstance(one.authenticate("bob", password), VerifiedIdentity)
    assert not isinstance(two.authenticate("bob", password), VerifiedIdentity)


@pytest.mark.sec("LDAP-34")
def test_fifty_people_at_once(make: Callable[..., LDAPProvider], slapd: Slapd) -> None:
    """Logins of all people at the same time, right and wrong, each end as themselves or not at all."""
    provider = make()
    tries = [(person, right) for person in slapd.people for right in (True, False)] * 5

    def log_in(one: tuple[Any, bool]) -> bool:
        person, right = one
        outcome = provider.authenticate(person.uid, Password(person.password if right else "wrong"))
        return (outcome.username == person.mail) is right if isinstance(outcome, VerifiedIdentity) else not right

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(log_in, tries))


def test_settings_class_is_the_adapters() -> None:
    """The block of this kind is read with the adapter's own settings."""
    assert LDAPProvider.settings_class is LDAPSettings
