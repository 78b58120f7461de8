from __future__ import annotations

import pytest

from onegov_auth.providers import OnegovAuthError
from onegov_auth_oidc.errors import OIDCUnreachableError


@pytest.mark.parametrize(("detail", "expected"), [("host", "timeout: host"), ("", "timeout")])
def test_an_error_says_its_reason(detail: str, expected: str) -> None:
    """The message is the reason and what happened."""
    error = OIDCUnreachableError("timeout", detail)

    assert (str(error), error.reason) == (expected, "timeout")
    assert isinstance(error, OnegovAuthError)
