from __future__ import annotations

from onegov_auth.outcomes import Refused
from onegov_auth.web.factor_words import factor_message, words_of


def test_messages() -> None:
    """A refusal is told in its own words, an unknown one in general ones, and one that says how long tells that."""
    assert "right" in factor_message(Refused("wrong_code"))
    assert factor_message(Refused("never_heard_of")) == "That was not right. Please try again."
    assert "in a minute" in factor_message(Refused("locked", retry_after=30))
    assert "ask those who run this site" in factor_message(Refused("locked_out"))


def test_words_for_every_type() -> None:
    """Ours have words of their own; a type of somebody else's has general ones."""
    ours = {words_of(type_).label for type_ in ("totp", "yubikey", "webauthn", "mtan", "recovery_codes")}

    assert len(ours) == 5
    assert words_of("something").label == "Code"
