from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.models import AuthEvent
from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web.happenings import happening


@pytest.mark.parametrize(
    ("values", "text", "failed"),
    [
        ({"type": "login", "code": "ok", "provider": "local"}, "Logged in", False),
        ({"type": "login", "code": "ok", "provider": "company"}, "Logged in · company", False),
        ({"type": "login", "code": "factor_unavailable"}, "Logged in", True),
        ({"type": "password_changed", "code": "ok"}, "Password changed", False),
        ({"type": "factor_enrolled", "code": "ok"}, "Second factor added", False),
        ({"type": "something_new", "code": "ok"}, "Account changed", False),
    ],
)
def test_words(ask: Any, app: Any, values: dict[str, Any], text: str, failed: bool) -> None:
    """An event is told in words, with the provider it is about; one without words is not hidden."""
    app.auth.providers = {**app.auth.providers, "company": KnownIssuer(name="company")}
    event = AuthEvent(**values, created=utcnow(), user_agent="curl/8", address="192.0.2.1")
    told = ask(lambda request: happening(request, event))

    assert (told.text, told.failed, told.device, told.address) == (text, failed, "curl", "192.0.2.1")
    event.user_agent = None
    assert ask(lambda request: happening(request, event)).device is None
