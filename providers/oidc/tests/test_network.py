from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import ip_network

import httpcore
import pytest

from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc.connections import Client, Route, make_client
from onegov_auth_oidc.network import ForbiddenAddressError, GuardedBackend, Zone, deadline, resolve, zone_of


@pytest.mark.sec("OAUTH-26")
@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("93.184.216.34", Zone.PUBLIC),
        ("2606:2800:220:1::1", Zone.PUBLIC),
        ("10.0.0.1", Zone.PRIVATE),
        ("192.168.1.1", Zone.PRIVATE),
        ("100.64.0.1", Zone.PRIVATE),
        ("fd00::1", Zone.PRIVATE),
        ("127.0.0.1", Zone.LOOPBACK),
        ("::1", Zone.LOOPBACK),
        ("::ffff:127.0.0.1", Zone.LOOPBACK),
        ("::ffff:169.254.169.254", Zone.FORBIDDEN),
        ("64:ff9b::a9fe:a9fe", Zone.FORBIDDEN),
        ("2002:a9fe:a9fe::1", Zone.FORBIDDEN),
        ("64:ff9b::0a00:1", Zone.PRIVATE),
        ("169.254.169.254", Zone.FORBIDDEN),
        ("fe80::1%eth0", Zone.FORBIDDEN),
        ("0.0.0.0", Zone.FORBIDDEN),
        ("224.0.0.1", Zone.FORBIDDEN),
    ],
)
def test_zones(address: str, zone: Zone) -> None:
    """An address is as far inside as it is, also in another notation."""
    assert zone_of(address) is zone


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def names(**known: list[str]) -> Callable[[str, int], list[str]]:
    def lookup(host: str, _: int) -> list[str]:
        if host not in known:
            raise OSError("unknown")
        return known[host]

    return lookup


@pytest.mark.sec("OAUTH-26", "ASVS-1.3.6")
@pytest.mark.parametrize("issuer", [["93.184.216.34"], ["10.0.0.1"]], ids=["public", "private"])
def test_an_issuer_cannot_lead_to_this_machine(port: int, issuer: list[str]) -> None:
    """A name that leads to this machine is not asked for an issuer that is elsewhere."""
    backend = GuardedBackend("issuer", names(issuer=issuer, other=["127.0.0.1"]))

    with pytest.raises(ForbiddenAddressError):
        backend.connect_tcp("other", port)


@pytest.mark.sec("OAUTH-26", "ASVS-1.3.6")
@pytest.mark.parametrize(
    "answers",
    [[["93.184.216.34"], ["127.0.0.1"]], [["127.0.0.1", "93.184.216.34"], ["127.0.0.1"]]],
    ids=["later", "beside"],
)
def test_an_issuer_cannot_claim_to_be_inside(port: int, answers: list[list[str]]) -> None:
    """Who answers for a name may change the answer; what was once outside leads to nothing inside."""
    looked_up = iter(answers)
    backend = GuardedBackend("issuer", lambda host, _: next(looked_up) if host == "issuer" else ["127.0.0.1"])
    for _ in answers:
        with pytest.raises(ForbiddenAddressError):
            backend.connect_tcp("other", port)


@pytest.mark.sec("OAUTH-26")
def test_nobody_leads_to_a_cloud_machines_credentials(port: int) -> None:
    """A link-local address is not asked, not even for the issuer itself."""
    backend = GuardedBackend("issuer", names(issuer=["169.254.169.254"]))

    with pytest.raises(ForbiddenAddressError):
        backend.connect_tcp("issuer", port)


def test_an_issuer_on_this_machine_may_name_others_there(port: int) -> None:
    """A test provider and its endpoints are both on this machine, and the next address is tried."""
    backend = GuardedBackend("issuer", names(issuer=["127.0.0.1"], other=["::1", "127.0.0.1"]))
    backend.connect_tcp("other", port, 1.0).close()


@pytest.mark.sec("OAUTH-26")
def test_a_name_that_changes_in_between_gains_nothing(port: int) -> None:
    """The address that was judged is the one connected to; the name is not looked up a second time."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    backend = GuardedBackend("issuer", lambda host, _: ["127.0.0.1"] if host == "issuer" else next(answers))
    stream = backend.connect_tcp("other", port, 1.0)
    peer = stream.get_extra_info("server_addr")
    stream.close()

    assert peer == ("127.0.0.1", port)
    assert next(answers) == ["169.254.169.254"]


@pytest.mark.parametrize("host", ["issuer", "other"])
def test_an_unknown_name_is_a_connect_error(port: int, host: str) -> None:
    """A name that is not known can't be connected to."""
    backend = GuardedBackend("issuer", names())

    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp(host, port)


def test_nobody_listening_is_a_connect_error() -> None:
    """An address that refuses is an error, and not a forbidden one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        backend = GuardedBackend("localhost", names(localhost=["127.0.0.1"]))

        with pytest.raises(httpcore.ConnectError) as caught:
            backend.connect_tcp("localhost", taken.getsockname()[1], 1.0)

    assert not isinstance(caught.value, ForbiddenAddressError)


def test_names_are_resolved_by_the_system() -> None:
    """Each address of a name is told once."""
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]


def status(client: Client, url: str) -> int:
    with closing(client.ask("GET", url, {}, None)) as answer:
        return answer.status


def test_a_deadline_inside_of_another_is_no_longer(op: HostileOidcProvider) -> None:
    """One question can't take more time than all of them have together, and what comes after has its own again."""
    with closing(make_client(Route(op.issuer))) as client:
        with deadline(0), deadline(10), pytest.raises(httpcore.ReadTimeout):
            status(client, f"{op.issuer}/jwks")
        with deadline(10):
            assert status(client, f"{op.issuer}/jwks") == 200


def test_a_deadline_that_is_over_reads_nothing(op: HostileOidcProvider) -> None:
    """When the time for the whole exchange is over, not even a connection is made."""
    with closing(make_client(Route(op.issuer))) as client, deadline(0), pytest.raises(httpcore.ReadTimeout):
        status(client, f"{op.issuer}/jwks")

    assert op.calls == []


def backend(*allow: str) -> GuardedBackend:
    """What guards the way of an issuer outside; "inner" is in a private network, "local" on this machine."""
    addresses = {"issuer": "93.184.216.34", "inner": "10.1.2.3", "local": "127.0.0.1", "cloud": "169.254.169.254"}
    networks = tuple(ip_network(network) for network in allow)
    return GuardedBackend("issuer", lambda host, _: [addresses[host]], networks)


@pytest.mark.sec("OAUTH-26", "ASVS-1.3.6")
@pytest.mark.parametrize(
    ("allow", "host", "expected"),
    [
        ((), "inner", []),
        (("10.1.0.0/16",), "inner", ["10.1.2.3"]),
        (("10.2.0.0/16",), "inner", []),
        (("10.1.0.0/16",), "local", []),
        (("127.0.0.0/8",), "local", ["127.0.0.1"]),
        (("fd00::/8", "10.1.2.3/32"), "inner", ["10.1.2.3"]),
        (("0.0.0.0/0",), "cloud", []),
    ],
)
def test_inner_networks_are_allowed_by_name(allow: tuple[str, ...], host: str, expected: list[str]) -> None:
    """Only what was written down, and never the addresses where machines keep their own credentials."""
    assert backend(*allow)._allowed(host, 443) == expected


def test_a_question_goes_out_when_its_answer_is_waited_for() -> None:
    """What is written one by one is sent in one piece; nothing of it is there before somebody reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = GuardedBackend("localhost").connect_tcp("127.0.0.1", server.getsockname()[1])
        other, _ = server.accept()
        with other:
            stream.write(b"head ")
            stream.write(b"body")
            other.settimeout(0.2)
            with pytest.raises(TimeoutError):
                other.recv(1)
            other.settimeout(5)
            other.sendall(b"answer")
            assert stream.read(100) == b"answer"
            assert other.recv(100) == b"head body"
        stream.close()
