"""A browser in which anybody may be logged in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import onegov_auth
from onegov_auth.testing.client import AuthClient, AuthTestApp
from onegov_auth.testing.people import find_user


def who(client: AuthClient, **more: Any) -> str:
    """Whom the site greets."""
    return str(client.get("/", **more).text)


def test_a_client_belongs_to_a_user(application: Any, make_user: Any, auth_client: Any) -> None:
    """From the first request on, by an ordinary session with an ordinary cookie."""
    ann = make_user("ann@example.org")

    assert who(auth_client(ann)) == "ann@example.org"
    assert who(AuthTestApp(application, user="ann@example.org")) == "ann@example.org"
    assert who(auth_client()) == "nobody"


def test_one_request_belongs_to_another_user(make_user: Any, auth_client: Any) -> None:
    """The one before and the one after it belong to whom the client belongs to."""
    ann, ben = make_user("ann@example.org"), make_user("ben@example.org")
    client = auth_client(ann)

    assert who(client, user=ben) == "ben@example.org"
    assert who(client, user=None) == "nobody"
    assert who(client) == "ann@example.org"
    assert who(auth_client(), user=ben) == "ben@example.org"


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "delete", "post_json"])
def test_every_method_takes_a_user(make_user: Any, auth_client: Any, method: str) -> None:
    """And forgets it afterwards."""
    client, ben = auth_client(), make_user("ben@example.org")

    answer = getattr(client, method)("/echo", user=ben, expect_errors=True)

    assert answer.headers["X-Who"] == "ben@example.org"
    assert who(client) == "nobody"


def test_several_requests_belong_to_another_user(make_user: Any, auth_client: Any) -> None:
    """So that a form may be read and posted; what goes wrong in between leaves nobody behind."""
    client, ben = auth_client(make_user("ann@example.org")), make_user("ben@example.org")

    with client.acting_as(ben):
        assert client.post("/form", {"csrf_token": client.csrf_token()}).text == "taken from ben@example.org"
    with pytest.raises(RuntimeError), client.acting_as(ben):
        raise RuntimeError

    assert who(client) == "ann@example.org"


def test_only_who_may_log_in_is_logged_in(make_user: Any, auth_client: Any) -> None:
    """The application's own checks are asked, and what they say is told."""
    with pytest.raises(AssertionError, match=r"ann@example.org is not let in: .*inactive"):
        auth_client(make_user("ann@example.org", active=False))
    with pytest.raises(AssertionError, match="there is no user ben"):
        auth_client("ben@example.org")


def test_a_login_is_recorded_as_any_other(application: Any, make_user: Any, auth_client: Any) -> None:
    """It leaves an event, a session and the time of the login."""
    auth_client(make_user("ann@example.org"))
    entities: Any = application.auth.entities

    with application.auth.database.read() as db:
        assert db.scalars(select(entities.event.type)).all() == ["login"]
        assert db.scalars(select(entities.session.address)).all() == ["192.0.2.1"]
    assert find_user(application, "ann@example.org").last_login == application.auth.clock()


def test_nothing_shipped_knows_the_seeds_back_door() -> None:
    """No module outside of this kit reads a variable by which a test, or a server, says who somebody is."""
    top = Path(onegov_auth.__file__).parent
    words = re.compile("TEST_USER_ID|REMOTE_USER|paste.testing")
    modules = [path for path in top.rglob("*.py") if path.relative_to(top).parts[0] != "testing"]

    assert len(modules) > 100
    assert [path.name for path in modules if words.search(path.read_text(encoding="utf-8"))] == []


def test_it_says_what_to_install() -> None:
    """Without WebTest, the extra is named."""
    code = "import sys; sys.modules['webtest'] = None\nimport onegov_auth.testing.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "pip install 'onegov-auth[testing]'" in done.stderr
