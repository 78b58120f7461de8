from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.cli.demo import ways
from onegov_auth.cli.demo.ways import COMPANY, Login, directory, openid
from onegov_auth.testing.servers import PEOPLE, OidcProvider, ServerFailedError, ServerMissingError, Slapd


@pytest.mark.usefixtures("slapd")
def test_directory() -> None:
    """A directory is started and described: TLS, the service account, five people with their roles."""
    said: list[str] = []
    with ExitStack() as stack:
        way = directory(stack, said.append)

        assert way.running
        assert way.settings["kind"] == "ldap"
        assert str(way.settings["servers"]).startswith("['ldaps://localhost:")
        assert Path(str(dict(way.settings)["tls"]["ca_file"])).exists()  # type: ignore[index] # a mapping of mappings
        assert [login.role for login in way.logins] == ["admin", "editor", "editor", "member", "member"]
    assert said == ["Starting a directory (slapd) …"]
    assert not way.running


@pytest.mark.usefixtures("oidc_op")
def test_openid() -> None:
    """An OpenID provider is started and described; browsers may be sent back to the demo."""
    with ExitStack() as stack:
        way = openid(stack, lambda _sentence: None, "http://127.0.0.1:8080")

        assert way.running
        assert str(way.settings["issuer"]).startswith("http://127.0.0.1:")
        assert [(login.username, login.role) for login in way.logins] == [
            ("fiona", "admin"),
            ("gian", "editor"),
            ("hana", "member"),
        ]
    assert not way.running


@pytest.mark.parametrize(
    "error", [ServerMissingError("slapd", "slapd"), ServerFailedError("slapd ended with 1:\nlots of lines")]
)
@pytest.mark.parametrize("kind", [Slapd, OidcProvider])
def test_not_there(monkeypatch: pytest.MonkeyPatch, kind: Any, error: Exception) -> None:
    """What can't be started is described with the reason, which is told while waiting too."""

    class Broken(kind):  # type: ignore[misc] # one of two classes
        def start(self) -> Any:
            raise error

    monkeypatch.setattr(ways, kind.__name__, Broken)
    said: list[str] = []
    with ExitStack() as stack:
        way = directory(stack, said.append) if kind is Slapd else openid(stack, said.append, "http://127.0.0.1:8080")

    assert (way.running, way.logins, way.settings) == (False, (), {})
    assert way.missing == str(error).splitlines()[0]
    assert said[-1] == f"  not there: {way.missing}"


def test_nobody_is_at_two_sources() -> None:
    """The provider's people aren't the directory's: the same name from two sources would be refused."""
    assert not {person.mail for person in PEOPLE} & {account.email for account in COMPANY}


def test_login_hides_its_password() -> None:
    """A login that ends up in a log shows no password."""
    assert "secret" not in repr(Login("ann", "secret", "admin"))
