from __future__ import annotations

import pytest

from onegov_auth_oidc.urls import discovery_urls, host_of, is_loopback, issuer_fault, url_fault


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine(host: str) -> None:
    """These names can only be this machine."""
    assert is_loopback(host)


@pytest.mark.sec("OAUTH-22")
@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", ""])
def test_other_machines(host: str) -> None:
    """These are not this machine, though they begin like it."""
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["https://id.example.com", "https://id.example.com:8443/a?b=c", "https://[::1]/"])
def test_https_is_right(url: str) -> None:
    """An address over TLS is right, and with it a test provider's on this machine."""
    assert url_fault(url, plain_loopback=False) is None


@pytest.mark.parametrize("url", ["http://localhost:1/a", "http://127.0.0.1", "http://[::1]:80"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    """Plain HTTP is right on this machine, and only if it is wanted."""
    assert url_fault(url, plain_loopback=True) is None
    assert url_fault(url, plain_loopback=False) == "must begin with https://"


@pytest.mark.sec("OAUTH-22", "OAUTH-26")
@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "https://localhost@evil.example",
        "http://localhost\\@evil.example",
        "https://id.example.com\\.evil.example",
        "http://localhost.evil.example",
        "http://169.254.169.254/",
        "ftp://localhost",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//localhost",
        "https://",
        "https:///path",
        "https://a b",
        "https://a\n",
        "https://ü.example",
        "https://a:port",
        "https://a:99999",
        "https://[::1",
        "https://a/#fragment",
        "https://a/#",
        "https://" + "a" * 3000,
        "",
        None,
        1,
        ["https://a"],
    ],
    ids=lambda url: repr(url)[:40],
)
def test_everything_else_is_a_fault(url: object) -> None:
    """Other schemes, hidden hosts, and what is no address are refused, even when plain HTTP is allowed."""
    assert url_fault(url, plain_loopback=True)


def test_an_issuer_has_no_query() -> None:
    """An issuer is an address without a query."""
    assert issuer_fault("https://id.example.com/?a") == "must not have a query"
    assert issuer_fault("https://id.example.com/") is None
    assert issuer_fault("http://id.example.com/")


@pytest.mark.parametrize("issuer", ["https://id.example.com/realm", "https://id.example.com/realm/"])
def test_the_metadata_lies_below_the_issuer(issuer: str) -> None:
    """First below the issuer, then where RFC 8414 says; one slash at the end is dropped (Discovery §4.1)."""
    host = "https://id.example.com"

    assert discovery_urls(issuer) == (
        f"{host}/realm/.well-known/openid-configuration",
        f"{host}/.well-known/oauth-authorization-server/realm",
        f"{host}/.well-known/openid-configuration/realm",
    )


def test_an_issuer_without_a_path_has_two_places() -> None:
    """Where both standards mean the same address it is asked once."""
    assert discovery_urls("https://id.example.com/") == (
        "https://id.example.com/.well-known/openid-configuration",
        "https://id.example.com/.well-known/oauth-authorization-server",
    )


def test_the_metadata_of_all_organisations() -> None:
    """The name of no single organisation stands where a token has one's id."""
    found = discovery_urls("https://login.microsoftonline.com/{tenantid}/v2.0")

    assert found[0] == "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration"


def test_the_host_is_without_port() -> None:
    """The host is in lower case, without user and port."""
    assert host_of("https://ID.example.com:8443/a") == "id.example.com"
