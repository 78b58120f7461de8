from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.outcomes import Refused

PASSWORD = "seven blue herons on a dry roof"
SENT = "https://app.example.org/auth/resend?sent=1"


def register(browser: Any, name: str, path: str = "/auth/register", **fields: str) -> Any:
    form = browser.get(path).forms[0]
    form["username"], form["password"], form["confirm"] = name, PASSWORD, PASSWORD
    for field, value in fields.items():
        form[field] = value
    return form.submit(expect_errors=True)


@pytest.mark.sec("ENUM-05")
def test_taken_and_free_look_the_same(town: Any) -> None:
    """Whether an address is taken shows in the mail, and neither on the page nor in cookies or headers."""
    town.member("ann@example.org", email="ann@example.org", email_verified=True)
    answers = []
    for name in ("ann@example.org", "new@example.org"):
        response = register(town.browser(), name)
        cookies = sorted(line.partition("=")[0] for line in response.headers.getall("Set-Cookie"))
        answers.append((response.status, response.location, cookies, sorted(response.headers), response.follow().text))

    assert answers[0][:4] == answers[1][:4]
    assert answers[0][0] == "303 See Other"
    assert answers[0][1] == SENT
    assert town.user("new@example.org").active is False
    town.link("activate", to="new@example.org")
    assert "ann@example.org" in {mail["To"] for mail in town.mails}


def test_registered_person_reads_what_to_do(town: Any) -> None:
    """After the form there is a page that says to look for a mail, and sends it again."""
    page = register(town.browser(), "new@example.org").follow()

    assert "Look into your mailbox" in page.text
    page.form["email"] = "new@example.org"
    before = len(town.mails)
    assert page.form.submit().location == SENT
    assert len(town.mails) == before + 1


@pytest.mark.sec("ENUM-05")
def test_resending_looks_the_same(town: Any) -> None:
    """Whether somebody waits for another mail does not show."""
    answers = set()
    register(town.browser(), "new@example.org")
    for name in ("new@example.org", "nobody@example.org"):
        form = town.browser().get("/auth/resend").form
        form["email"] = name
        response = form.submit()
        answers.add((response.status, response.location))

    assert answers == {("303 See Other", SENT)}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"username": "ann"}, 'id="username-error"'),
        ({"password": "short", "confirm": "short"}, 'id="password-error"'),
        ({"confirm": "something else"}, 'id="confirm-error"'),
        ({"password": "", "confirm": ""}, 'id="password-error"'),
    ],
)
def test_form_says_what_is_wrong(town: Any, fields: dict[str, str], text: str) -> None:
    """What can't be is said beside its field, and nobody is registered; no password is sent back."""
    page = register(town.browser(), "new@example.org", **fields)

    assert page.status_code == 200
    assert text in page.text
    assert PASSWORD not in page.text
    assert town.user("new@example.org") is None


def test_robot_gets_no_account(town: Any) -> None:
    """Who fills in what people don't see gets no account, and no word about it."""
    response = register(town.browser(), "robot@example.org", roboter_falle="http://spam.example")

    assert town.user("robot@example.org") is None
    assert response.status_code in {200, 303}


def test_switched_off(make_town: Any) -> None:
    """Where nobody may register there is no such page, and no link to it."""
    browser = make_town(registration={"enabled": False}).browser()

    browser.get("/auth/register", status=404)
    assert "/auth/register" not in browser.get("/auth/login").text


@pytest.mark.sec("CSRF-01")
def test_switched_off_refuses_forms(make_town: Any) -> None:
    """A form that is posted all the same registers nobody."""
    town = make_town(registration={"enabled": False})
    browser = town.browser()
    token = browser.get("/auth/login").forms[0]["csrf_token"].value
    fields = {"username": "new@example.org", "password": PASSWORD, "confirm": PASSWORD, "csrf_token": token}

    browser.post("/auth/register", fields, status=404)
    browser.post("/auth/register", {"csrf_token": token}, status=404)
    assert town.user("new@example.org") is None


@pytest.mark.sec("LINK-28")
def test_signup_link(make_town: Any) -> None:
    """A link lets in so many, with its role, where nobody else may register."""
    town = make_town(registration={"enabled": False})
    path = town.app.auth.signup_url(town.app.auth.new_signup_token("editor")).removeprefix("https://app.example.org")

    assert register(town.browser(), "new@example.org", path).location == SENT
    assert town.user("new@example.org").role == "editor"
    late = town.browser().get(path, expect_errors=True)
    assert "no longer good" in late.text
    assert not late.forms


def test_signup_link_of_another_domain(make_town: Any) -> None:
    """Who types the wrong address is told which one is wanted, and may try again by the same link."""
    auth = (town := make_town(registration={"enabled": False})).app.auth
    path = auth.signup_url(auth.new_signup_token("editor", domain="example.org")).removeprefix(
        "https://app.example.org"
    )
    browser = town.browser()
    page = register(browser, "new@example.com", path)

    assert "for e-mail addresses of example.org only" in page.html.find(id="username-error").text
    page.form["username"], page.form["password"], page.form["confirm"] = "new@example.org", PASSWORD, PASSWORD
    assert page.form.submit().location == SENT


@pytest.mark.sec("LINK-28")
def test_signup_link_runs_out_meanwhile(make_town: Any) -> None:
    """Who had the form open when the last place was taken is told."""
    town = make_town(registration={"enabled": False})
    path = town.app.auth.signup_url(town.app.auth.new_signup_token("editor")).removeprefix("https://app.example.org")
    slow = town.browser()
    form = slow.get(path).form
    form["username"], form["password"], form["confirm"] = "slow@example.org", PASSWORD, PASSWORD
    register(town.browser(), "fast@example.org", path)

    page = form.submit(expect_errors=True)
    assert "no longer good" in page.text
    assert town.user("slow@example.org") is None


@pytest.mark.sec("ENUM-09")
def test_many_registrations(make_town: Any) -> None:
    """Who registers too often waits, with a 429 that says how long."""
    town = make_town(attempts={"signup": {"limit": 1}})
    answers = [register(town.browser(), "new@example.org") for _ in range(3)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many attempts" in answers[-1].text


def test_password_managers_are_told(town: Any) -> None:
    """The form has the hints by which password managers and browsers fill it in."""
    form = town.browser().get("/auth/register").form

    assert form["username"].attrs["autocomplete"] in {"username", "email"}
    assert form["password"].attrs["autocomplete"] == "new-password"
    assert form["password"].attrs["passwordrules"] == "minlength: 15; maxlength: 256; allowed: unicode;"
    assert form["confirm"].attrs["autocomplete"] == "new-password"
    assert form["roboter_falle"].attrs["tabindex"] == "-1"


def test_what_is_no_address(town: Any) -> None:
    """The mail is sent again to addresses only."""
    form = town.browser().get("/auth/resend").form
    form["email"] = "ann"

    assert 'id="email-error"' in form.submit().text


@pytest.mark.parametrize(
    ("code", "answer"), [("robot", 303), ("registration_disabled", 404), ("invalid_username", 200)]
)
def test_refusals_of_the_core(town: Any, monkeypatch: pytest.MonkeyPatch, code: str, answer: int) -> None:
    """What only the core refuses has an answer too: none for robots, no page, or a word beside the name."""
    monkeypatch.setattr(town.app.auth, "register", lambda *_arguments: Refused(code))
    page = register(town.browser(), "new@example.org")

    assert page.status_code == answer
    assert ("username-error" in page.text) is (code == "invalid_username")
