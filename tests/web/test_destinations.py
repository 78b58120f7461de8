from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web import Secret
from onegov_auth.web.destinations import destination


def test_page_at_an_address(ask: Any) -> None:
    """An address leads to the model that a request would see, and to the permission of its view."""
    page = ask(lambda request: destination(request, "https://elsewhere.example/secret?x=1"))

    assert type(page.model).__name__ == "Root"
    assert page.permission is Secret


@pytest.mark.parametrize("url", ["/documents/none", "/documents/gone", "/nothing", "/secret/deeper", "/failing"])
def test_no_page_at_an_address(ask: Any, url: str) -> None:
    """Where nobody could look at a page, there is none."""

    def look(request: Any) -> Any:
        with pytest.raises(KeyError, match="no page"):
            destination(request, url)

    ask(look)


def test_another_permission_is_asked_for_instead(ask: Any) -> None:
    """Somebody may be asked for another permission on the same page."""
    page, identity = ask(lambda request: (destination(request, "/secret"), request.identity))

    assert not page.permits(identity)
    assert not page.permits(identity, Secret)
    assert page._replace(permission=None).permits(identity)
