"""What the pages say about each type of second factor, and about an answer that won't do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onegov_auth.i18n import _
from onegov_auth.web.messages import wait_message

if TYPE_CHECKING:
    from onegov_auth.outcomes import Refused

__all__ = ["EMPTY", "UNCHECKED", "Words", "factor_message", "words_of"]


@dataclass(frozen=True, slots=True)
class Words:
    """
    What is said of one type.

    Attributes:
        ask: What to do to prove it.
        label: The name of the field.
        about: What it is, for people who choose one to set up.
        field: Attributes of the field.
    """

    ask: str
    label: str
    about: str = ""
    field: Mapping[str, object] | None = None


#: A code of digits that a phone or a password manager may fill in (WCAG 2.2 SC 3.3.8).
_DIGITS: Mapping[str, object] = {"autocomplete": "one-time-code", "inputmode": "numeric"}
_ONCE: Mapping[str, object] = {"autocomplete": "one-time-code", "autocapitalize": "characters"}
_NEVER: Mapping[str, object] = {"autocomplete": "off", "autocapitalize": "none", "autocorrect": "off"}

_WORDS = {
    "totp": Words(
        _("Please type the code that your authenticator app shows now."),
        _("Code from the app"),
        _("An app on your phone or computer shows a new code every 30 seconds."),
        _DIGITS,
    ),
    "yubikey": Words(
        _("Please plug your YubiKey in and touch it."),
        _("YubiKey"),
        _("A key for the USB port that types a code when you touch it."),
        _NEVER,
    ),
    "webauthn": Words(
        _("Please confirm with your passkey: with your finger, your face, your PIN or your security key."),
        _("Passkey"),
        _("Your phone, computer or security key confirms that it is you. It can't be phished."),
    ),
    "mtan": Words(
        _("Please type the code from the text message."),
        _("Code from the message"),
        _("You get a code by text message. Safer than a password alone; an app or a passkey is safer still."),
        _ONCE,
    ),
    "recovery_codes": Words(
        _("Please type one of the recovery codes you have kept. Each of them works once."),
        _("Recovery code"),
        field=_NEVER,
    ),
}
_OTHER = Words(_("Please answer, so that we know it is you."), _("Code"), field=_NEVER)


def words_of(type_: str) -> Words:
    """The words for a type; general ones for a type that comes as a distribution of its own."""
    return _WORDS.get(type_, _OTHER)


#: Somebody pressed the button without an answer.
EMPTY = _("Please fill in the code.")

#: Nobody can say whether the answer is right.
UNCHECKED = _(
    "This can't be checked right now: a service can't be reached. Please try again in a while, or use another way."
)

_WRONG = _("That was not right. Please try again.")
_BY_CODE = {
    "locked_out": _("Too many wrong codes in a row. Please ask those who run this site."),
    "wrong_code": _("This code is not right. Please try again."),
    "invalid_code": _("That can't be a code. Please check what you typed."),
    "code_used": _("This code was used already. Please take the next one."),
    "clock_off": _("The clock of your device is off by some minutes. Please set it, then try again."),
    "unknown_factor": _("This is not one of yours. Please use the one that you set up here."),
    "factor_taken": _("This one is in use for an account already."),
    "too_many_factors": _("You have as many of these as one may have. Please remove one first."),
    "invalid_number": _("Please enter a valid phone number of a country that messages are sent to."),
    "factor_enrolled_meanwhile": _("You have set one up already, in another window. Please log in again."),
    "second_factor_only": _("This passkey works together with your password only."),
    "too_many_messages": _("Too many messages were sent already. Please try again later, or use another way."),
}


def factor_message(refused: Refused) -> str:
    """Why an answer did not do."""
    return _BY_CODE.get(refused.code) or wait_message(refused) or _WRONG
