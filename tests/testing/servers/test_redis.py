"""The throw-away Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as client

from onegov_auth.testing.servers import Redis, ServerFailedError, ServerMissingError


@pytest.fixture(name="connection")
def _connection(redis_url: str) -> Iterator[client.Redis]:
    with client.Redis.from_url(redis_url) as connection:
        yield connection


def test_a_value_is_kept(connection: client.Redis) -> None:
    """What is set can be read."""
    connection.set("a", "1")

    assert connection.get("a") == b"1"


def test_every_test_finds_it_empty(connection: client.Redis) -> None:
    """What another test wrote is gone."""
    assert connection.dbsize() == 0


def test_two_servers_run_side_by_side(connection: client.Redis, redis: Redis) -> None:
    """A second server has a port and data of its own."""
    connection.set("a", "1")
    with Redis() as other, client.Redis.from_url(other.url) as elsewhere:
        assert other.port != redis.port
        assert elsewhere.get("a") is None


def test_a_stopped_server_answers_nobody() -> None:
    """After stop there is no connection."""
    with Redis() as server:
        server.stop()

        assert not server.is_ready()


def test_a_refused_flush_is_an_error() -> None:
    """A server that wants a password refuses to flush, and that is said."""
    with Redis() as server:
        with client.Redis.from_url(server.url) as connection:
            connection.config_set("requirepass", "secret")
        with pytest.raises(ServerFailedError, match="FLUSHALL: -NOAUTH"):
            server.flush()


def test_a_missing_server_names_its_package() -> None:
    """Who has no Redis is told what to install."""
    with pytest.raises(ServerMissingError, match="install the package redis-server"):
        Redis().find("redis-of-nobody")
