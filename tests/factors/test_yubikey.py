"""YubiKeys against a real validation server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.errors import MissingDependencyError, SettingsError
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, FactorServices, Used
from onegov_auth.factors.yubikey import YubiKeyFactor
from onegov_auth.outcomes import Challenge, Refused, Unavailable
from onegov_auth.settings.factors import YubiKey
from onegov_auth.testing.servers import Yubiserver
from onegov_auth.testing.yubikey import SoftwareYubiKey

CLIENT = Client(address="192.0.2.1", browser="b")
ANN = UserInfo(uuid4(), "ann", "member")


def pending(clock: Any, **data: object) -> Transaction:
    return Transaction("id", "factor", None, "/", data, clock())


def enrolled(key: SoftwareYubiKey, **data: object) -> Enrolled:
    return Enrolled(uuid4(), key.public_id, data)


@pytest.fixture(name="make")
def _make(yubiserver: Yubiserver) -> Callable[..., YubiKeyFactor]:
    def make(**values: object) -> YubiKeyFactor:
        ours = {"client_id": yubiserver.client_id, "secret_key": yubiserver.secret_key, "urls": (yubiserver.url,)}
        return YubiKeyFactor.create(YubiKey.model_validate(ours | values), FactorServices())

    return make


@pytest.fixture(name="factor")
def _factor(make: Callable[..., YubiKeyFactor]) -> YubiKeyFactor:
    return make()


@pytest.fixture(name="key")
def _key(yubiserver: Yubiserver) -> SoftwareYubiKey:
    return yubiserver.new_yubikey()


def test_it_is_enrolled_by_a_touch(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """What the server validates is enrolled under its public id."""
    assert isinstance(factor.enrol(ANN, None, pending(clock)), EnrolmentForm)

    made = factor.enrol(ANN, f" {key.touch().upper()}\n", pending(clock))

    assert isinstance(made, Enrolment)
    assert (made.key, made.secret) == (key.public_id, None)
    assert (made.show, made.name) == ({"serial": key.serial}, f"YubiKey {key.serial}")


@pytest.mark.parametrize("typed", ["", "123456", "c" * 43, "c" * 45, "c" * 12, "1" * 44, "\0" * 44, "c" * 10_000])
def test_what_no_yubikey_types_is_not_sent(make: Callable[..., YubiKeyFactor], typed: str, clock: Any) -> None:
    """Something of another form is refused without a question to anybody."""
    factor = make(urls=("http://127.0.0.1:1/nobody",))

    assert factor.enrol(ANN, typed, pending(clock)) == Refused("invalid_code")
    assert factor.verify([enrolled(SoftwareYubiKey())], typed, pending(clock), CLIENT) == Refused("invalid_code")


def test_a_password_that_is_no_good_enrols_nothing(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """A made-up password, a used one and one of a key the server does not know enrol nothing."""
    used = key.touch()
    factor.enrol(ANN, used, pending(clock))

    codes = [factor.enrol(ANN, typed, pending(clock)) for typed in (used, key.public_id + "c" * 32)]

    assert [answer.code for answer in codes if isinstance(answer, Refused)] == ["code_used", "wrong_code"]
    assert isinstance(factor.enrol(ANN, SoftwareYubiKey(serial=3).touch(), pending(clock)), Refused)


def test_the_same_key_is_not_enrolled_twice(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """A key the user has already is refused before a server is asked."""
    password = key.touch()

    assert factor.enrol(ANN, password, pending(clock, enrolled=[key.public_id])) == Refused("factor_taken")
    assert isinstance(factor.enrol(ANN, password, pending(clock, enrolled=[])), Enrolment)


def test_a_touch_is_right_once(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """An enrolled key's password is right, names the factor, and the core is told what must not come again."""
    mine, password = enrolled(key), key.touch()

    used = factor.verify([enrolled(SoftwareYubiKey(serial=9)), mine], password, pending(clock), CLIENT)

    assert isinstance(used, Used)
    assert used.factor == mine.id
    assert used.once is not None
    assert password not in used.once
    again = factor.verify([mine], password, pending(clock), CLIENT)
    assert isinstance(again, Refused)
    assert again.code == "code_used"


@pytest.mark.sec("YUBI-01", "YUBI-05", "MFA-07")
def test_anybody_elses_key_is_not_even_asked_about(
    make: Callable[..., YubiKeyFactor], yubiserver: Yubiserver, key: SoftwareYubiKey, clock: Any
) -> None:
    """A genuine YubiKey that is not enrolled for this user is refused, and its password is not spent."""
    stranger = yubiserver.new_yubikey()
    password = stranger.touch()
    factor = make()

    assert factor.verify([enrolled(key)], password, pending(clock), CLIENT) == Refused("wrong_code")
    assert isinstance(factor.verify([enrolled(stranger)], password, pending(clock), CLIENT), Used)


@pytest.mark.sec("YUBI-01")
def test_a_public_id_in_front_of_another_keys_password_is_refused(
    factor: YubiKeyFactor, yubiserver: Yubiserver, key: SoftwareYubiKey, clock: Any
) -> None:
    """Somebody's own password behind the enrolled public id is no good."""
    answer = factor.verify(
        [enrolled(key)], key.public_id + yubiserver.new_yubikey().touch()[12:], pending(clock), CLIENT
    )

    assert isinstance(answer, Refused)
    assert answer.code == "wrong_code"


@pytest.mark.sec("OTP-10")
def test_what_enrolled_it_logs_nobody_in(make: Callable[..., YubiKeyFactor], clock: Any, key: SoftwareYubiKey) -> None:
    """The password that set the key up is used up here, whatever a server says the second time."""
    password = key.touch()
    made = make().enrol(ANN, password, pending(clock))
    assert isinstance(made, Enrolment)

    answer = make(urls=("http://127.0.0.1:1/",)).verify([enrolled(key, **made.data)], password, pending(clock), CLIENT)

    assert answer == Refused("code_used")


@pytest.mark.sec("YUBI-01")
def test_another_keyboard_layout_is_understood(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """On a Dvorak keyboard the same keys give other letters, from which the password is known again."""
    dvorak = str.maketrans("cbdefghijklnrtuv", "jxe.uidchtnbpygk")

    assert isinstance(factor.verify([enrolled(key)], key.touch().translate(dvorak), pending(clock), CLIENT), Used)


@pytest.mark.sec("YUBI-03")
def test_a_server_that_is_down_is_not_a_wrong_answer(
    own_yubiserver: Yubiserver, make: Callable[..., YubiKeyFactor], clock: Any
) -> None:
    """While nobody can be asked, nobody gets in and nobody is told that the password was wrong."""
    key = own_yubiserver.new_yubikey()
    ours = {"secret_key": own_yubiserver.secret_key, "urls": (own_yubiserver.url,)}
    own_yubiserver.stop()

    answer = make(**ours).verify([enrolled(key)], key.touch(), pending(clock), CLIENT)

    assert isinstance(answer, Unavailable)
    assert answer.provider == "yubikey"


def test_a_touch_needs_no_question(factor: YubiKeyFactor, key: SoftwareYubiKey, clock: Any) -> None:
    """There is nothing to send or to show before."""
    assert factor.challenge([enrolled(key)], pending(clock), CLIENT) == Challenge()


@pytest.mark.parametrize(("secret", "fault"), [("not base64!", "must be base64"), ("", "must not be empty")])
def test_a_secret_that_is_none_stops_the_start(make: Callable[..., YubiKeyFactor], secret: str, fault: str) -> None:
    """A key that can't sign is said at the start and not at the first login."""
    with pytest.raises(SettingsError, match=fault):
        make(secret_key=secret)


def test_a_missing_library_is_named(make: Callable[..., YubiKeyFactor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed yubico-client is told how."""
    monkeypatch.setitem(__import__("sys").modules, "yubico_client", None)

    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[yubikey\]"):
        make()
