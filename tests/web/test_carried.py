from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web.carried import MAX_AGE, carried, carry, put_down

COOKIE = "__Host-main-app-auth-link"


def cookies(response: Any) -> list[str]:
    return [line for line in response.headers.getall("Set-Cookie") if line.startswith(f"{COOKIE}=")]


@pytest.mark.sec("RESET-03", "COOKIE-01")
@pytest.mark.parametrize("purpose", ["reset-password", "activate"])
def test_token_goes_out_of_the_address(browser: Any, purpose: str) -> None:
    """The link of a mail answers with the same page without the token, which no site is told as a referrer."""
    response = browser.get(f"/auth/{purpose}?token=abc.DEF-1_2", status=303)

    assert response.location == f"https://app.example.org/auth/{purpose}"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    (cookie,) = cookies(response)
    assert cookie.endswith(f"~abc.DEF-1_2; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax; Secure")


@pytest.mark.parametrize("token", ["a b", "a%3bb", "a%0d%0ab", "%C3%A4", "x" * 3001, ""])
def test_what_is_no_token_is_not_carried(browser: Any, token: str) -> None:
    """What is no token of ours, or would not fit into a cookie, is dropped, and the page says that it is no good."""
    response = browser.get(f"/auth/activate?token={token}", status=303)

    assert [cookie.partition(";")[0] for cookie in cookies(response)] == [f"{COOKIE}=activate~"]
    assert "no longer good" in response.follow().text


def test_token_is_for_one_page(ask: Any) -> None:
    """A token that was carried for one purpose is none for another, nor is a cookie that says nothing."""

    def both(request: Any) -> tuple[str | None, str | None]:
        return carried(request, "reset"), carried(request, "activate")

    assert ask(both, headers={"Cookie": f"{COOKIE}=reset~abc"}) == ("abc", None)
    assert ask(both, headers={"Cookie": f"{COOKIE}=reset~"}) == (None, None)
    assert ask(both) == (None, None)


def test_token_is_put_down(app: Any, make_browser: Any) -> None:
    """What was used is forgotten; without anything there is nothing to forget."""
    app.question = put_down
    page = make_browser(app).get("/ask", headers={"Cookie": f"{COOKIE}=reset~abc"})

    assert [cookie.partition("; Path")[0] for cookie in cookies(page)] == [f"{COOKIE}="]
    assert "Max-Age=0" in cookies(page)[0]
    assert cookies(make_browser(app).get("/ask")) == []


def test_token_is_carried_to_a_page_of_ours(ask: Any) -> None:
    """The way on is reduced to this site, as any other."""
    response = ask(lambda request: carry(request, "reset", "abc", "//evil.example/"))

    assert response.location.startswith("https://app.example.org/")
