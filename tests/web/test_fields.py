from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.web.fields import MAX_BODY


def body(
    browser: Any, raw: bytes | str, content_type: str = "application/x-www-form-urlencoded", status: int = 400
) -> Any:
    """Post something to the login page."""
    return browser.post("/auth/login", raw, content_type=content_type, status=status)


@pytest.mark.sec("ASVS-15.3.7")
@pytest.mark.parametrize(
    "raw", ["username=a&username=b", "password=a&password=b", "csrf_token=a&csrf_token=b", "username=a&username=a"]
)
def test_doubled_fields_are_refused(browser: Any, raw: str) -> None:
    """A field that is sent twice could mean one thing here and another in front."""
    assert "A field was sent twice." in body(browser, raw).text


@pytest.mark.sec("ASVS-15.3.7")
@pytest.mark.parametrize("path", ["/auth/login?to=/a&to=/b", "/auth/logout?to=/a&to=/b"])
def test_doubled_query_fields_are_refused(browser: Any, path: str) -> None:
    """The same holds for the query."""
    browser.get(path, status=400)


@pytest.mark.sec("ASVS-15.3.5")
def test_files_are_no_texts(browser: Any) -> None:
    """A file in place of a text gets a clear 400."""
    response = browser.post("/auth/login", {"csrf_token": "x"}, upload_files=[("username", "a.txt", b"x")], status=400)

    assert "A file was sent where a text belongs." in response.text


@pytest.mark.parametrize("raw", [b"username=%ff&password=x", b"%ff=x"])
def test_forms_that_are_no_utf8_are_refused(browser: Any, raw: bytes) -> None:
    """Bytes that are no text get a 400 and not a 500."""
    assert body(browser, raw).status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"--\r\n", 400),
        ("multipart/form-data; boundary=a\x7fb", b"x", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Length: no\r\n\r\nabc\r\n--x--", 400),
        ("multipart/form-data; boundary=x", b"nothing of the kind", 403),
        ("application/x-www-form-urlencoded; charset=utf-16", b"a=b", 400),
        ("application/x-www-form-urlencoded; charset=none-such", b"a=b", 400),
    ],
)
def test_broken_forms_are_refused(browser: Any, content_type: str, body: bytes, status: int) -> None:
    """A body that contradicts its header gets a 400 or counts as empty, never a 500."""
    environ = {"CONTENT_TYPE": content_type}

    browser.request("/auth/login", method="POST", body=body, environ=environ, status=status)


@pytest.mark.parametrize("path", ["/auth/login?to=%ff", "/%ff", "/auth/%ff"])
def test_addresses_that_are_no_utf8_are_refused(browser: Any, path: str) -> None:
    """A path or query that is no text gets a 400."""
    response = browser.get(path, status=400)

    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_huge_forms_are_refused(browser: Any) -> None:
    """A password of a megabyte is refused before anything is done with it."""
    response = body(browser, "password=" + "x" * (MAX_BODY * 2), status=413)

    assert "The form is too large." in response.text
