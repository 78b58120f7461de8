from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.web.permissions import Combination, Permission, Personal, Secret, has_all, has_any

PAGES = ("open", "personal", "private", "secret")


class Read(Permission):
    """For the tests below."""

    token = "read"


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        (None, {"open"}),
        ("anonymous", {"open"}),
        ("member", {"open", "personal"}),
        ("supporter", {"open", "personal", "private"}),
        ("editor", {"open", "personal", "private"}),
        ("admin", {"open", "personal", "private", "secret"}),
    ],
)
@pytest.mark.sec("ASVS-8.3.1")
def test_roles_may_do_what_the_settings_say(
    browser: Any, add_user: Callable[..., Any], role: str | None, pages: set[str]
) -> None:
    """Each role sees the pages of its intents, and of no others."""
    if role is not None:
        add_user("ann@example.org", role)
        browser.log_in("ann@example.org")
    refused = 303 if role is None else 403

    found = {page: browser.get(f"/{page}", expect_errors=True).status_code for page in PAGES}
    assert found == {page: 200 if page in pages else refused for page in PAGES}


def test_roles_setting_decides(make_app: Callable[..., Any], make_browser: Any, add_user: Callable[..., Any]) -> None:
    """A role of the settings' own has the intents given to it; a role they don't know has none."""
    app = make_app(roles={"admin": ["Public", "Secret"], "guest": ["Public", "Private"], "anonymous": []})
    for role, page, status in (("admin", "personal", 403), ("guest", "private", 200), ("editor", "private", 403)):
        add_user(f"{role}@example.org", role)
        browser = make_browser(app)
        browser.log_in(f"{role}@example.org")
        browser.get(f"/{page}", status=status)

    make_browser(app).get("/", status=303)


@pytest.mark.parametrize(
    ("access", "role", "status"),
    [
        ("public", None, 200),
        ("secret", None, 200),
        ("member", None, 303),
        ("private", None, 303),
        ("unpublished", None, 303),
        ("member", "member", 200),
        ("private", "member", 403),
        ("private", "editor", 200),
        ("unpublished", "member", 200),
        ("public", "anonymous", 200),
        ("member", "anonymous", 403),
        ("private", "anonymous", 403),
        ("unpublished", "anonymous", 403),
    ],
)
def test_models_have_an_audience(
    browser: Any, add_user: Callable[..., Any], access: str, role: str | None, status: int
) -> None:
    """What is private or for members or not published yet is not for everybody, public page or not."""
    if role is not None:
        add_user("ann@example.org", role)
        browser.log_in("ann@example.org")

    browser.get(f"/documents/{access}", status=status)


@pytest.mark.parametrize(
    ("username", "role", "statuses"),
    [
        (None, None, (303, 303, 303)),
        ("ann@example.org", "admin", (403, 403, 200)),
        ("reader@example.org", "member", (200, 403, 200)),
        ("other@example.org", "member", (403, 403, 403)),
    ],
)
def test_fine_permissions_go_by_token(
    browser: Any, add_user: Callable[..., Any], username: str | None, role: str | None, statuses: tuple[int, ...]
) -> None:
    """A page asks for a token, for all of several or for one of them; nobody has one by role alone."""
    if username is not None:
        add_user(username, role)
        browser.log_in(username)

    pages = ("invoices", "both", "either")
    assert tuple(browser.get(f"/{page}", expect_errors=True).status_code for page in pages) == statuses


def test_tokens_are_asked_for_once_a_request(browser: Any, app: Any, add_user: Callable[..., Any]) -> None:
    """Several checks on one page look the person's tokens up once."""
    add_user("reader@example.org")
    browser.log_in("reader@example.org")
    asked: list[str] = []

    def tokens(identity: Any) -> frozenset[str]:
        asked.append(identity.userid)
        return frozenset({"invoices.read"})

    app.permission_tokens = tokens

    browser.get("/both", status=403)

    assert asked == ["reader@example.org"]


def test_combinations_are_made_once() -> None:
    """The same parts give the same class, by which Morepath finds rules and views."""
    assert has_all(Read, Secret) is has_all(Read, Secret)
    assert has_all(Read, Secret) is not has_any(Read, Secret)
    assert has_all(Read, Secret) is not has_all(Secret, Read)
    assert issubclass(has_any(Read, has_all(Personal, Secret)), Combination)
    assert has_any(Read, Secret).__name__ == "has_any(Read, Secret)"


@pytest.mark.parametrize("make", [has_all, has_any])
def test_combination_of_nothing_is_refused(make: Callable[..., object]) -> None:
    """All of no permissions would be a page for everybody."""
    with pytest.raises(ValueError, match="at least one"):
        make()


@pytest.mark.parametrize("token", [None, "", "  ", 5])
def test_permission_needs_a_token(token: object) -> None:
    """A permission nobody can be granted is a mistake, found where it is written."""
    with pytest.raises(TypeError, match="needs a token"):
        type("Broken", (Permission,), {} if token is None else {"token": token})
