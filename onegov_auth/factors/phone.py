"""Phone numbers that text messages with codes are sent to, by phonenumbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from onegov_auth.errors import MissingDependencyError

__all__ = ["e164", "masked"]

#: What people write numbers with. Letters and other scripts' digits would be understood too, and not be what is shown.
_TYPED = re.compile(r"[0-9+()/. \t-]{1,50}", re.ASCII)


def e164(typed: str, countries: Sequence[str]) -> str | None:
    """
    A mobile number in the form of E.164, such as ``+41791234567``; ``None`` if it is none, or another country's.

    Numbers of other kinds are left out: messages to some of them cost whoever sends them a lot (SMS-04).

    Args:
        typed: A number as people write it; one without a country code is one of the first country.
        countries: Whose numbers are taken, by their ISO 3166 codes.

    Raises:
        MissingDependencyError: Without the extra ``mtan``.
    """
    try:
        import phonenumbers  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError("second_factors.mtan", "onegov-auth[mtan]") from error
    if not _TYPED.fullmatch(typed):
        return None
    try:
        number = phonenumbers.parse(typed, countries[0] if countries else None)
    except phonenumbers.NumberParseException:
        return None
    kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in kinds:
        return None
    if phonenumbers.region_code_for_number(number) not in countries:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def masked(number: str) -> str:
    """*number* for a page: its last two digits, which its owner knows again and nobody else learns from (SMS-05)."""
    return f"••• {number[-2:]}"
