from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onegov_auth.web import links


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (links.home_url, "/süd/"),
        (links.login_url, "/süd/auth/login"),
        (lambda r: links.login_url(r, "/a?b=c", local="1"), "/süd/auth/login?to=%2Fa%3Fb%3Dc&local=1"),
        (lambda r: links.login_url(r, "/"), "/süd/auth/login"),
        (links.logout_url, "/süd/auth/logout"),
        (lambda r: links.provider_url(r, "a/b", "/callback"), "/süd/auth/provider/a%2Fb/callback"),
    ],
)
def test_links_are_paths_below_the_site(ask: Callable[..., Any], make: Callable[[Any], str], path: str) -> None:
    """No link has a host in it, and each has the path the site lies at."""
    environ = {"SCRIPT_NAME": "/süd".encode().decode("latin-1"), "HTTP_HOST": "evil.example"}

    assert ask(make, extra_environ=environ) == path.replace("ü", "%C3%BC")


def test_files_carry_their_version(ask: Callable[..., Any]) -> None:
    """The address of a file changes with its content."""
    url = ask(lambda r: links.static_url(r, "style.css"))

    assert url.startswith("/auth/static/style.css?v=")
    assert len(url.partition("v=")[2]) == 12
