"""Codes of an app on the phone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import pyotp
import pytest

from onegov_auth.errors import MissingDependencyError
from onegov_auth.factors import Client, Enrolled, Enrolment, EnrolmentForm, FactorServices, Refused, Used
from onegov_auth.factors.totp import TOTPFactor
from onegov_auth.settings.factors import TOTP
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.contracts import FactorContract
from onegov_auth.testing.contracts.factor import CLIENT, USER, WAITING, begun

#: RFC 6238, appendix B: the shared secret of SHA-1, in Base32.
SECRET = base64.b32encode(b"12345678901234567890").decode()


class TestContract(FactorContract):
    """The shipped suite, in front of an app."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """The time of both."""
        return FakeClock()

    @pytest.fixture
    def factor(self, clock: FakeClock) -> TOTPFactor:
        """The factor."""
        return TOTPFactor.create(TOTP(), FactorServices(clock=clock))

    @pytest.fixture
    def respond(self, clock: FakeClock) -> Callable[[Mapping[str, object]], str]:
        """What the app shows that scanned a code last; the next one each time."""
        apps: list[str] = []

        def respond(shown: Mapping[str, object]) -> str:
            if "secret" in shown:
                apps.append(str(shown["secret"]).replace(" ", ""))
            else:
                clock.advance(timedelta(seconds=30))
            return pyotp.TOTP(apps[-1]).at(clock())

        return respond


def _factor(at: datetime, **settings: Any) -> TOTPFactor:
    return TOTPFactor.create(TOTP(**settings), FactorServices(clock=FakeClock(at), title="Example"))


def _verify(factor: TOTPFactor, answer: str, counter: int | None = None) -> Used | Refused:
    mine = Enrolled(uuid4(), secret=SECRET, counter=counter)
    return factor.verify([mine], answer, WAITING, CLIENT)


@pytest.mark.sec("OTP-01")
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, with SHA-1 and six digits, as every app has it."""
    used = _verify(_factor(datetime.fromtimestamp(seconds, UTC)), code[2:])

    assert isinstance(used, Used)
    assert used.counter == seconds // 30


@pytest.mark.sec("OTP-03", "NIST-30", "ASVS-6.5.5")
@pytest.mark.parametrize(
    ("steps", "expected"),
    [(0, None), (1, None), (-1, None), (2, "clock_off"), (-2, "clock_off"), (10, "clock_off"), (-10, "clock_off")],
)
def test_how_far_a_clock_may_be_off(steps: int, expected: str | None) -> None:
    """One step either way is good; up to ten steps away it is told that a clock is off, and used up."""
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    used = _verify(_factor(now), pyotp.TOTP(SECRET).at(now + timedelta(seconds=30 * steps)))

    assert isinstance(used, Used)
    assert (used.refused, used.counter) == (expected, int(now.timestamp()) // 30 + steps)


@pytest.mark.sec("OTP-03")
@pytest.mark.parametrize("steps", [11, -11, 1000])
def test_farther_away_it_is_wrong(steps: int) -> None:
    """Nothing is told of a code of another hour, and the window doesn't grow."""
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    assert _verify(_factor(now), pyotp.TOTP(SECRET).at(now + timedelta(seconds=30 * steps))) == Refused("wrong_code")


@pytest.mark.sec("OTP-02", "NIST-29")
@pytest.mark.parametrize(("used", "code"), [(0, "code_used"), (1, "code_used"), (-1, None)])
def test_what_was_used(used: int, code: str | None) -> None:
    """A step up to the last one that was taken is refused; the next one isn't."""
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    verdict = _verify(_factor(now), pyotp.TOTP(SECRET).at(now), int(now.timestamp()) // 30 + used)

    assert (verdict.code if isinstance(verdict, Refused) else None) == code


@pytest.mark.sec("OTP-07")
@pytest.mark.parametrize("typed", ["123 456", " 123456 ", "123-456", "1 2 3 4 5 6"])
def test_how_people_type_it(typed: str) -> None:
    """Blanks and dashes are as the app shows them."""
    factor = _factor(datetime(2026, 5, 1, 12, tzinfo=UTC))

    assert _verify(factor, typed) == Refused("wrong_code")


@pytest.mark.sec("OTP-07")
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "12345a", "٠١٢٣٤٥"])
def test_what_is_no_code(typed: str) -> None:
    """Too few, too many, letters, and digits of other scripts."""
    assert _verify(_factor(datetime(2026, 5, 1, 12, tzinfo=UTC)), typed) == Refused("invalid_code")


@pytest.mark.sec("OTP-11")
@pytest.mark.parametrize("issuer", ["Example", "Große: Stadt & Söhne 100%", "a/b?c#d"])
def test_the_address_in_the_picture(issuer: str) -> None:
    """It carries issuer, account and secret whatever letters they have; the picture has no script."""
    factor = _factor(datetime(2026, 5, 1, tzinfo=UTC), issuer=issuer)
    form: Any = factor.enrol(USER, None, begun({}))
    url = urlsplit(form.show["uri"])
    query = parse_qs(url.query)
    image = base64.b64decode(form.show["qr"].partition(",")[2]).decode()

    assert isinstance(form, EnrolmentForm)
    assert (url.scheme, url.netloc) == ("otpauth", "totp")
    assert unquote(url.path) == f"/{issuer.replace(':', ' ')}:ann@example.org"
    assert query == {"secret": [form.remember["secret"]], "issuer": [issuer.replace(":", " ")]}
    assert "<svg" in image
    assert "script" not in image


@pytest.mark.sec("OTP-09", "NIST-27", "ASVS-6.5.3")
def test_each_set_up_has_a_secret_of_its_own() -> None:
    """160 bits, another one each time; the code that confirms it is used up."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    factor = _factor(now)
    forms: list[Any] = [factor.enrol(USER, None, begun({})) for _ in range(3)]
    secret = forms[0].remember["secret"]
    enrolment = factor.enrol(USER, pyotp.TOTP(secret).at(now), begun(forms[0].remember))

    assert len({form.remember["secret"] for form in forms}) == 3
    assert len(base64.b32decode(secret)) == 20
    assert enrolment == Enrolment(secret=secret, counter=int(now.timestamp()) // 30)


def test_a_row_without_secret() -> None:
    """Nobody gets in by it."""
    factor = _factor(datetime(2026, 5, 1, tzinfo=UTC))

    assert factor.verify([Enrolled(uuid4())], "123456", WAITING, Client()) == Refused("wrong_code")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error at start-up names what to install."""
    monkeypatch.setitem(__import__("sys").modules, "segno", None)
    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[totp\]"):
        TOTPFactor.create(TOTP(), FactorServices())
