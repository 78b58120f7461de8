"""Passkeys, made and used by software that can lie."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.errors import MissingDependencyError, SettingsError
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, Used
from onegov_auth.factors.webauthn import WebAuthnFactor
from onegov_auth.outcomes import Refused
from onegov_auth.testing.passkey import BE, BS, UP, UV, SoftwarePasskey, to_base64url

CLIENT = Client(browser="b")


@pytest.mark.sec("WAN-12")
def test_the_browser_is_asked_for_a_new_passkey(
    factor: WebAuthnFactor, begin: Callable[..., Transaction], ann: UserInfo
) -> None:
    """The options name site and user, leave out passkeys that are there, want no attestation, and are remembered."""
    form = factor.enrol(ann, None, begin(enrolled=["YWJj"]))

    assert isinstance(form, EnrolmentForm)
    options: Any = form.show["options"]
    assert (form.show["mode"], options["rp"]) == ("create", {"id": "app.example.org", "name": "Govikon"})
    assert (options["user"]["name"], options["user"]["displayName"]) == ("ann@example.org", "Ann")
    assert "ann" not in str(options["user"]["id"])
    assert [one["id"] for one in options["excludeCredentials"]] == ["YWJj"]
    assert options["attestation"] == "none"
    assert options["challenge"] == form.remember["challenge"]
    assert len(options["challenge"]) >= 43


def test_what_is_kept_of_a_passkey(
    factor: WebAuthnFactor, enrol: Callable[..., Enrolment | Refused], ann: UserInfo
) -> None:
    """Its id is the key; public key, owner, backup flags and whether it made sure of the person are kept, no secret."""
    passkey = SoftwarePasskey(flags=UP | UV | BE | BS, counts=False)

    made = enrol(factor, passkey)

    assert isinstance(made, Enrolment)
    assert (made.key, made.secret, made.counter) == (to_base64url(passkey.id), None, None)
    assert made.data == {
        "public_key": to_base64url(passkey.public_key()),
        "user_handle": ann.id.hex,
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "transports": ["internal"],
        "backup_eligible": True,
        "backed_up": True,
        "passwordless": True,
    }


def test_the_right_passkey_is_right(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused]
) -> None:
    """Of several, the one that signed is named, with its count and whether it is backed up."""
    passkey, other = SoftwarePasskey(flags=UP), SoftwarePasskey()
    mine = own(factor, passkey)

    used = use(factor, [own(factor, other), mine], passkey)

    assert isinstance(used, Used)
    assert (used.factor, used.counter, used.data) == (mine.id, 1, {"backed_up": False})


@pytest.mark.sec("WAN-07", "WAN-09", "MFA-07")
def test_another_users_passkey_is_nobodys(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused]
) -> None:
    """A passkey that is not enrolled for this user, or says that it belongs to somebody else, is refused."""
    passkey = SoftwarePasskey()
    mine = own(factor, SoftwarePasskey())

    assert use(factor, [mine], passkey) == Refused("unknown_factor")
    theirs = own(factor, passkey)
    assert use(factor, [theirs], passkey, userHandle=to_base64url(uuid4().hex.encode())) == Refused("unknown_factor")
    assert isinstance(use(factor, [theirs], passkey, userHandle=None), Used)


@pytest.mark.sec("WAN-07", "WAN-06")
def test_the_id_of_one_and_the_signature_of_another_is_refused(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused]
) -> None:
    """A passkey can't speak for another one."""
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)
    thief = SoftwarePasskey(id=passkey.id, user_handle=passkey.user_handle)

    verdict = use(factor, [mine], thief)

    assert isinstance(verdict, Refused)
    assert verdict.code == "wrong_code"


@pytest.mark.sec("WAN-01")
def test_a_challenge_is_this_ones(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], begin: Callable[..., Transaction], ann: UserInfo
) -> None:
    """An answer to another challenge, to none, and to that of an enrolment is refused."""
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)
    asked, other = factor.challenge([mine], begin(), CLIENT), factor.challenge([mine], begin(), CLIENT)
    options: Any = asked.show["options"]
    assert asked.data != other.data

    for remembered in (other.data, {}, {"challenge": None}, {"challenge": ""}):
        verdict = factor.verify([mine], passkey.get(options), begin(**remembered), CLIENT)
        assert isinstance(verdict, Refused), remembered
    form = factor.enrol(ann, None, begin())
    assert isinstance(form, EnrolmentForm)
    assert isinstance(factor.verify([mine], passkey.get(options), begin(**form.remember), CLIENT), Refused)
    assert factor.one_answer


@pytest.mark.sec("WAN-02", "WAN-03", "WAN-04", "WAN-05")
@pytest.mark.parametrize(
    "lie",
    [
        {"client_data": {"type": "webauthn.create"}},
        {"client_data": {"type": None}},
        {"client_data": {"crossOrigin": True}},
        {"client_data": {"topOrigin": "https://evil.example"}},
        {"origin": "http://app.example.org"},
        {"origin": "https://app.example.org:8443"},
        {"origin": "https://www.app.example.org"},
        {"origin": "https://app.example.org.evil.example"},
        {"origin": "https://example.org"},
        {"origin": "android:apk-key-hash:abc"},
        {"rp_id": "evil.example"},
        {"flags": 0},
        {"flags": UV},
        {"flags": UP | BS},
    ],
    ids=str,
)
def test_what_was_signed_elsewhere_or_otherwise_is_refused(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused], lie: dict[str, Any]
) -> None:
    """Another type, site or place, a frame, nobody there, and flags that can't be: none of them logs in or enrols."""
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)

    verdict = use(factor, [mine], replace(passkey, **lie))

    assert isinstance(verdict, Refused)
    assert verdict.code == "wrong_code"


@pytest.mark.sec("WAN-02", "WAN-03", "WAN-04", "WAN-05", "WAN-11", "WAN-12")
@pytest.mark.parametrize(
    "lie",
    [
        {"client_data": {"type": "webauthn.get"}},
        {"client_data": {"challenge": "YWJj"}},
        {"client_data": {"crossOrigin": True}},
        {"origin": "https://app.example.org.evil.example"},
        {"rp_id": "evil.example"},
        {"flags": UV},
        {"flags": UP | BS},
        {"id": b""},
        {"id": b"x" * 1024},
    ],
    ids=lambda lie: str(lie)[:40],
)
def test_a_passkey_that_was_made_elsewhere_or_otherwise_is_not_kept(
    factor: WebAuthnFactor, enrol: Callable[..., Enrolment | Refused], lie: dict[str, Any]
) -> None:
    """What is wrong at a login is wrong when it is made, and so is an id that is too long or empty."""
    assert isinstance(enrol(factor, SoftwarePasskey(**lie)), Refused)


@pytest.mark.sec("WAN-10")
def test_a_count_that_goes_back_says_that_there_is_a_copy(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused]
) -> None:
    """The same count, a lower one and none after some are refused; one that never counts is let in."""
    passkey = SoftwarePasskey(count=5)
    mine = own(factor, passkey)
    assert mine.counter == 5

    for count, counts in ((4, True), (3, True), (0, False)):
        copy = replace(passkey, count=count, counts=counts)
        assert use(factor, [mine], copy) == Refused("counter_went_back"), count
    silent = SoftwarePasskey(counts=False)
    assert isinstance(use(factor, [own(factor, silent)], silent), Used)


@pytest.mark.sec("WAN-11")
def test_whether_it_can_be_backed_up_never_changes(
    factor: WebAuthnFactor, own: Callable[..., Enrolled], use: Callable[..., Used | Refused]
) -> None:
    """A passkey of one device that says it is on several now is not the same; being backed up may change."""
    bound, synced = SoftwarePasskey(), SoftwarePasskey(flags=UP | BE)
    mine, ours = own(factor, bound), own(factor, synced)

    assert use(factor, [mine], replace(bound, flags=UP | UV | BE)) == Refused("wrong_code")
    used = use(factor, [ours], replace(synced, flags=UP | BE | BS))
    assert isinstance(used, Used)
    assert used.data == {"backed_up": True}


@pytest.mark.sec("WAN-05", "WAN-17", "NIST-32")
def test_it_logs_in_alone_only_if_it_made_sure_of_the_person(
    own: Callable[..., Enrolled], log_in: Callable[..., Used | Refused], make: Callable[..., WebAuthnFactor]
) -> None:
    """With the person verified it is right; without, it is refused, whatever the browser made of our demand."""
    factor = make(passwordless=True)
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)

    assert isinstance(log_in(factor, [mine], passkey), Used)
    verdict = log_in(factor, [mine], replace(passkey, flags=UP, count=9))
    assert isinstance(verdict, Refused)
    assert verdict.code == "wrong_code"


@pytest.mark.sec("WAN-05", "WAN-17")
def test_a_key_that_was_set_up_without_a_pin_stays_a_second_factor(
    own: Callable[..., Enrolled], log_in: Callable[..., Used | Refused], make: Callable[..., WebAuthnFactor]
) -> None:
    """Whoever finds a key may give it a PIN: it logs nobody in alone."""
    passkey = SoftwarePasskey(flags=UP)
    mine = own(make(), passkey)

    assert log_in(make(passwordless=True), [mine], replace(passkey, flags=UP | UV)) == Refused("second_factor_only")


@pytest.mark.sec("WAN-09")
def test_alone_it_has_to_say_whose_it_is(
    own: Callable[..., Enrolled], log_in: Callable[..., Used | Refused], make: Callable[..., WebAuthnFactor]
) -> None:
    """Without a user handle, or with another one, nobody is logged in."""
    factor = make(passwordless=True)
    passkey = SoftwarePasskey()
    mine = own(factor, passkey)

    for handle in (None, to_base64url(b"bob"), ""):
        assert log_in(factor, [mine], passkey, userHandle=handle) == Refused("unknown_factor"), handle


@pytest.mark.parametrize(("is_on", "demand"), [(True, "required"), (False, "preferred")])
def test_what_is_demanded_of_the_browser(
    begin: Callable[..., Transaction],
    own: Callable[..., Enrolled],
    is_on: bool,
    demand: str,
    make: Callable[..., WebAuthnFactor],
    ann: UserInfo,
) -> None:
    """Where passkeys log in alone, new ones must make sure of the person and be found by the browser itself."""
    factor = make(passwordless=is_on)
    form = factor.enrol(ann, None, begin())
    assert isinstance(form, EnrolmentForm)
    options: Any = form.show["options"]

    assert options["authenticatorSelection"]["userVerification"] == demand
    assert options["authenticatorSelection"]["residentKey"] == demand
    asked: Any = factor.ask_anybody().show["options"]
    assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])
    mine = own(factor, SoftwarePasskey())
    second: Any = factor.challenge([mine], begin(), CLIENT).show["options"]
    assert [one["id"] for one in second["allowCredentials"]] == [mine.key]
    assert factor.passwordless is is_on


@pytest.mark.parametrize(
    ("base_url", "values", "origin", "rp_id"),
    [
        ("https://app.example.org", {}, "https://app.example.org", "app.example.org"),
        ("https://app.example.org:443/town", {"rp_id": "example.org"}, "https://app.example.org", "example.org"),
        ("http://localhost:8080", {}, "http://localhost:8080", "localhost"),
    ],
)
def test_origin_and_site_come_from_the_settings(
    base_url: str, values: dict[str, str], origin: str, rp_id: str, make: Callable[..., WebAuthnFactor]
) -> None:
    """The origin is that of base_url, as browsers write it; the site is its host, or a domain above."""
    factor = make(base_url, **values)

    assert (factor.ceremonies.origin, factor.ceremonies.rp_id) == (origin, rp_id)


@pytest.mark.sec("WAN-20")
@pytest.mark.parametrize(
    ("base_url", "values"),
    [
        ("https://app.example.org", {"rp_id": "example.com"}),
        ("https://app.example.org", {"rp_id": "pp.example.org"}),
        ("https://192.0.2.1", {}),
        ("https://[2001:db8::1]", {}),
    ],
)
def test_a_site_that_no_browser_accepts_stops_the_start(
    base_url: str, values: dict[str, str], make: Callable[..., WebAuthnFactor]
) -> None:
    """Somebody else's domain, half a name and an address are said at the start."""
    with pytest.raises(SettingsError, match=r"second_factors\.webauthn"):
        make(base_url, **values)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, make: Callable[..., WebAuthnFactor]) -> None:
    """Who has not installed webauthn is told how."""
    monkeypatch.setitem(sys.modules, "onegov_auth.factors.passkeys", None)

    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[webauthn\]"):
        make()
