"""The provider keeps what every provider of passwords promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from onegov_auth_passwd.provider import PasswdProvider, line

from onegov_auth.providers import Services
from onegov_auth.testing.contracts import PasswordProviderContract, Person

ANN = Person(login="ann", password="correct horse battery staple", source_id="1001", username="ann")


class TestContract(PasswordProviderContract):
    """The shipped suite, in front of a real file."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """The password file."""
        path = tmp_path / "passwd"
        path.write_text(line("1001", "ann", ANN.password, "0f" * 16) + "\n")
        return path

    @pytest.fixture
    def block(self, path: Path) -> Mapping[str, object]:
        """A block as it is read from YAML."""
        return {"kind": "passwd", "path": str(path)}

    @pytest.fixture
    def provider(self, block: Mapping[str, object]) -> PasswdProvider:
        """The provider."""
        return PasswdProvider.create("staff", PasswdProvider.settings_class.model_validate(block), Services())

    @pytest.fixture
    def broken_provider(self, tmp_path: Path) -> PasswdProvider:
        """The provider when its file is gone."""
        block = {"kind": "passwd", "path": str(tmp_path / "gone")}
        return PasswdProvider.create("staff", PasswdProvider.settings_class.model_validate(block), Services())

    @pytest.fixture
    def stop_service(self, path: Path) -> Callable[[], None]:
        """Takes the file away."""
        return path.unlink

    @pytest.fixture
    def person(self) -> Person:
        """Somebody in the file."""
        return ANN

    @pytest.fixture
    def canaries(self) -> list[str]:
        """The settings hold no secret."""
        return []
