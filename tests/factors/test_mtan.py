"""Codes by text message, on both databases, with messages in a folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from onegov_auth.database import Database
from onegov_auth.domain import Client, Transaction, UserInfo, hexadecimal
from onegov_auth.errors import SettingsError
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, FactorServices, Used
from onegov_auth.factors.mtan import MTANFactor
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer
from onegov_auth.models import TAN
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings import Settings
from onegov_auth.settings.factors import MTAN
from onegov_auth.testing.clock import FakeClock

CLIENT = Client(address="192.0.2.1", browser="b", language="de")
ANN = UserInfo(uuid4(), "ann", "member")
NUMBER = "+41791234567"


@pytest.fixture(name="mailer")
def _mailer(
    database: Database, clock: FakeClock, make_settings: Callable[..., Settings], tmp_path: Path
) -> Iterator[Mailer]:
    settings = make_settings(sms={"url": f"spool:{tmp_path}/sms", "sender": "Govikon"})
    mailer = Mailer(settings, database, Keys(settings.secrets, settings.application), clock=clock)
    mailer.wake = lambda: None  # type: ignore[method-assign]  # the tests deliver themselves
    yield mailer
    mailer.close()


@pytest.fixture(name="make")
def _make(database: Database, clock: FakeClock, mailer: Mailer) -> Callable[..., MTANFactor]:
    def make(**values: object) -> MTANFactor:
        services = FactorServices(
            clock=clock, database=database, mailer=mailer, title="Town\n of Govikon", base_url="https://app.example.org"
        )
        return MTANFactor.create(MTAN.model_validate({"enabled": True, **values}), services)

    return make


@pytest.fixture(name="factor")
def _factor(make: Callable[..., MTANFactor]) -> MTANFactor:
    return make()


@pytest.fixture(name="messages")
def _messages(mailer: Mailer, tmp_path: Path) -> Callable[[], list[dict[str, str]]]:
    def messages() -> list[dict[str, str]]:
        mailer.deliver()
        return [json.loads(file.read_text()) for file in sorted((tmp_path / "sms").glob("*.json"))]

    return messages


@pytest.fixture(name="begin")
def _begin(clock: FakeClock) -> Callable[..., Transaction]:
    def begin(id_: str = "one", /, **data: object) -> Transaction:
        return Transaction(id_, "factor", None, "/", data, clock() + timedelta(hours=1))

    return begin


@pytest.fixture(name="ask")
def _ask(
    factor: MTANFactor, begin: Callable[..., Transaction], messages: Callable[[], list[dict[str, str]]]
) -> Callable[..., tuple[str, Transaction]]:
    """Have a code sent in the login of that id; returns it and what the core hands to ``verify``."""

    def ask(enrolled: Enrolled, id_: str = "one") -> tuple[str, Transaction]:
        asked = factor.challenge([enrolled], begin(id_), CLIENT)
        assert isinstance(asked, Challenge)
        return messages()[-1]["text"].rpartition("#")[2], begin(id_, **asked.data)

    return ask


def enrolled(number: str = NUMBER) -> Enrolled:
    return Enrolled(uuid4(), data={"value": number})


def same_id() -> Enrolled:
    """A number whose id is written like that of its user, so that ids alone tell no purposes apart."""
    return Enrolled(cast("UUID", hexadecimal(ANN.id)), data={"value": NUMBER})


@pytest.mark.sec("SMS-02", "ASVS-6.6.1", "NIST-25")
def test_a_number_is_set_up_by_the_code_that_was_sent_there(
    factor: MTANFactor, begin: Callable[..., Transaction], messages: Callable[[], list[dict[str, str]]]
) -> None:
    """Asked for the number first, then for the code; the number is shown with two digits and stored whole."""
    first = factor.enrol(ANN, None, begin())
    assert isinstance(first, EnrolmentForm)
    assert first.show == {"step": "number", "countries": ["CH", "AT", "DE", "FR", "IT", "LI"]}

    second = factor.enrol(ANN, "079 123 45 67", begin(**first.remember))
    assert isinstance(second, EnrolmentForm)
    assert second.show == {"step": "code", "number": "••• 67"}
    (message,) = messages()
    assert (message["to"], message["from"]) == (NUMBER, "Govikon")

    code = message["text"].rpartition("#")[2]
    made = factor.enrol(ANN, f" {code[:3]} {code[3:].lower()}", begin(**second.remember))
    assert made == Enrolment(data={"value": NUMBER})


@pytest.mark.parametrize("typed", ["", "12", "+1 201 555 0123", "0900 123 456"])
def test_a_number_that_is_not_taken_is_asked_for_again(
    factor: MTANFactor, begin: Callable[..., Transaction], messages: Callable[..., Any], typed: str
) -> None:
    """Nothing is sent to what is no mobile number of the countries."""
    assert factor.enrol(ANN, typed, begin()) == Refused("invalid_number")
    assert messages() == []


@pytest.mark.sec("SMS-07")
def test_a_code_is_for_one_purpose(
    factor: MTANFactor, begin: Callable[..., Transaction], ask: Callable[..., tuple[str, Transaction]], clock: FakeClock
) -> None:
    """A code that was sent for a login sets no number up, even if the factor had the id of its user."""
    code, _transaction = ask(same_id())

    assert factor.enrol(ANN, code, begin(number=NUMBER)) == Refused("wrong_code")


@pytest.mark.sec("SMS-07")
def test_a_code_that_was_sent_to_set_a_number_up_logs_nobody_in(
    factor: MTANFactor, begin: Callable[..., Transaction], messages: Callable[[], list[dict[str, str]]]
) -> None:
    """Even if the factor had the id of its user: the purpose is written beside the code."""
    form = factor.enrol(ANN, NUMBER, begin())
    assert isinstance(form, EnrolmentForm)
    code = messages()[-1]["text"].rpartition("#")[2]
    mine = same_id()

    transaction = begin(factor=mine.id, number=NUMBER)
    assert factor.verify([mine], code, transaction, CLIENT) == Refused("wrong_code")
    assert factor.enrol(ANN, code, begin(**form.remember)) == Enrolment(data={"value": NUMBER})


@pytest.mark.sec("SMS-01", "SMS-03")
def test_a_code_is_right_once(factor: MTANFactor, ask: Callable[..., tuple[str, Transaction]]) -> None:
    """The code goes to the stored number, has six characters, and is taken once."""
    mine = enrolled()
    code, transaction = ask(mine)

    assert len(code) == 6
    assert factor.verify([mine], code, transaction, CLIENT) == Used(mine.id)
    assert factor.verify([mine], code, transaction, CLIENT) == Refused("wrong_code")


@pytest.mark.sec("SMS-01", "NIST-23", "ASVS-6.5.5")
def test_a_code_is_void_after_ten_minutes(
    factor: MTANFactor, ask: Callable[..., tuple[str, Transaction]], clock: FakeClock
) -> None:
    """The default is the longest time there may be."""
    mine = enrolled()
    code, transaction = ask(mine)
    clock.advance(timedelta(minutes=10))

    assert factor.verify([mine], code, transaction, CLIENT) == Refused("wrong_code")


@pytest.mark.sec("SMS-01", "MFA-08", "ASVS-6.6.2")
def test_a_code_belongs_to_one_login(
    factor: MTANFactor, begin: Callable[..., Transaction], ask: Callable[..., tuple[str, Transaction]]
) -> None:
    """Neither another login of the same person nor another factor takes it, nor one that asked for nothing."""
    mine, other = enrolled(), enrolled()
    code, transaction = ask(mine)

    assert factor.verify([mine], code, begin("two", **transaction.data), CLIENT) == Refused("wrong_code")
    assert factor.verify([other], code, transaction, CLIENT) == Refused("wrong_code")
    assert factor.verify([mine], code, begin(), CLIENT) == Refused("wrong_code")
    assert factor.verify([mine], code, transaction, CLIENT) == Used(mine.id)


@pytest.mark.sec("SMS-02", "NIST-25")
def test_a_number_that_was_changed_meanwhile_takes_no_code(
    factor: MTANFactor, ask: Callable[..., tuple[str, Transaction]]
) -> None:
    """A code that went to the old number is void with it."""
    mine = enrolled()
    code, transaction = ask(mine)
    changed = Enrolled(mine.id, data={"value": "+41797654321"})

    assert factor.verify([changed], code, transaction, CLIENT) == Refused("wrong_code")


@pytest.mark.sec("SMS-01")
def test_a_new_code_voids_the_one_before(
    factor: MTANFactor, ask: Callable[..., tuple[str, Transaction]], clock: FakeClock
) -> None:
    """One code is good at a time."""
    mine = enrolled()
    old, _transaction = ask(mine)
    clock.advance(timedelta(seconds=30))
    new, transaction = ask(mine)

    assert factor.verify([mine], old, transaction, CLIENT) == Refused("wrong_code")
    assert factor.verify([mine], new, transaction, CLIENT) == Used(mine.id)


@pytest.mark.sec("NIST-24", "SMS-04", "ASVS-6.6.3")
def test_five_wrong_answers_void_the_code(factor: MTANFactor, ask: Callable[..., tuple[str, Transaction]]) -> None:
    """After five guesses even the right answer is wrong."""
    mine = enrolled()
    code, transaction = ask(mine)
    for _ in range(5):
        assert factor.verify([mine], "000000", transaction, CLIENT) == Refused("wrong_code")

    assert factor.verify([mine], code, transaction, CLIENT) == Refused("wrong_code")


@pytest.mark.sec("SMS-06")
def test_a_message_says_what_it_is_for(
    ask: Callable[..., tuple[str, Transaction]], messages: Callable[[], list[dict[str, str]]]
) -> None:
    """It names the application on one line, and its last line binds the code to the site for the browser."""
    code, transaction = ask(enrolled())

    text = messages()[-1]["text"]
    lines = text.split("\n")
    assert code in lines[0]
    assert "Town of Govikon" in lines[0]
    assert lines[1:] == ["", f"@app.example.org #{code}"]
    assert code not in repr(transaction)
    assert code not in str(transaction.data)


@pytest.mark.sec("SMS-04", "ASVS-6.6.3")
def test_messages_are_sent_slowly(
    factor: MTANFactor, begin: Callable[..., Transaction], clock: FakeClock, messages: Callable[..., Any]
) -> None:
    """The second one waits half a minute, the sixth an hour, whichever login asks for it."""
    mine = enrolled()
    assert isinstance(factor.challenge([mine], begin(), CLIENT), Challenge)
    assert factor.challenge([mine], begin("two"), CLIENT) == Refused("too_many_messages", retry_after=31)
    for _ in range(4):
        clock.advance(timedelta(seconds=30))
        assert isinstance(factor.challenge([mine], begin(), CLIENT), Challenge)
    clock.advance(timedelta(seconds=30))

    assert factor.challenge([mine], begin(), CLIENT) == Refused("too_many_messages", retry_after=3600 - 150 + 1)
    assert len(messages()) == 5
    clock.advance(timedelta(hours=1))
    assert isinstance(factor.challenge([mine], begin(), CLIENT), Challenge)


@pytest.mark.sec("SMS-04")
def test_a_number_is_not_flooded_by_many_people(factor: MTANFactor, begin: Callable[..., Transaction]) -> None:
    """One number has one budget, whoever sets it up or logs in."""
    assert isinstance(factor.enrol(ANN, NUMBER, begin()), EnrolmentForm)

    other = factor.enrol(UserInfo(uuid4(), "bob", "member"), NUMBER, begin("two"))

    assert isinstance(other, Refused)
    assert other.code == "too_many_messages"
    assert isinstance(factor.challenge([enrolled()], begin(), CLIENT), Refused)


@pytest.mark.sec("SMS-04")
def test_one_person_does_not_have_many_numbers_called(factor: MTANFactor, begin: Callable[..., Transaction]) -> None:
    """Somebody who tries number after number has to wait as well."""
    assert isinstance(factor.enrol(ANN, NUMBER, begin()), EnrolmentForm)

    assert factor.enrol(ANN, "+41791234568", begin()) == Refused("too_many_messages", retry_after=31)


@pytest.mark.sec("SMS-04")
def test_an_address_has_a_budget(factor: MTANFactor, begin: Callable[..., Transaction]) -> None:
    """Twenty messages an hour for one network address, whatever the numbers; other addresses are not held back."""
    outcomes = [factor.challenge([enrolled(f"+417912345{n:02}")], begin(), CLIENT) for n in range(21)]

    assert [isinstance(outcome, Challenge) for outcome in outcomes] == [True] * 20 + [False]
    elsewhere = Client(address="192.0.2.2", browser="b")
    assert isinstance(factor.challenge([enrolled("+41791234599")], begin(), elsewhere), Challenge)


@pytest.mark.sec("SMS-04")
def test_many_at_once_get_one_message(
    factor: MTANFactor, begin: Callable[..., Transaction], messages: Callable[..., Any]
) -> None:
    """Twenty threads that ask for the same person at the same moment have one message sent."""
    mine, start = enrolled(), threading.Barrier(20)
    outcomes: list[object] = []

    def ask() -> None:
        start.wait()
        outcomes.append(factor.challenge([mine], begin(), CLIENT))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(outcome, Challenge) for outcome in outcomes) == 1
    assert len(messages()) == 1


def test_a_number_that_is_not_allowed_any_more_is_not_used(
    factor: MTANFactor, begin: Callable[..., Transaction]
) -> None:
    """Where the countries were changed, or an operator wrote something else, nothing is sent."""
    assert factor.challenge([enrolled("+12015550123")], begin(), CLIENT) == Unavailable("mtan", "invalid_number")


def test_the_newest_number_is_used(factor: MTANFactor, begin: Callable[..., Transaction]) -> None:
    """Who set a second number up gets the code there."""
    old, new = enrolled(), enrolled("+41791234599")

    asked = factor.challenge([old, new], begin(), CLIENT)

    assert isinstance(asked, Challenge)
    assert asked.show == {"number": "••• 99"}


@pytest.mark.sec("SMS-06")
def test_the_table_has_neither_code_nor_transaction(
    ask: Callable[..., tuple[str, Transaction]], database: Database
) -> None:
    """Who reads the table learns no code, and can't go on with the login."""
    code, transaction = ask(enrolled(), "a-secret-id")

    with database.read() as db:
        (row,) = db.scalars(select(TAN)).all()
        stored = f"{row.hashed_tan} {row.meta} {row.scope}"
    assert code not in stored
    assert transaction.id not in stored


def test_it_needs_somebody_who_sends(make_settings: Callable[..., Settings], database: Database) -> None:
    """Without sms.url the start is refused."""
    settings = make_settings()
    mailer = Mailer(settings, database, Keys(settings.secrets, settings.application))

    with pytest.raises(SettingsError, match=r"second_factors\.mtan: needs sms\.url"):
        MTANFactor.create(MTAN(enabled=True), FactorServices(database=database, mailer=mailer))


@pytest.mark.parametrize("is_on", [True, False])
def test_automatic_setup_is_what_the_settings_say(make: Callable[..., MTANFactor], is_on: bool) -> None:
    """People are asked for a number only where that is configured."""
    assert make(automatic_setup=is_on).automatic_setup is is_on
