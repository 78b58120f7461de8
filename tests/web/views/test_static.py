from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web.static import FILES


@pytest.mark.parametrize("name", FILES)
def test_files_are_served(browser: Any, name: str) -> None:
    """With their type and an address that may be kept for ever."""
    file = FILES[name]
    response = browser.get(f"/auth/static/{name}?v={file.version}")

    assert response.body == file.content
    assert response.content_type == file.content_type
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_other_versions_are_asked_for_again(browser: Any) -> None:
    """Without its version a file is compared each time, and not sent twice."""
    response = browser.get("/auth/static/style.css?v=old")
    assert response.headers["Cache-Control"] == "no-cache"

    browser.get("/auth/static/style.css", headers={"If-None-Match": response.headers["ETag"]}, status=304)


def test_head_has_no_body(browser: Any) -> None:
    """HEAD answers like GET."""
    response = browser.head("/auth/static/style.css")

    assert (response.content_type, response.body) == ("text/css", b"")
