"""The forms of second factors: codes, and the phone number they are sent to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms.fields import StringField
from wtforms.validators import DataRequired, Length, ValidationError

from onegov_auth.factors.phone import e164
from onegov_auth.forms.base import Form
from onegov_auth.i18n import _

__all__ = ["FactorNameForm", "MTANForm", "RequestMTANForm", "TOTPForm"]

#: Longer names are read by nobody.
MAX_NAME = 60

#: The countries of the first seed.
COUNTRIES = ("CH", "AT", "DE", "FR", "IT", "LI")

_CODE = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}


def _plain(text: str | None) -> str:
    # Codes are shown in groups, and typed as they are shown.
    return "".join((text or "").split()).upper()


class MTANForm(Form):
    """The code of a text message; one that came in the address is filled in."""

    tan = StringField(
        _("mTAN"),
        [DataRequired(_("Please enter the code from the message."))],
        filters=[_plain],
        render_kw={**_CODE, "autocapitalize": "characters"},
    )

    def __init__(self, formdata: Any = None, *, query: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(formdata, **kwargs)
        if not formdata and query and query.get("tan"):
            self.tan.data = _plain(query["tan"])


class RequestMTANForm(Form):
    """
    The phone number to send a code to.

    Args:
        args: As for :class:`Form`.
        countries: Whose numbers are taken (ISO 3166); a number without a country code is one of the first's.
        kwargs: As for :class:`Form`.

    Attributes:
        formatted_phone_number: The number in the form of E.164; None before it was found good.
    """

    formatted_phone_number: str | None = None

    phone_number = StringField(
        _("Phone number"),
        [DataRequired(_("Please enter your phone number."))],
        render_kw={"type": "tel", "autocomplete": "tel", "autofocus": True},
    )

    def __init__(self, *args: Any, countries: Sequence[str] = COUNTRIES, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._countries = tuple(countries)

    def validate_phone_number(self, field: StringField) -> None:
        """
        A possible number of one of the countries.

        Raises:
            ValidationError: If it is none.
            MissingDependencyError: If the library for phone numbers is not installed.
        """
        self.formatted_phone_number = e164(field.data or "", self._countries)
        if self.formatted_phone_number is None:
            raise ValidationError(_("Please enter a valid phone number of a country that messages are sent to."))


class TOTPForm(Form):
    """The code of an authenticator app."""

    totp = StringField(
        _("Code"),
        [DataRequired(_("Please enter the code from your app."))],
        filters=[_plain],
        render_kw={**_CODE, "inputmode": "numeric"},
    )


class FactorNameForm(Form):
    """What a person calls a factor of theirs."""

    name = StringField(
        _("Name"),
        [DataRequired(_("Please enter a name.")), Length(max=MAX_NAME)],
        render_kw={"autocomplete": "off"},
    )
