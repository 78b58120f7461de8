from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from uuid import uuid4

import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, Factor, FactorSettings, Used
from onegov_auth.outcomes import Challenge, Refused


class Word(Factor):
    """A factor that asks for a word."""

    type = "word"

    def enrol(self, user: UserInfo, answer: str | None, transaction: Transaction) -> Enrolment | EnrolmentForm:
        """Ask for the word first, store it then."""
        return EnrolmentForm({"ask": "your word"}) if answer is None else Enrolment(secret=answer)

    def challenge(self, enrolled: object, transaction: Transaction, client: Client) -> Challenge:
        """Nothing has to be sent."""
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """Compare with every enrolled word."""
        return next((Used(one.id) for one in enrolled if one.secret == answer), Refused("wrong_code"))


@pytest.fixture(name="word")
def _word() -> Word:
    return Word(settings=FactorSettings())


def test_a_factor_is_frozen_and_hides_secrets(word: Word) -> None:
    """Nothing on a shared factor changes, and no secret is printed."""
    with pytest.raises(FrozenInstanceError):
        word.clock = None  # type: ignore[misc, assignment]  # that it is frozen is the test
    for value in (
        Enrolled(uuid4(), secret="canary"),
        Enrolment(secret="canary"),
        EnrolmentForm(remember={"s": "canary"}),
    ):
        assert "canary" not in repr(value)


def test_a_factor_is_abstract() -> None:
    """Somebody has to say how it is proven."""
    with pytest.raises(TypeError):
        Factor(settings=FactorSettings())  # type: ignore[abstract]  # that it is refused is the test
