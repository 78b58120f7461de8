from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from onegov_auth.web.redirects import MAX_LENGTH, is_web_address, own_path, redirect_to, safe_path

# Shapes as in Django's tests of url_has_allowed_host_and_scheme, and what came after them.
BAD = [
    "",
    "\n",
    r"\\evil.example",
    r"\\\evil.example",
    r"/\\/evil.example",
    r"\\//evil.example",
    r"/\/evil.example",
    r"\/evil.example",
    r"/\evil.example",
    r"http:/\//evil.example",
    r"http:\/evil.example",
    r"http:/\evil.example",
    "http:///evil.example",
    'javascript:alert("x")',
    "\njavascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "ftp://evil.example/x",
    "\x08//evil.example",
    "/\t/evil.example",
    "/\r/evil.example",
    "/%09/evil.example\n",
    r"http://other\@evil.example",
    r"http:\\app.example.org\@evil.example",
    r"http://app.example.org\me:pass@evil.example",
    "http:999999999",
    "ftp:9999999999",
    "http://[2001:cdba:0000:0000:0000:0000:3257:9652/",
    "http://2001:cdba:0000:0000:0000:0000:3257:9652]/",
    "http://evil.example:99999999/x",
    "///evil.example",
    "////evil.example",
    "https://evil.example//evil.example",
    "/%2F/evil.example\x7f",
    "/%2fevil.example",
    "%2f%2fevil.example",
    "/%5Cevil.example",
    "/%0d%0aSet-Cookie:x",
    "/x\u2028y",
    "/\u00a0/evil.example",
    "/\ud800",
    "//:80/x",
]

GOOD = {
    "/": "/",
    "/view/?param=http://evil.example": "/view/?param=http://evil.example",
    "/view?param=ftp://evil.example": "/view?param=ftp://evil.example",
    "view/?param=//evil.example": "/view/?param=//evil.example",
    "/url%20with%20spaces/": "/url%20with%20spaces/",
    "path/http:2222222222": "/path/http:2222222222",
    "/a/b?c=d&e=f#g": "/a/b?c=d&e=f#g",
    "/süd?ö=ä": "/s%C3%BCd?%C3%B6=%C3%A4",
    "/caf%C3%A9": "/caf%C3%A9",
    '/"onload': "/%22onload",
}

# Of an address the path stays, as in the first seed; the site never does.
REDUCED = {
    "https://app.example.org/": "/",
    "HTTPS://app.example.org/": "/",
    "//app.example.org/": "/",
    "http://app.example.org/confirm?email=me@example.com": "/confirm?email=me@example.com",
    "https://evil.example": "/",
    "https://evil.example/x?y#z": "/x?y#z",
    "https://app.example.org.evil.example/x": "/x",
    "https://app.example.org@evil.example/x": "/x",
    "http://u:p@evil.example:8080/x": "/x",
    "//evil.example/x": "/x",
    "//evil.example": "/",
}


@pytest.mark.sec("REDIR-01", "REDIR-03", "REDIR-04", "REDIR-05", "REDIR-09", "REDIR-10")
@pytest.mark.parametrize("to", BAD, ids=ascii)
def test_what_a_browser_may_misread_is_dropped(to: str) -> None:
    """Whatever could be another site, a script or a second header becomes the front page."""
    assert safe_path(to) == "/"


@pytest.mark.sec("REDIR-01")
@pytest.mark.parametrize(("to", "path"), GOOD.items(), ids=ascii)
def test_paths_of_this_site_stay(to: str, path: str) -> None:
    """A path with its query stays what it is, written in ASCII."""
    assert safe_path(to) == path


@pytest.mark.sec("REDIR-05", "REDIR-06", "REDIR-07")
@pytest.mark.parametrize(("to", "path"), REDUCED.items(), ids=ascii)
def test_addresses_are_reduced_to_their_path(to: str, path: str) -> None:
    """No comparison with an allowed site can be outwitted, because there is none."""
    assert safe_path(to) == path


@pytest.mark.parametrize("to", [None, 5, b"/x", ["/x"]])
def test_no_text_is_no_path(to: object) -> None:
    """What is no text becomes the default."""
    assert safe_path(to, "/home") == "/home"


@pytest.mark.sec("REDIR-11")
def test_long_paths_are_dropped() -> None:
    """An address of 100 kB is not carried along; one at the limit is."""
    assert safe_path("/" + "a" * 100_000) == "/"
    assert safe_path("/" + "a" * (MAX_LENGTH - 1)) == "/" + "a" * (MAX_LENGTH - 1)


def test_reducing_twice_changes_nothing() -> None:
    """A path is its own reduction, so that it may be checked again where it is used."""
    for to in [*BAD, *GOOD, *REDUCED]:
        assert safe_path(safe_path(to)) == safe_path(to)


@pytest.mark.sec("REDIR-02", "REDIR-08")
@pytest.mark.parametrize("to", [*BAD, *GOOD, *REDUCED], ids=ascii)
def test_location_is_always_absolute_and_ours(ask: Callable[..., Any], to: str) -> None:
    """Whatever is asked for, the Location begins with our own origin, checked at the place of use."""
    location = ask(lambda request: redirect_to(request, to).location)

    assert urlsplit(location)[:2] == ("https", "app.example.org")
    assert location == f"https://app.example.org{safe_path(to)}"


@pytest.mark.sec("REDIR-10")
@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://id.example.com/auth?x=1", True),
        ("http://localhost:9/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//id.example.com", False),
        ("https://", False),
        ("https://id.example.com/\nx", False),
        (r"https:\\id.example.com", False),
    ],
    ids=ascii,
)
def test_only_web_addresses_are_gone_to(url: str, good: bool) -> None:
    """Where a page sends a browser is a web site or nothing."""
    assert is_web_address(url) is good


@pytest.mark.sec("REDIR-01", "OIDCX-34")
@pytest.mark.parametrize("address", [bad for bad in BAD if bad])
def test_somebody_elses_address_is_the_front_page(ask: Callable[..., Any], address: str) -> None:
    """No path of ours is made of an address that is not ours."""
    assert ask(lambda request: own_path(request, address)) == "/"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://app.example.org/a?b=c", "/a?b=c"),
        ("https://APP.example.org/a", "/a"),
        ("https://app.example.org", "/"),
        ("/a", "/a"),
        ("https://app.example.orga/a", "/"),
        ("https://app.example.org:444/a", "/"),
        ("https://other.example.org/a", "/"),
        ("a", "/"),
    ],
)
def test_an_address_of_ours_is_its_path(ask: Callable[..., Any], address: str, path: str) -> None:
    """Scheme, host and port are the very same, or it is not ours."""
    assert ask(lambda request: own_path(request, address)) == path
