from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.providers import Check, CheckState
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCSettings
from onegov_auth_oidc.doctor_route import examine_route

Look = Callable[..., dict[str, Check]]


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    """Who signs certificates here."""
    return Authority(tmp_path)


@pytest.fixture(name="look")
def _look(clock: FakeClock, authority: Authority) -> Iterator[Look]:
    """The steps by name, on the way to a provider with a certificate of those names."""
    servers: list[HostileOidcProvider] = []

    def look(
        *names: str, trusts: bool = True, lasts: timedelta = timedelta(days=90), host: str = "127.0.0.1", **block: Any
    ) -> dict[str, Check]:
        issued = authority.issue(*(names or ("127.0.0.1",)), expires=clock() + lasts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        servers.append(HostileOidcProvider(clock, tls=context))
        issuer = servers[-1].issuer.replace("127.0.0.1", host)
        network = {"ca_file": str(authority.ca_file)} if trusts else {}
        right = {"kind": "oidc", "issuer": issuer, "client_id": "a", "client_secret": "b"}
        settings = OIDCSettings.model_validate({**right, "network": network, **block})
        return {check.name: check for check in examine_route(settings, clock)}

    yield look
    for server in servers:
        server.close()


def test_a_good_way(look: Look) -> None:
    """Addresses, protocol, authority and end of the certificate are shown."""
    steps = look()

    assert [step.state for step in steps.values()] == [CheckState.OK, CheckState.OK]
    assert steps["DNS"].detail == "127.0.0.1 is 127.0.0.1"
    assert steps["TLS"].detail.startswith("TLSv1.3, by ")


def test_a_certificate_that_ends_soon(look: Look) -> None:
    """Three weeks before the end somebody should look."""
    assert look(lasts=timedelta(days=20))["TLS"].state is CheckState.WARNING


@pytest.mark.parametrize(
    ("how", "words", "hint"),
    [
        ({"lasts": timedelta(days=-1)}, "expired", "renew"),
        ({"names": ("other.example.org",)}, "not valid for", "another host"),
        ({"names": ("127.0.0.1",), "host": "localhost"}, "not valid for", "another host"),
        ({"trusts": False}, "unable to get local issuer certificate", "ca_file"),
    ],
    ids=["expired", "address", "name", "authority"],
)
def test_a_certificate_that_is_not_believed(look: Look, how: dict[str, Any], words: str, hint: str) -> None:
    """What is wrong with it is said, and what to do."""
    step = look(*how.pop("names", ()), **how)["TLS"]

    assert step.state is CheckState.FAILED
    assert words in step.detail
    assert hint in step.hint


def test_no_tls_at_this_port(look: Look, clock: FakeClock) -> None:
    """A server that speaks something else is no provider."""
    plain = HostileOidcProvider(clock)
    step = look(issuer=plain.issuer.replace("http:", "https:"))["TLS"]
    plain.close()

    assert step.state is CheckState.FAILED
    assert "TLS" in step.hint


def test_nobody_listens(look: Look) -> None:
    """A closed port is told from a bad certificate."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        step = look(issuer=f"https://127.0.0.1:{taken.getsockname()[1]}")["TLS"]

    assert step.state is CheckState.FAILED
    assert "refused" in step.detail


def test_a_name_nobody_knows(clock: FakeClock) -> None:
    """Without an address nothing is connected to."""

    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    block = {"kind": "oidc", "issuer": "https://id.invalid", "client_id": "a", "client_secret": "b"}
    steps = list(examine_route(OIDCSettings.model_validate(block), clock, unknown))

    assert [(step.name, step.state) for step in steps] == [("DNS", CheckState.FAILED)]


def test_by_a_proxy(look: Look) -> None:
    """Behind a proxy only the proxy sees name and certificate; its password is not shown."""
    steps = look(network={"proxy": "http://me:canary@proxy.example.org:3128"})

    assert list(steps) == ["proxy"]
    assert steps["proxy"].detail.endswith("by proxy.example.org:3128")
    assert "canary" not in repr(steps)
