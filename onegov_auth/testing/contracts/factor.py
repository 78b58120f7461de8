"""What holds for every second factor, ours and anybody's."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, Factor, Used
from onegov_auth.outcomes import Challenge, Refused, Unavailable

__all__ = ["FactorContract", "Owner"]

USER = UserInfo(UUID(int=1), "ann@example.org", "member")
CLIENT = Client(address="192.0.2.1", browser="browser-one")
WAITING = Transaction("t" * 43, "factor", None, "/", {}, datetime(2100, 1, 1, tzinfo=UTC))

#: What people and programs send in place of an answer.
NONSENSE = ("", " ", "0", "x" * 10_000, "１２３４５６", "' OR 1=1 --", "\x00", "%00", "null", "[]", "{}", "\ud800")

#: More forms than this and the person gives up.
MAX_FORMS = 5

#: What the person answers to what is shown.
Respond = Callable[[Mapping[str, object]], str]


class Owner:
    """
    Somebody who has the factor. What is remembered on the way goes through JSON, as it does in the database.

    Args:
        factor: The factor.
        respond: What they answer to what is shown.
    """

    def __init__(self, factor: Factor, respond: Respond) -> None:
        self.factor = factor
        self.respond = respond
        self.enrolment = self.set_up()
        data = _through_json(self.enrolment.data)
        enrolment = self.enrolment
        self.enrolled = Enrolled(uuid4(), enrolment.key, data, enrolment.secret, None, enrolment.counter)

    def set_up(self) -> Enrolment:
        """Answer one form after the other."""
        step: Any = self.factor.enrol(USER, None, begun({}))
        for _ in range(MAX_FORMS):
            if not isinstance(step, EnrolmentForm):
                break
            step = self.factor.enrol(USER, self.respond(step.show), begun(step.remember))
        assert isinstance(step, Enrolment), step
        return step

    def asked(self) -> tuple[str, Transaction]:
        """Be asked: the right answer, and the transaction it is right in."""
        challenge = self.factor.challenge([self.enrolled], WAITING, CLIENT)
        assert isinstance(challenge, Challenge), challenge
        answer = self.respond({**self.enrolment.show, **challenge.show})
        return answer, replace(WAITING, data=_through_json(challenge.data))


def begun(remember: Mapping[str, object]) -> Transaction:
    """The transaction of a set-up in which a form was shown."""
    return replace(WAITING, kind="enrolment", data={**_through_json(remember), "enrolled": []})


def _through_json(data: Mapping[str, object]) -> dict[str, Any]:
    clear: dict[str, Any] = json.loads(json.dumps(dict(data)))
    return clear


class FactorContract:
    """
    Subclass it as ``Test…`` and override the fixtures.

    Fixtures: ``factor``; ``respond`` (what the person answers to what a form or a challenge shows, anew each time);
    ``broken_factor`` (whose server is down, for those that ask one).

    Attributes:
        asks_a_server: Whether a server is asked.
    """

    asks_a_server: ClassVar[bool] = False

    @pytest.fixture
    def factor(self) -> Factor:
        """The factor, made by its ``create``."""
        raise NotImplementedError("override the fixture 'factor'")

    @pytest.fixture
    def respond(self) -> Respond:
        """What the owner answers to what is shown."""
        raise NotImplementedError("override the fixture 'respond'")

    @pytest.fixture
    def broken_factor(self) -> Factor:
        """The factor whose server is down."""
        raise NotImplementedError("override the fixture 'broken_factor'")

    @pytest.fixture
    def owner(self, factor: Factor, respond: Respond) -> Owner:
        """Somebody who has set it up."""
        return Owner(factor, respond)

    def test_it_is_frozen(self, factor: Factor) -> None:
        """Nothing on a factor changes, for all threads share it."""
        with pytest.raises(FrozenInstanceError):
            factor.settings = None  # type: ignore[misc]  # that is the point

    def test_the_owner_is_believed(self, owner: Owner) -> None:
        """Set up, asked and answered: it is used, and says which one it was."""
        answer, transaction = owner.asked()
        used = owner.factor.verify([owner.enrolled], answer, transaction, CLIENT)

        assert isinstance(used, Used), used
        assert (used.factor, used.refused) == (owner.enrolled.id, None)

    @pytest.mark.sec("MFA-04", "OTP-07")
    @pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
    def test_nonsense_is_refused(self, owner: Owner, answer: str) -> None:
        """Nothing, too much and other scripts are refused, and are no error."""
        _, transaction = owner.asked()

        assert isinstance(owner.factor.verify([owner.enrolled], answer, transaction, CLIENT), Refused)

    @pytest.mark.sec("MFA-04")
    @pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
    def test_nonsense_sets_nothing_up(self, factor: Factor, answer: str) -> None:
        """A form that is answered with nonsense is refused or shown again."""
        form = factor.enrol(USER, None, begun({}))
        step = factor.enrol(USER, answer, begun(form.remember)) if isinstance(form, EnrolmentForm) else None

        assert step is None or isinstance(step, Refused | EnrolmentForm), step

    @pytest.mark.sec("MFA-07", "OTP-13")
    def test_the_answer_of_somebody_else(self, factor: Factor, respond: Respond) -> None:
        """What is right for one is wrong for another one of the same type."""
        mine, theirs = Owner(factor, respond), Owner(factor, respond)
        _, transaction = mine.asked()
        answer, _ = theirs.asked()

        assert isinstance(factor.verify([mine.enrolled], answer, transaction, CLIENT), Refused)

    @pytest.mark.sec("OTP-02", "NIST-19", "NIST-29")
    def test_the_same_answer_twice(self, owner: Owner) -> None:
        """It is refused, or the core can tell: by what is used once, or by a counter that doesn't grow."""
        answer, transaction = owner.asked()
        first = owner.factor.verify([owner.enrolled], answer, transaction, CLIENT)
        assert isinstance(first, Used), first
        after = replace(owner.enrolled, counter=first.counter, data={**owner.enrolled.data, **first.data})
        again = owner.factor.verify([after], answer, transaction, CLIENT)

        assert isinstance(again, Refused) or _is_told_apart(first, again), again

    def test_a_server_that_is_down(self, owner: Owner, request: pytest.FixtureRequest) -> None:
        """Nobody is told that the code is wrong when nobody could say."""
        if not self.asks_a_server:
            return
        broken: Factor = request.getfixturevalue("broken_factor")
        answer, transaction = owner.asked()
        asked = broken.challenge([owner.enrolled], WAITING, CLIENT)
        verdict = (
            broken.verify([owner.enrolled], answer, transaction, CLIENT) if isinstance(asked, Challenge) else asked
        )

        assert isinstance(verdict, Unavailable), verdict

    @pytest.mark.sec("LOG-02", "NIST-28")
    def test_nothing_secret_is_shown(self, owner: Owner, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the log nor a repr shows the secret or an answer, and what may be seen doesn't hold the secret."""
        caplog.set_level(logging.DEBUG)
        answer, transaction = owner.asked()
        owner.factor.verify([owner.enrolled], answer, transaction, CLIENT)
        seen = f"{owner.factor!r}{owner.enrolled!r}{owner.enrolment!r}{transaction!r}{caplog.text}"

        assert not [text for text in (owner.enrolled.secret, answer) if text and text in seen]


def _is_told_apart(first: Used, again: object) -> bool:
    if not isinstance(again, Used):
        return False
    same = again.once is not None and again.once == first.once
    return same or (again.counter is not None and first.counter is not None and again.counter <= first.counter)
