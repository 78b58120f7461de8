from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from webob.exc import HTTPNotFound

JSON = {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/personal", "/auth/login?to=%2Fpersonal"),
        ("/personal?a=b&c=d", "/auth/login?to=%2Fpersonal%3Fa%3Db%26c%3Dd"),
        ("/documents/private", "/auth/login?to=%2Fdocuments%2Fprivate"),
    ],
)
def test_person_is_led_to_the_login_and_back(browser: Any, path: str, location: str) -> None:
    """A page that needs a login answers 303 to the login page, which knows where to go afterwards."""
    assert browser.get(path, status=303).location == f"https://app.example.org{location}"


@pytest.mark.parametrize("headers", [JSON, {"X-Requested-With": "XMLHttpRequest"}])
def test_program_gets_a_401(browser: Any, headers: dict[str, str]) -> None:
    """A request for JSON gets JSON and a challenge that opens no window."""
    response = browser.get("/personal", headers=headers, status=401)

    assert response.content_type == "application/json"
    assert response.json["error"] == "login_required"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.sec("ASVS-16.3.2", "ASVS-16.4.1")
def test_who_is_logged_in_may_still_be_refused(
    browser: Any, add_user: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A 403 with a page, or JSON for a program, and a line in the log that can't be broken."""
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    page = browser.get("/secret", status=403)
    assert "not allowed to see this page" in page.text
    assert browser.get("/secret", headers=JSON, status=403).json["error"] == "forbidden"
    assert "Refused /secret to ann@example.org" in caplog.text


@pytest.mark.sec("ASVS-16.4.1", "LOG-03")
def test_names_and_paths_break_no_log_line(
    browser: Any, add_user: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What somebody chose, be it a username or a path, stands in the log with its brackets and line ends escaped."""
    name = "ann\u2028failed login by 192.0.2.1 (x)"
    add_user(name)
    browser.log_in(name)
    caplog.clear()

    browser.get("/secret", status=403)
    assert "Refused /secret to ann\\u2028failed login by 192.0.2.1 \\x28x\\x29 [" in caplog.text
    assert "\u2028" not in caplog.text
    mounted = {"SCRIPT_NAME": "/(x)"}
    browser.get("/secret", extra_environ=mounted, status=403)
    browser.post("/auth/login", extra_environ=mounted, status=403)
    browser.post("/failing?end=crash", extra_environ=mounted, status=500)
    lines = [record.getMessage() for record in caplog.records if record.name == "onegov_auth.web"]
    assert len(lines) == 4
    assert "(" not in "".join(lines)


def test_missing_page_says_so(browser: Any) -> None:
    """A 404 has the site's title, the way on, and the number of the request."""
    page = browser.get("/nothing", status=404)

    assert "There is no such page." in page.text
    assert re.search(r"<code>[0-9a-f]{32}</code>", page.text)
    assert browser.get("/nothing", headers=JSON, status=404).json["error"] == "not_found"


@pytest.mark.sec("ASVS-16.5.1", "ASVS-16.5.4", "ASVS-16.3.4", "ASVS-13.4.2")
def test_crash_shows_nothing_and_is_recorded(browser: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The person gets a number, the log has the number and the trace."""
    page = browser.post("/failing?end=crash", status=500)

    assert "nobody's business" not in page.text
    assert "Traceback" not in page.text
    number = re.search(r"<code>([0-9a-f]{32})</code>", page.text)
    assert number is not None
    assert number[1] in caplog.text
    assert "a detail that is nobody's business" in caplog.text
    json = browser.post("/failing?end=crash", headers=JSON, status=500).json
    assert json.keys() == {"error", "message", "request_id"}


@pytest.mark.sec("ASVS-16.5.2", "ASVS-16.5.3")
@pytest.mark.parametrize("error", ["sqlalchemy", "driver"])
def test_lost_database_is_a_503(browser: Any, app: Any, error: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without its database the site is away for now, nobody is let in, and nobody gets a trace."""

    def fail(*_: object) -> None:
        if error == "driver":
            raise app.driver_error("gone")
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    app.auth.sessions.lookup = fail
    page = browser.get("/personal", headers={"Cookie": f"{app.cookies.session}={'a' * 43}"}, status=503)

    assert page.headers["Retry-After"] == "10"
    assert "gone" not in page.text
    assert "The database can't be used" in caplog.text


@pytest.mark.sec("ASVS-16.3.3")
def test_refused_form_is_recorded(browser: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A form without a token leaves a warning."""
    with caplog.at_level(logging.WARNING, "onegov_auth.web"):
        browser.post("/auth/login", {"username": "x"}, status=403)

    assert "Refused a form to /auth/login: The form has expired." in caplog.text


@pytest.mark.parametrize(("method", "status"), [("put", 405), ("delete", 405)])
def test_other_client_errors_have_a_page_too(browser: Any, method: str, status: int) -> None:
    """A method we don't have is refused on our own pages, in our own words."""
    page = getattr(browser, method)("/auth/login", status=status)

    assert "This did not work" in page.text


def test_application_may_have_its_own_error_page(make_app: Any, make_browser: Any, app_class: Any) -> None:
    """A view of the application for an error takes the place of ours."""

    class Site(app_class):  # type: ignore[misc] # a class made by a fixture
        pass

    def _own(self: HTTPNotFound, request: Any) -> str:
        return "our own words"

    Site.html(model=HTTPNotFound)(_own)

    assert make_browser(make_app(cls=Site)).get("/nothing").text == "our own words"


@pytest.mark.sec("RATE-05", "ASVS-16.5.2")
def test_without_redis_nobody_guesses(make_app: Callable[..., Any], make_browser: Callable[..., Any]) -> None:
    """Where attempts are counted in a Redis that is down, a login is a 503, and pages that count nothing go on."""
    browser = make_browser(make_app(redis="redis://127.0.0.1:1/0"))
    form = browser.get("/auth/login").form
    form["username"], form["password"] = "ann@example.org", "x"

    response = form.submit(expect_errors=True)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert "try again later" in response.text
    assert browser.get("/").status_code == 200
