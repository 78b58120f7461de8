"""The throw-away validation server."""

from __future__ import annotations

from pathlib import Path

import pytest

from onegov_auth.factors.yubico import ValidationServers
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.settings.types import Secret
from onegov_auth.testing.servers import ServerMissingError, Yubiserver
from onegov_auth.testing.servers import yubiserver as module


def ask(server: Yubiserver, password: str) -> Refused | Unavailable | None:
    return ValidationServers.of(server.client_id, Secret(server.secret_key), [server.url]).refusal(password)


def test_it_knows_its_keys_and_no_others(yubiserver: Yubiserver) -> None:
    """What one of its keys types is good, once; what another key types is not."""
    key, other = yubiserver.new_yubikey(), yubiserver.new_yubikey()
    password = key.touch()

    assert ask(yubiserver, password) is None
    assert isinstance(ask(yubiserver, password), Refused)
    assert ask(yubiserver, other.touch()) is None
    assert isinstance(ask(yubiserver, "cccccccccccb" + other.touch()[12:]), Refused)


def test_counters_survive_a_restart_and_the_daemon_does_not(own_yubiserver: Yubiserver) -> None:
    """After a restart old passwords are still used up; after close no process is left."""
    key = own_yubiserver.new_yubikey()
    password = key.touch()
    assert ask(own_yubiserver, password) is None
    own_yubiserver.restart()

    assert isinstance(ask(own_yubiserver, password), Refused)

    daemon = Path("/proc") / (own_yubiserver.directory / "daemon.pid").read_text()
    own_yubiserver.close()
    assert not daemon.exists()
    assert not own_yubiserver.running


def test_a_paused_server_hangs_until_it_is_resumed(own_yubiserver: Yubiserver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that hangs is unavailable; when it goes on, it answers again."""
    monkeypatch.setattr("onegov_auth.factors.yubico.TIMEOUT", 0.2)
    key = own_yubiserver.new_yubikey()
    own_yubiserver.pause()

    assert isinstance(ask(own_yubiserver, key.touch()), Unavailable)

    own_yubiserver.resume()
    monkeypatch.setattr("onegov_auth.factors.yubico.TIMEOUT", 5.0)
    # It answers what was asked while it was paused first, and has its database locked meanwhile.
    outcomes = (ask(own_yubiserver, key.touch()) for _ in range(20))
    assert None in outcomes


def test_a_missing_database_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who has no yubiserver is told what to install."""
    monkeypatch.setattr(module, "_EMPTY", tmp_path / "none")

    with pytest.raises(ServerMissingError, match="install the package yubiserver"):
        Yubiserver().start()
