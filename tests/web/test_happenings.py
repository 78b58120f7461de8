from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import onegov_auth
from onegov_auth.clock import utcnow
from onegov_auth.models import AuthEvent
from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web.happenings import happening, type_words

_TOLD = re.compile(r'(?:deed|unit)\.tell\(\s*"([a-z_]+)"')


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


def test_what_administrators_and_operators_do_has_words() -> None:
    """The page of events, and its list to choose from, show no name of a type that only the program knows."""
    sources = Path(onegov_auth.__file__).parent.rglob("*.py")
    types = {type_ for source in sources for type_ in _TOLD.findall(source.read_text(encoding="utf-8"))}

    assert len(types) > 15
    assert {type_ for type_ in types if type_words(type_) == type_} == set()
