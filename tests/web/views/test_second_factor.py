from __future__ import annotations

import re
from typing import Any

import pytest

from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, person

FACTORS = {"totp": {}, "recovery_codes": {}, "trusted_device": "14d"}
HOME = "https://app.example.org/"


@pytest.fixture(name="town")
def _town(make_town: Any) -> Any:
    """A site with an authenticator app and recovery codes."""
    return make_town(second_factors=FACTORS, attempts={"factor": {"limit": 3, "within": "5m", "lockout": "15m"}})


@pytest.fixture(name="phone")
def _phone(town: Any, add_phone: Any) -> Any:
    """Ann's app; she is logged in nowhere."""
    browser = town.member()
    phone = add_phone(town, browser)
    browser.log_out()
    town.clock.advance(60)
    return phone


def begin(town: Any, browser: Any = None, **fields: str) -> Any:
    """Log in with the password; returns the page that asks for the app's code."""
    response = (browser or town.browser()).log_in("ann@example.org", to="/personal", **fields)
    assert "/auth/second-factor/totp?transaction=" in response.location, response.location
    return response.follow()


def answer(page: Any, code: str, field: str = "code", **more: Any) -> Any:
    """Send a code off."""
    page.form["code"] = code
    for name, value in more.items():
        page.form[name] = value
    fields = dict(page.form.submit_fields())
    fields[field] = fields.pop("code")
    return page.test_app.post(page.form.action, fields, expect_errors=True)


@pytest.mark.sec("MFA-01", "SESS-04")
def test_code(town: Any, phone: Any) -> None:
    """The password alone opens nothing; with the code the person is where they wanted to go."""
    browser = town.browser()
    page = begin(town, browser)
    assert "Code from the app" in page.text
    assert "nobody" in browser.get("/").text
    assert browser.get("/auth/account").location.startswith("https://app.example.org/auth/login")

    response = answer(page, phone.code())
    assert response.location == "https://app.example.org/personal"
    assert "Hello" in response.follow().text


@pytest.mark.parametrize("field", ["totp", "tan"])
def test_fields_of_the_first_seed(town: Any, phone: Any, field: str) -> None:
    """The page takes the names that the first seed's forms have."""
    assert answer(begin(town), phone.code(), field).location == "https://app.example.org/personal"


def test_phones_fill_codes_in(town: Any, phone: Any) -> None:
    """The field tells what it is for, and shows a keypad of digits."""
    del phone
    page = begin(town)

    assert 'autocomplete="one-time-code"' in page.text
    assert 'inputmode="numeric"' in page.text


@pytest.mark.sec("OTP-02", "NIST-29")
def test_used_code(town: Any, phone: Any) -> None:
    """A code that was used is refused in another login, and told so; nobody is in."""
    code = phone.code()
    answer(begin(town), code)
    browser = town.browser()
    page = answer(begin(town, browser), code)

    assert "used already" in page.text
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("OTP-07", "MFA-04")
@pytest.mark.parametrize("code", ["", "   ", "12345", "1234567", "１２３４５６", "abcdef", "0" * 2000])
def test_no_code_at_all(town: Any, phone: Any, code: str) -> None:
    """What can't be a code is refused, and the same login goes on waiting for one."""
    page = begin(town)
    refused = answer(page, code)

    assert 'role="alert"' in refused.text
    assert "nobody" in page.test_app.get("/").text
    assert answer(refused, phone.code()).location == "https://app.example.org/personal"


@pytest.mark.sec("OTP-05", "RATE-01")
def test_too_many_codes(town: Any, phone: Any) -> None:
    """After some wrong codes the person has to wait, also in a new login, and is told how long."""
    page = begin(town)
    for _ in range(3):
        page = answer(page, phone.wrong())
        assert "not right" in page.text
    page = answer(page, phone.code())
    assert page.status_code == 429
    assert re.search(r"try again in 1\d minutes", page.text)
    assert page.headers["Retry-After"]

    assert answer(begin(town), phone.code()).status_code == 429


def test_clock_that_is_off(town: Any, phone: Any) -> None:
    """Whose phone is some minutes ahead learns what is wrong with the phone."""
    assert "clock of your device" in answer(begin(town), phone.code(9)).text


@pytest.mark.sec("MFA-06", "MFA-08")
def test_another_browser(town: Any, phone: Any) -> None:
    """What was begun in one browser goes on in no other."""
    path = begin(town).request.path_qs
    stranger = town.browser()
    stranger.get("/auth/login")

    assert "begun in another browser" in stranger.get(path, status=400).text
    fields = {"code": phone.code(), "transaction": path.partition("transaction=")[2]}
    fields["csrf_token"] = stranger.get("/auth/login").form["csrf_token"].value
    stranger.post("/auth/second-factor/totp", fields, status=400)
    stranger.post("/auth/second-factor", fields, status=400)
    assert "nobody" in stranger.get("/").text


@pytest.mark.sec("SESS-04")
def test_answered_page_again(town: Any, phone: Any) -> None:
    """The page of a login that is through is good for nothing more."""
    browser = town.browser()
    page = begin(town, browser)
    answer(page, phone.code())
    browser.log_out()
    town.clock.advance(60)
    token = browser.get("/auth/login").form["csrf_token"].value
    again = {"csrf_token": token, "transaction": page.form["transaction"].value, "code": phone.code()}

    browser.post("/auth/second-factor/totp", again, status=400)
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("MFA-04", "MFA-05", "MFA-07", "ENUM-01")
@pytest.mark.parametrize("type_", ["recovery_codes", "yubikey", "none", "local"])
def test_factor_that_one_has_not(town: Any, phone: Any, type_: str) -> None:
    """A type that the person has not, or nobody has, is not there; and nothing changes."""
    del phone
    browser = town.browser()
    page = begin(town, browser)
    transaction, token = page.form["transaction"].value, page.form["csrf_token"].value
    fields = {"transaction": transaction, "csrf_token": token, "code": "123456", "type": type_}

    browser.get(f"/auth/second-factor/{type_}?transaction={transaction}", status=404)
    browser.post(f"/auth/second-factor/{type_}", fields, status=404)
    browser.post("/auth/second-factor", fields, status=404)
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("ENUM-01", "ENUM-08")
def test_nothing_is_told_before_the_password(town: Any, phone: Any) -> None:
    """A wrong password looks the same for somebody with a factor and somebody without."""
    del phone
    town.add("ben@example.org")
    pages = [town.browser().log_in(name, "wrong").text for name in ("ann@example.org", "ben@example.org", "no@x.org")]

    assert all("You could not be logged in" in page and "second factor" not in page.lower() for page in pages)
    for path in ("/auth/second-factor", "/auth/second-factor/totp", "/auth/second-factor/recovery_codes"):
        town.browser().get(path, status=400)


@pytest.mark.sec("ASVS-14.3.2")
def test_pages_are_kept_nowhere(town: Any, phone: Any) -> None:
    """No cache keeps them."""
    del phone

    assert begin(town).headers["Cache-Control"] == "no-store"


@pytest.mark.sec("MFA-11")
def test_trusted_browser(town: Any, phone: Any) -> None:
    """Who wants it is not asked again in this browser, but in all others; a new password asks everywhere again."""
    browser = town.browser()
    response = answer(begin(town, browser), phone.code(), trust=True)
    cookie = next(line for line in response.headers.getall("Set-Cookie") if "-trusted=" in line)
    assert "Max-Age=1209600" in cookie
    assert all(part in cookie for part in ("__Host-", "HttpOnly", "Secure", "SameSite=Lax"))
    browser.log_out()

    assert browser.log_in("ann@example.org").location == HOME
    begin(town)
    with town.app.auth.database.unit() as db:
        town.app.auth.users(db).by_username("ann@example.org").password = "correct horse battery staple"
    begin(town, browser)


def test_trust_is_offered_only_where_it_is_switched_on(make_town: Any, add_phone: Any) -> None:
    """Without trusted_device there is no box, and one that is sent all the same does nothing."""
    town = make_town(second_factors={"totp": {}})
    phone = add_phone(town, town.member())
    town.clock.advance(60)
    page = begin(town)
    assert "Do not ask again" not in page.text
    page.form["code"] = phone.code()
    response = page.test_app.post(page.form.action, [*page.form.submit_fields(), ("trust", "1")])

    assert not any("-trusted=" in line for line in response.headers.getall("Set-Cookie"))


def test_programs_are_told_what_is_missing(town: Any, phone: Any) -> None:
    """A client that wants JSON gets a 401 with a code, and no session."""
    del phone
    browser = town.browser()
    token = browser.get("/auth/login").form["csrf_token"].value
    fields = {"username": "ann@example.org", "password": "correct horse battery staple", "csrf_token": token}
    response = browser.post("/auth/login", fields, headers={"Accept": "application/json"}, status=401)

    assert response.json["error"] == "second_factor_required"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "nobody" in browser.get("/").text


@pytest.mark.sec("MFA-02", "MFA-03")
def test_factor_after_a_provider(make_town: Any, add_phone: Any) -> None:
    """Who comes by a provider is asked for the factor as well; what the provider answered stays in no address."""
    ann = person("company", "1", "ann@example.org", groups=frozenset({"x"}))
    settings = ProviderSettings(kind="known-issuer", roles={"member": ("*",)})
    town = make_town(KnownIssuer(name="company", settings=settings, people={"c": ann}), second_factors=FACTORS)
    browser = town.browser()
    come(browser)
    phone = add_phone(town, browser)
    browser.log_out()
    town.clock.advance(60)

    response = come(browser)
    assert "/auth/second-factor/totp?transaction=" in response.location
    assert "nobody" in browser.get("/").text
    assert answer(response.follow(), phone.code()).location == "https://app.example.org/personal"


def come(browser: Any) -> Any:
    """Log in at the provider; returns what the callback answers."""
    token = browser.get("/auth/login?local=1").forms[0]["csrf_token"].value
    page = browser.post("/auth/provider/company", {"csrf_token": token, "to": "/personal"})
    state = page.text.partition("state=")[2].partition("&")[0]
    return browser.get("/auth/provider/company/callback", {"state": state, "code": "c"}, status=303)
