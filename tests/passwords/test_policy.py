"""Which new passwords are allowed."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

import pytest

from onegov_auth.errors import InsecurePasswordError, InvalidPasswordError, MissingDependencyError
from onegov_auth.i18n import Text, _, translator
from onegov_auth.passwords import Candidate, Hasher, PasswordPolicy
from onegov_auth.passwords.policy import Check
from onegov_auth.settings import settings_from
from onegov_auth.settings.accounts import Forbid, Passwords

GOOD = "lantern pudding orbit"


def failures(policy: PasswordPolicy, clear: str, username: str | None = None, *also: str) -> list[str]:
    """What is wrong with a password, by the first words of each sentence."""
    try:
        policy.check(clear, username, also=also)
    except InsecurePasswordError as error:
        return [" ".join(message.split()[:4]) for message in error.messages]
    return []


SHORT, LONG = "Please use at least", "Please use at most"
COMMON, KNOWN, WEAK = "Many people use this", "Please choose a password", "This password is easy"


@pytest.mark.sec("NIST-01", "PWD-11", "ASVS-6.2.1")
def test_length() -> None:
    """A password has at least the configured number of characters, 15 by default, and the message says how many."""
    policy = PasswordPolicy()

    policy.check("lantern puddin1")
    with pytest.raises(InsecurePasswordError, match="at least 15 characters"):
        policy.check("lantern puddin")


@pytest.mark.sec("NIST-03")
def test_length_is_in_characters() -> None:
    """Each character counts as one, however many bytes or typed parts it has."""
    PasswordPolicy().check("ü🔑" * 7 + "x")
    with pytest.raises(InsecurePasswordError):
        PasswordPolicy().check("u\u0308" * 14)


@pytest.mark.sec("NIST-02")
def test_longest() -> None:
    """A password has at most the configured number of characters, and 64 are always allowed."""
    policy = PasswordPolicy(Passwords(max_length=64))

    policy.check((GOOD * 4)[:64])
    with pytest.raises(InsecurePasswordError, match="at most 64 characters"):
        policy.check((GOOD * 4)[:65])


@pytest.mark.sec("PWD-02")
def test_a_megabyte_is_refused_soon() -> None:
    """What is too long to be a password is cut before anything looks at it."""
    seen: list[int] = []

    class Watching(PasswordPolicy):
        def checks(self) -> Sequence[Check]:
            return [lambda candidate: seen.append(len(candidate.clear)), *super().checks()]

    assert failures(Watching(), "ab " * 400_000) == [LONG]
    assert seen == [257]


@pytest.mark.sec("NIST-09", "PWD-11", "ASVS-6.2.4", "ASVS-6.2.12")
@pytest.mark.parametrize("clear", ["passwordpassword", "PasswordPassword", "123456789012345", "aaaaaaaaaaaaaaa"])
def test_common_passwords(clear: str) -> None:
    """Passwords that everybody tries first are refused, in capitals too, unless that is switched off."""
    assert failures(PasswordPolicy(), clear) == [COMMON]
    assert failures(PasswordPolicy(Passwords(forbid=Forbid(common=False))), clear) == []


def test_common_passwords_begin_somewhere() -> None:
    """A short password is too short, and nothing is said about lists that don't have it."""
    assert failures(PasswordPolicy(), "password") == [SHORT]


@pytest.mark.sec("NIST-09", "PWD-11", "ASVS-6.2.11")
@pytest.mark.parametrize(
    "clear",
    [
        "somebody@example.org",
        "Somebody@Example.ORG",
        "somebody-2026-2026!",
        "govikon govikon govikon",
        "Town-of-Govikon-123",
        "annaexampleanna99",
    ],
)
def test_what_everybody_knows(clear: str) -> None:
    """A password made of the username, the address or the site's name is refused, unless that is switched off."""
    also = ("anna.example@example.org",)
    words, off = ("Town of Govikon",), Passwords(forbid=Forbid(username=False, common=False))

    assert KNOWN in failures(PasswordPolicy(words=words), clear, "somebody@example.org", *also)
    assert failures(PasswordPolicy(off, words), clear, "somebody@example.org", *also) == []


@pytest.mark.sec("NIST-09")
@pytest.mark.parametrize("clear", ["somebody likes pudding", "example of lantern light", GOOD])
def test_names_are_allowed_within(clear: str) -> None:
    """The whole password is compared: a name with words of the person's own beside it is allowed."""
    assert failures(PasswordPolicy(words=("Govikon",)), clear, "somebody@example.org") == []


def test_the_configured_name() -> None:
    """The title and the application id of the settings are known words."""
    raw = {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": ["abcdefghijklmnop" * 3]}
    policy = PasswordPolicy.from_settings(settings_from({**raw, "title": "Pudding", "application": "lantern/orbit"}))

    assert failures(policy, "lantern pudding orbit") == [KNOWN]


@pytest.mark.sec("NIST-04", "ASVS-6.2.5")
@pytest.mark.parametrize(
    "clear", ["zzq zzq zzq zzq zzq", "ZZQUBI ZZQUBI ZZQUBI", "7300 1184 9302 5571", "ñandú über çelik ı"]
)
def test_no_composition_rules(clear: str) -> None:
    """No kind of character is asked for, and none is refused."""
    assert failures(PasswordPolicy(), clear, "somebody") == []


def test_strength() -> None:
    """Where an estimate is asked for, what is soon guessed is refused, and what knows the person counts for less."""
    policy = PasswordPolicy(Passwords(strength=4, min_length=10))

    assert failures(policy, "monkey12monkey") == [WEAK]
    assert failures(policy, GOOD) == []
    assert failures(policy, GOOD, None, GOOD) == [KNOWN, WEAK]
    assert failures(PasswordPolicy(), "monkey12monkey1") == []


def test_strength_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library isn't installed, the extra that brings it is named."""
    monkeypatch.setitem(sys.modules, "zxcvbn", None)
    with pytest.raises(MissingDependencyError, match=r"onegov-auth\[strength\]"):
        PasswordPolicy(Passwords(strength=1)).check(GOOD)


@pytest.mark.sec("PWD-02")
def test_strength_looks_at_a_beginning() -> None:
    """What would keep the estimate busy for hours takes a moment, because only a beginning is looked at."""
    assert failures(PasswordPolicy(Passwords(strength=4)), "4@8({[</369&#!1|0$5+7%2" * 11) == []


@pytest.mark.sec("NIST-10")
def test_everything_at_once() -> None:
    """All that is wrong is said together, and each sentence can be translated."""
    with pytest.raises(InsecurePasswordError) as caught:
        PasswordPolicy(Passwords(min_length=30)).check("annaannaannaanna", "anna")

    long_enough, known = caught.value.messages
    assert isinstance(long_enough, Text)
    assert "30" in translator("de")(long_enough)
    assert str(caught.value) == f"{long_enough} {known}"


@pytest.mark.sec("PWD-14", "NIST-05")
def test_history_is_asked_last() -> None:
    """Whether a password was used before is asked of good ones only, because it is slow, and only where one can say."""
    asked: list[str] = []

    def was_used(clear: str) -> bool:
        asked.append(clear)
        return clear == GOOD

    with pytest.raises(InsecurePasswordError, match="had this password before"):
        PasswordPolicy().check(GOOD, was_used=was_used)
    with pytest.raises(InsecurePasswordError, match="at least"):
        PasswordPolicy().check("short", was_used=was_used)
    PasswordPolicy().check(GOOD + "!", was_used=was_used)
    assert asked == [GOOD, GOOD + "!"]


class WithoutRed(PasswordPolicy):
    """A policy of an application's own: one check is added, one is gone, one says less."""

    def checks(self) -> Sequence[Check]:
        """Ours without the known words, and one more."""
        return [*(check for check in super().checks() if check != self.not_known), self.no_red]

    def long_enough(self, candidate: Candidate) -> str | None:
        """Shorter words for the same."""
        return super().long_enough(candidate) and _("Too short.")

    def no_red(self, candidate: Candidate) -> str | None:
        """No colours."""
        return _("No colours, please.") if "red" in candidate.clear else None


def test_an_applications_own() -> None:
    """A subclass adds, replaces and leaves out checks."""
    policy = WithoutRed(words=["redhouse"])

    assert failures(policy, "red house") == ["Too short.", "No colours, please."]
    assert failures(policy, "the house is blue, blue") == []


def test_a_candidate_is_not_shown() -> None:
    """The password is not part of what a traceback shows."""
    assert GOOD not in repr(Candidate(GOOD, ("anna",)))


def test_a_decomposed_password_is_judged_as_it_is_hashed() -> None:
    """What the hash refuses as too long is refused here first, even if composing would make it short enough."""
    settings = Passwords(max_length=64)
    decomposed = unicodedata.normalize("NFD", "ö") * 33

    PasswordPolicy(settings).check("ö" * 64)
    with pytest.raises(InsecurePasswordError, match="at most 64"):
        PasswordPolicy(settings).check(decomposed)
    with pytest.raises(InvalidPasswordError):
        Hasher(max_length=64).hash(decomposed)
