"""Codes on paper."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.factors import Enrolled, FactorServices, Refused, Used
from onegov_auth.factors.recovery_codes import RecoveryCodesFactor
from onegov_auth.settings.factors import RecoveryCodes
from onegov_auth.testing.contracts import FactorContract
from onegov_auth.testing.contracts.factor import CLIENT, USER, WAITING, begun


class TestContract(FactorContract):
    """The shipped suite, in front of a sheet of paper."""

    @pytest.fixture
    def factor(self) -> RecoveryCodesFactor:
        """The factor."""
        return _factor()

    @pytest.fixture
    def respond(self) -> Callable[[Mapping[str, object]], str]:
        """The first code on the sheet."""
        return _first


def _first(shown: Mapping[str, object]) -> str:
    codes = shown["codes"]
    assert isinstance(codes, list)
    return str(codes[0])


def _factor(count: int = 10) -> RecoveryCodesFactor:
    return RecoveryCodesFactor.create(RecoveryCodes(count=count), FactorServices())


def _set(factor: RecoveryCodesFactor) -> tuple[Enrolled, list[str]]:
    made = factor.enrol(USER, None, begun({}))
    codes: Any = made.show["codes"]
    return Enrolled(uuid4(), data=made.data, secret=made.secret), codes


@pytest.mark.sec("RECOV-01", "NIST-18", "NIST-43", "ASVS-6.5.3", "ASVS-6.5.4")
def test_what_is_made() -> None:
    """As many as configured, 80 bits each, all different, in groups that can be read."""
    mine, codes = _set(_factor(12))

    assert len(set(codes)) == 12
    assert all(len(code.replace("-", "")) == 16 and code.count("-") == 3 for code in codes)
    assert not set("".join(codes)) & set("ILOU")
    assert mine.data == {"count": 12}


@pytest.mark.sec("RECOV-01", "NIST-20")
def test_what_is_kept() -> None:
    """A salt of 128 bits for each set, and a slow hash of each code."""
    factor = _factor(2)
    kept = [json.loads(_set(factor)[0].secret or "") for _ in range(2)]

    assert kept[0]["salt"] != kept[1]["salt"]
    assert [len(one["salt"]) for one in kept] == [32, 32]
    assert [[len(hashed) for hashed in one["hashes"]] for one in kept] == [[64, 64], [64, 64]]


@pytest.mark.sec("RECOV-04")
@pytest.mark.parametrize(
    "change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')}\n"]
)
def test_how_people_type_it(change: Callable[[str], str]) -> None:
    """Small letters, blanks and no dashes."""
    factor = _factor()
    mine, codes = _set(factor)

    assert isinstance(factor.verify([mine], change(codes[7]), WAITING, CLIENT), Used)


@pytest.mark.sec("RECOV-04")
@pytest.mark.parametrize(("typed", "read"), [("O", "0"), ("I", "1"), ("l", "1"), ("o", "0")])
def test_what_is_misread(typed: str, read: str) -> None:
    """Letters that look like digits are those digits."""
    factor = RecoveryCodesFactor(settings=RecoveryCodes(count=1), choose=lambda _: read)
    mine, _ = _set(factor)

    assert isinstance(factor.verify([mine], typed * 16, WAITING, CLIENT), Used)


@pytest.mark.sec("RECOV-04")
@pytest.mark.parametrize("typed", ["A" * 15, "A" * 17, "A" * 100_000, "Ä" * 16, "U" * 16])
def test_what_is_no_code(typed: str) -> None:
    """Refused before anything is hashed."""
    factor = _factor(1)
    mine, _ = _set(factor)

    assert factor.verify([mine], typed, WAITING, CLIENT) == Refused("invalid_code")


@pytest.mark.sec("RECOV-02")
def test_each_names_itself() -> None:
    """Every code is told apart from the others by what may not be used again; a row without secret has none."""
    factor = _factor(3)
    mine, codes = _set(factor)
    marks = [factor.verify([Enrolled(uuid4()), mine], code, WAITING, CLIENT) for code in codes]

    assert len({used.once for used in marks if isinstance(used, Used)}) == 3
