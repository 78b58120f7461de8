from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.testing.clock import FakeClock
from onegov_auth.web import Personal, Private, Public, Secret


class Thing:
    """A model with an audience."""

    def __init__(self, access: str | None = None) -> None:
        self.access = access


@pytest.fixture(name="ann")
def _ann(browser: Any, add_user: Callable[..., Any]) -> Any:
    """A browser in which an editor is logged in."""
    add_user("ann@example.org", "editor", realname="Ann")
    browser.log_in("ann@example.org")
    return browser


def test_nobody_is_logged_in(ask: Callable[..., Any]) -> None:
    """Without a session there is no user and no role, and only what is public may be seen."""
    assert ask(lambda r: (r.is_logged_in, r.current_user, r.current_role, r.has_role("admin", "anonymous"))) == (
        False,
        None,
        None,
        False,
    )
    assert ask(lambda r: [r.is_public(1), r.is_personal(1), r.is_private(1), r.is_secret(1)]) == [True, *[False] * 3]


def test_somebody_is_logged_in(ask: Callable[..., Any], ann: Any) -> None:
    """With a session there are both, and the rights of the role."""
    assert ask(lambda r: (r.is_logged_in, r.current_user.title, r.current_role), ann) == (True, "Ann", "editor")
    assert ask(lambda r: (r.has_role("admin", "editor"), r.has_role("admin"), r.has_role()), ann) == (
        True,
        False,
        False,
    )
    assert ask(lambda r: [r.is_public(1), r.is_personal(1), r.is_private(1), r.is_secret(1)], ann) == [
        *[True] * 3,
        False,
    ]


def test_permissions_of_somebody_else(ask: Callable[..., Any], ann: Any, add_user: Callable[..., Any]) -> None:
    """Another user's rights can be asked for, and a view without a permission is for everybody."""
    root = add_user("root@example.org", "admin")

    def check(request: Any) -> list[bool]:
        other = request.auth.users.by_id(root.id)
        return [
            request.has_permission(1, Secret),
            request.has_permission(1, Secret, other),
            request.has_permission(1, Private),
            request.has_permission(1, None),
        ]

    assert ask(check, ann) == [False, True, True, True]


@pytest.mark.parametrize(
    ("url", "nobody", "editor"),
    [
        ("/open", True, True),
        ("/", True, True),
        ("/personal", False, True),
        ("/secret", False, False),
        ("https://elsewhere.example/personal?a=b#c", False, True),
        ("/documents/private", False, True),
        ("/auth/login", True, True),
    ],
)
def test_access_to_a_page_is_known(ask: Callable[..., Any], ann: Any, url: str, nobody: bool, editor: bool) -> None:
    """Whether somebody may see a page is what the page itself would decide."""
    assert ask(lambda r: r.has_access_to_url(url)) is nobody
    assert ask(lambda r: r.has_access_to_url(url), ann) is editor


@pytest.mark.parametrize(
    "url", ["/nothing", "/personal/deeper/still", "/documents/none", "/documents/gone", "/failing", "/auth/nothing"]
)
def test_access_to_no_page_is_an_error(ask: Callable[..., Any], url: str) -> None:
    """A page that isn't there, or that can't be visited, is a KeyError."""

    def check(request: Any) -> str:
        with pytest.raises(KeyError, match="no page"):
            request.has_access_to_url(url)
        return "checked"

    assert ask(check) == "checked"


def test_access_respects_the_place_of_the_site(ask: Callable[..., Any]) -> None:
    """Below another path of the server, that path is part of an address."""
    environ = {"SCRIPT_NAME": "/süd".encode().decode("latin-1")}

    assert ask(lambda r: r.has_access_to_url("/s%C3%BCd/open"), extra_environ=environ) is True


def test_lists_leave_out_what_is_not_for_the_person(ask: Callable[..., Any], ann: Any) -> None:
    """Private things are for editors, and secret ones are in no list of anybody else."""
    names = ("public", "private", "member", "secret", "secret_mtan", None)

    def visible(request: Any) -> list[str | None]:
        return [thing.access for thing in request.exclude_invisible([Thing(name) for name in names])]

    assert ask(visible) == ["public", None]
    assert ask(visible, ann) == list(names)


def test_tokens_hold_data_for_a_while(ask: Callable[..., Any], clock: FakeClock, app: Any) -> None:
    """A token is good for its purpose and its time, and for nothing else."""
    token = ask(lambda r: r.new_url_safe_token({"a": [1]}, "purpose"))

    def load(salt: str | None = "purpose", age: int | None = 60, text: str | None = token) -> Any:
        return ask(lambda r: r.load_url_safe_token(text, salt, age))

    assert load() == {"a": [1]}
    assert load(salt="other") is load(salt=None) is load(text=token[:-2]) is load(text=None) is None
    clock.advance(59)
    assert load() == {"a": [1]}
    clock.advance(1)
    assert load() is None
    assert load(age=None) == {"a": [1]}


@pytest.mark.parametrize(
    ("headers", "json"),
    [
        ({}, False),
        ({"Accept": "text/html,application/xhtml+xml,*/*"}, False),
        ({"Accept": "application/json"}, True),
        ({"Accept": "application/problem+json"}, True),
        ({"Accept": "text/html, application/json"}, False),
        ({"X-Requested-With": "XMLHttpRequest"}, True),
        ({"Authorization": "Bearer x"}, True),
        ({"Authorization": "Basic x"}, False),
    ],
    ids=str,
)
def test_programs_are_told_from_people(ask: Callable[..., Any], headers: dict[str, str], json: bool) -> None:
    """Who asks for JSON or sends a bearer token is no person in front of a browser."""
    assert ask(lambda r: r.wants_json, headers=headers) is json


def test_browser_value_is_kept(ask: Callable[..., Any], browser: Any, app: Any) -> None:
    """A browser gets a random value once and keeps it; one that can't be ours is replaced."""
    first = ask(lambda r: r.browser, browser)

    assert len(first) == 43
    assert ask(lambda r: r.browser, browser) == first
    assert ask(lambda r: r.browser) != first
    assert ask(lambda r: r.browser, headers={"Cookie": f"{app.cookies.browser}=short"}) != "short"


def test_here_is_where_to_come_back_to(ask: Callable[..., Any]) -> None:
    """The page with its query, in the reduced spelling."""
    assert ask(lambda r: r.here, params={"a": "b c"}) == "/ask?a=b+c"


@pytest.mark.parametrize(
    ("referer", "to"),
    [
        ("https://app.example.org/private?x=1", "/private?x=1"),
        ("https://evil.example/private", "/"),
        ("", "/"),
    ],
)
def test_after_a_form_somebody_comes_back_to_its_page(browser: Any, referer: str, to: str) -> None:
    """A form posted without a session leads back to the page it stood on, if that was ours."""
    response = browser.post("/personal", headers={"Referer": referer}, status=303)

    wanted = "https://app.example.org/auth/login"
    assert response.location == (wanted if to == "/" else f"{wanted}?to=%2Fprivate%3Fx%3D1")


def test_intents_are_classes(ask: Callable[..., Any], ann: Any) -> None:
    """The shortcuts and the general question agree."""
    intents = (Public, Personal, Private, Secret)

    assert ask(lambda r: [r.has_permission(1, intent) for intent in intents], ann) == [True, True, True, False]
