"""What has to be done at login before somebody gets in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onegov_auth.settings.types import Section

__all__ = ["LoginSteps", "Terms"]


class Terms(Section):
    """
    Terms of use that everybody has to accept.

    Attributes:
        version: Names the present text; with another one everybody is asked again.
        url: Where it can be read: an address, or a path on this site.
    """

    version: str = Field(min_length=1, max_length=100)
    url: str = Field(pattern=r"^(https://[^\s]+|/[^\s/][^\s]*)$")


class LoginSteps(Section):
    """
    Steps at login.

    Attributes:
        terms: See :class:`Terms`; left out, nobody is asked.
        profile: What a user has to have told.
    """

    terms: Terms | None = None
    profile: tuple[Literal["realname", "phone_number"], ...] = ()
