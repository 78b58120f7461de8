from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import onegov_auth
from onegov_auth.clock import utcnow
from onegov_auth.models import AuthEvent
from onegov_auth.testing.providers import KnownIssuer
from onegov_auth.web.happenings import event_words, happening, type_words

_TOLD = re.compile(r'(?:deed|unit)\.tell\(\s*"([a-z_]+)"')

#: Events that may be written of something that was refused.
_MAY_FAIL = re.compile(r'(?:_manage|administer|_change|_?event|Event)\(\s*(?:type=)?"([a-z_]+)"')
_BY_ACTION = {
    f"users_{action}"
    for action in ("activate", "deactivate", "end_sessions", "add_to_group", "remove_from_group", "set_role", "delete")
}
_MADE_UP = _BY_ACTION | {f"{kind}_{what}" for kind in ("group", "bundle") for what in ("added", "changed", "deleted")}


@pytest.mark.parametrize(
    ("values", "text", "failed"),
    [
        ({"type": "login", "code": "ok", "provider": "local"}, "Logged in", False),
        ({"type": "login", "code": "ok", "provider": "company"}, "Logged in · company", False),
        ({"type": "login", "code": "factor_unavailable"}, "Not logged in", True),
        ({"type": "login", "code": "factor_required"}, "Login begun", False),
        ({"type": "api_token_created", "code": "empty_scope"}, "API token not made", True),
        ({"type": "session_ended", "code": "invalid_grant"}, "A session ended", False),
        ({"type": "session_ended", "code": "unknown_session"}, "Session not ended", True),
        ({"type": "sync", "code": "deactivated", "provider": "company"}, "Directory synced · company", False),
        ({"type": "password_changed", "code": "ok"}, "Password changed", False),
        ({"type": "factor_enrolled", "code": "ok"}, "Second factor added", False),
        ({"type": "something_new", "code": "ok"}, "Account changed", False),
        ({"type": "something_new", "code": "no"}, "Account not changed", True),
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


def found(pattern: re.Pattern[str]) -> set[str]:
    """What stands in our sources."""
    sources = Path(onegov_auth.__file__).parent.rglob("*.py")
    return {type_ for source in sources for type_ in pattern.findall(source.read_text(encoding="utf-8"))}


def test_what_administrators_and_operators_do_has_words() -> None:
    """The page of events, and its list to choose from, show no name of a type that only the program knows."""
    types = found(_TOLD)

    assert len(types) > 15
    assert {type_ for type_ in types if type_words(type_) == type_} == set()


@pytest.mark.sec("LOG-01")
def test_what_was_refused_is_not_told_as_done() -> None:
    """Every type of event that may be refused has words of its own for that, which say that it was not done."""
    types = (found(_MAY_FAIL) | _MADE_UP | {"deactivated", "mail_failed", "sms_failed"}) - {"step"}
    told = {type_: event_words(type_, "running" if type_ == "sync" else "not_allowed") for type_ in types}

    assert len(types) > 45
    assert {type_ for type_, words in told.items() if not re.search(r"\b(not|no)\b", words, re.IGNORECASE)} == set()
