"""The factor keeps what every second factor promises."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping

import pytest
from onegov_auth_hotp.factor import HOTPFactor, code

from onegov_auth.factors import FactorServices
from onegov_auth.testing.contracts import FactorContract


class TestContract(FactorContract):
    """The shipped suite, in front of a token."""

    @pytest.fixture
    def factor(self) -> HOTPFactor:
        """The factor."""
        return HOTPFactor.create(HOTPFactor.settings_class(), FactorServices())

    @pytest.fixture
    def respond(self) -> Callable[[Mapping[str, object]], str]:
        """What people type: the seed of a new token and its first code, later its next one."""
        tokens: list[tuple[str, itertools.count[int]]] = []

        def respond(shown: Mapping[str, object]) -> str:
            if "ask" in shown:
                tokens.append((secrets.token_hex(20), itertools.count(1)))
                return f"{tokens[-1][0]} {code(tokens[-1][0], 0)}"
            seed, presses = tokens[-1]
            return code(seed, next(presses))

        return respond
