from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.domain import Transaction
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, Redirect, Refused, StepRequired, Unavailable
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownPeople
from onegov_auth.web.answers import after_callback, after_password, after_start, going
from onegov_auth.web.login_page import login_form

OUTCOMES: dict[str, Any] = {
    "refused": Refused("wrong_password"),
    "waiting": Refused("locked", retry_after=90),
    "locked out": Refused("locked_out"),
    "down": Unavailable("staff"),
}


@pytest.fixture(name="pending")
def _pending(clock: FakeClock) -> Transaction:
    return Transaction("id-1", "factor", None, "/open", {}, clock() + timedelta(minutes=5))


@pytest.fixture(name="answer")
def _answer(ask: Callable[..., Any], app: Any) -> Callable[..., Any]:
    """The response to an outcome, with the headers it leaves with."""
    app.auth.providers = {**app.auth.providers, "staff": KnownPeople(name="staff")}

    def answer(outcome: Any, door: str = "password") -> Any:
        def make(request: Any) -> Any:
            if door == "password":
                return after_password(request, outcome, login_form(request, {"username": "x"}), to="/open", link=None)
            if door == "start":
                return after_start(request, outcome, to="/open")
            return after_callback(request, outcome)

        return ask(make)

    return answer


@pytest.mark.parametrize(
    ("outcome", "door", "status"),
    [
        ("refused", "password", 200),
        ("refused", "start", 200),
        ("refused", "callback", 303),
        ("waiting", "password", 429),
        ("locked out", "password", 429),
        ("waiting", "callback", 303),
        ("down", "password", 503),
        ("down", "start", 503),
        ("down", "callback", 303),
    ],
)
def test_each_outcome_has_its_status(answer: Callable[..., Any], outcome: str, door: str, status: int) -> None:
    """A refusal shows the page again, a lock says wait, a server that is down is no refusal."""
    assert answer(OUTCOMES[outcome], door).status_code == status


def test_lock_says_when_to_come_back(answer: Callable[..., Any]) -> None:
    """In seconds for programs, in minutes for people."""
    response = answer(OUTCOMES["waiting"])

    assert response.headers["Retry-After"] == "90"
    assert "in 2 minutes" in response.text


def test_directory_that_is_down_is_told(answer: Callable[..., Any]) -> None:
    """The sentence of its own, and not that of a wrong password."""
    text = answer(OUTCOMES["down"]).text

    assert "The directory can&#39;t be reached right now. Local accounts still work." in text
    assert "check your username" not in text


@pytest.mark.parametrize("door", ["password", "callback"])
@pytest.mark.parametrize("kind", [FactorRequired, EnrolmentRequired])
@pytest.mark.sec("SESS-04")
def test_missing_factor_lets_nobody_in(
    answer: Callable[..., Any], pending: Transaction, door: str, kind: type[FactorRequired]
) -> None:
    """A factor that is missing is asked for on its page, and there is no session."""
    response = answer(kind(pending, ("totp",)), door)

    assert response.location == "https://app.example.org/auth/second-factor?transaction=id-1"
    assert not any("Max-Age" in line or "session" in line for line in response.headers.getall("Set-Cookie"))


@pytest.mark.sec("MFA-15")
@pytest.mark.parametrize("door", ["password", "callback"])
def test_unknown_outcome_lets_nobody_in(answer: Callable[..., Any], door: str) -> None:
    """Whatever a login may come to one day, it is a no as long as nothing here knows it."""
    response = answer(object(), door)

    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_proof_is_asked_for_on_the_login_page(answer: Callable[..., Any], pending: Transaction) -> None:
    """Who has to prove a local account is led to the form; one who typed a password stands before it already."""
    step = StepRequired(pending, "prove")

    assert 'name="password"' in answer(step).text
    assert 'value="x"' not in answer(step).text
    assert answer(step, "callback").location == "https://app.example.org/auth/login?to=%2Fopen&link=id-1"


@pytest.mark.parametrize("code", ["missing_state", "unknown_transaction", "expired_transaction", "no_browser"])
def test_login_that_was_not_begun_has_a_way_back(answer: Callable[..., Any], code: str) -> None:
    """A 400 with the sentence and the link to the login page."""
    response = answer(Refused(code), "callback")

    assert response.status_code == 400
    assert "begin again" in response.text
    assert 'href="/auth/login"' in response.text


@pytest.mark.sec("REDIR-10", "ASVS-3.7.2", "ASVS-3.7.3")
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://id.example.com/a?b=c&d=e", 200),
        ("/auth/login", 303),
        ("//evil.example", 303),
        ("javascript:alert(1)", 502),
        ("data:text/html,x", 502),
        ("id.example.com", 502),
    ],
)
def test_going_leads_to_web_sites_only(ask: Callable[..., Any], url: str, status: int) -> None:
    """A page of ours stands between the form and the other site, and goes nowhere but to a web address."""
    response = ask(lambda r: going(r, url))

    assert response.status_code == status
    if status == 200:
        escaped = url.replace("&", "&amp;")
        assert f'<meta http-equiv="refresh" content="0; url={escaped}">' in response.text
        assert f'href="{escaped}"' in response.text
    elif status == 303:
        assert response.location.startswith("https://app.example.org/")
    else:
        assert url not in response.text


def test_start_goes_on_by_a_page(answer: Callable[..., Any]) -> None:
    """The button's answer is a 200: a redirect would be blocked by form-action."""
    assert answer(Redirect("https://id.example.com/"), "start").status_code == 200
