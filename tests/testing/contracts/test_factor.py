"""The contract of second factors notices broken ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import uuid4

import pytest

from onegov_auth.factors import (
    Challenge,
    Client,
    Enrolled,
    Enrolment,
    Factor,
    FactorSettings,
    Refused,
    Transaction,
    Used,
    UserInfo,
)
from onegov_auth.testing.contracts.factor import FactorContract, Owner


@dataclass(frozen=True, kw_only=True)
class Anything(Factor):
    """Believes everything, and says nothing of what was used."""

    type: ClassVar[str] = "anything"

    def enrol(self, user: UserInfo, answer: str | None, transaction: Transaction) -> Enrolment:
        """Everybody has it."""
        return Enrolment(secret="a secret", data={"secret": "a secret"})

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Nothing is sent."""
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """Yes."""
        return Used(enrolled[0].id if answer != "a secret" else uuid4())


def _respond(_shown: Mapping[str, object]) -> str:
    return "an answer"


@pytest.fixture(name="owner")
def _owner() -> Owner:
    return Owner(Anything(settings=FactorSettings()), _respond)


def test_what_it_notices(owner: Owner, caplog: pytest.LogCaptureFixture) -> None:
    """Nonsense that is believed, somebody else's answer, one that works twice, and a secret that can be seen."""
    suite = FactorContract()
    suite.test_the_owner_is_believed(owner)
    with pytest.raises(AssertionError):
        suite.test_nonsense_is_refused(owner, "")
    with pytest.raises(AssertionError):
        suite.test_the_answer_of_somebody_else(owner.factor, _respond)
    with pytest.raises(AssertionError):
        suite.test_the_same_answer_twice(owner)
    with pytest.raises(AssertionError):
        suite.test_nothing_secret_is_shown(owner, caplog)
