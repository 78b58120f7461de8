"""What holds for every second factor holds for YubiKeys, passkeys and codes by text message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.database import Database
from onegov_auth.factors import Factor, FactorServices
from onegov_auth.factors.mtan import MTANFactor, SendLimits
from onegov_auth.factors.webauthn import WebAuthnFactor
from onegov_auth.factors.yubikey import YubiKeyFactor
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.settings import Settings
from onegov_auth.settings.factors import MTAN, WebAuthn, YubiKey
from onegov_auth.testing.contracts import FactorContract
from onegov_auth.testing.passkey import SoftwarePasskey, to_base64url
from onegov_auth.testing.servers import Yubiserver
from onegov_auth.testing.yubikey import SoftwareYubiKey


def yubikeys(server: Yubiserver, url: str) -> Factor:
    block = YubiKey.model_validate({"client_id": server.client_id, "secret_key": server.secret_key, "urls": [url]})
    return YubiKeyFactor.create(block, FactorServices())


class TestYubiKey(FactorContract):
    """YubiKeys, validated by a real server."""

    asks_a_server = True

    @pytest.fixture
    def factor(self, yubiserver: Yubiserver) -> Factor:
        """With a server that knows the keys."""
        return yubikeys(yubiserver, yubiserver.url)

    @pytest.fixture
    def broken_factor(self, yubiserver: Yubiserver) -> Factor:
        """With a server where nobody listens."""
        return yubikeys(yubiserver, "http://127.0.0.1:1/")

    @pytest.fixture
    def respond(self, yubiserver: Yubiserver) -> Callable[[Mapping[str, object]], str]:
        """A set-up takes a new key; later the key with the serial number that was shown is touched."""
        keys: dict[object, SoftwareYubiKey] = {}

        def touch(show: Mapping[str, object]) -> str:
            if "step" in show:
                key = yubiserver.new_yubikey()
                keys[key.serial] = key
            return keys[show.get("serial", max(keys, key=str))].touch()

        return touch


class TestPasskey(FactorContract):
    """Passkeys, made of software."""

    @pytest.fixture
    def factor(self) -> Factor:
        """With the defaults."""
        return WebAuthnFactor.create(WebAuthn(), FactorServices(base_url="https://app.example.org"))

    @pytest.fixture
    def respond(self) -> Callable[[Mapping[str, object]], str]:
        """Make one, or use the one that is asked for."""
        passkeys: dict[str, SoftwarePasskey] = {}

        def answer(show: Mapping[str, object]) -> str:
            options: Any = show["options"]
            if show["mode"] == "create":
                passkey = SoftwarePasskey()
                passkeys[to_base64url(passkey.id)] = passkey
                return passkey.create(options)
            return passkeys[options["allowCredentials"][0]["id"]].get(options)

        return answer


class TestMTAN(FactorContract):
    """Codes by text message, which are read from a folder."""

    @pytest.fixture
    def mailer(self, database: Database, make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Mailer]:
        """Delivers when it is told to."""
        settings = make_settings(sms={"url": f"spool:{tmp_path}/sms", "sender": "Govikon"})
        mailer = Mailer(settings, database, Keys(settings.secrets, settings.application))
        mailer.wake = lambda: None  # type: ignore[method-assign]  # the tests deliver themselves
        yield mailer
        mailer.close()

    @pytest.fixture
    def factor(self, database: Database, mailer: Mailer) -> Factor:
        """Without a pause, which the contract does not wait for."""
        made = MTANFactor.create(MTAN(enabled=True), FactorServices(database=database, mailer=mailer))
        return replace(made, limits=SendLimits(timedelta(0), number=100, user=100, address=100))

    @pytest.fixture
    def respond(self, mailer: Mailer, tmp_path: Path) -> Callable[[Mapping[str, object]], str]:
        """A new number for each set-up, and the code of the last message."""
        numbers = iter(range(1_000_000, 2_000_000))

        def answer(show: Mapping[str, object]) -> str:
            if show.get("step") == "number":
                return f"+4179{next(numbers)}"
            mailer.deliver()
            newest = max((tmp_path / "sms").glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
            return str(json.loads(newest.read_text())["text"].rpartition("#")[2])

        return answer
