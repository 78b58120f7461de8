"""Programs that come by tokens to a host with tables of its own, whose users have numbers for keys."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.testing.client import AuthClient
from onegov_auth.testing.people import PASSWORD, find_user

ANN: dict[str, Any] = {"username": "ann@example.org", "password": PASSWORD}
TOKEN = "/auth/token"


@pytest.fixture(name="application")
def _application(make_application: Any, staff_app: Any) -> Any:
    """The host, with access tokens."""
    return make_application(staff_app.App, tokens={"jwt": {"enabled": True}})


@pytest.fixture(name="program")
def _program(application: Any) -> Any:
    """Asks for a page by a token, and says the status and the text."""

    def ask(token: str, path: str = "/") -> tuple[int, str]:
        found = AuthClient(application).get(path, headers={"Authorization": f"Bearer {token}"}, expect_errors=True)
        return found.status_int, found.text

    return ask


@pytest.fixture(name="ann")
def _ann(make_user: Any) -> Any:
    """An employee who may read the payroll."""
    return make_user("ann@example.org", realname="Ann", role="admin", permissions=["payroll.read"])


def tokens(application: Any, status: int = 200, **fields: Any) -> Any:
    return AuthClient(application).post_json(TOKEN, fields, status=status).json


@pytest.mark.sec("TOK-03", "ASVS-10.3.3")
def test_access_tokens(application: Any, program: Any, ann: Any) -> None:
    """They are the employee of that number, with the rights of this moment, and go on by refresh tokens."""
    given = tokens(application, **ANN)
    assert program(given["access_token"]) == (200, f"employee {ann.id}: Ann")
    assert program(given["access_token"], "/payroll") == (200, "payroll")

    again = tokens(application, refresh_token=given["refresh_token"])
    assert program(again["access_token"], "/office") == (200, "office")
    with application.auth.database.unit() as db:
        db.get_one(type(ann), ann.id).permissions = []
    assert program(again["access_token"], "/payroll")[0] == 403
    assert program(again["access_token"], "/office")[0] == 200


@pytest.mark.sec("RACE-17")
def test_a_used_refresh_token(application: Any, program: Any, ann: Any) -> None:
    """It ends the employee's session, and all tokens."""
    given = tokens(application, **ANN)
    again = tokens(application, refresh_token=given["refresh_token"])
    tokens(application, 401, refresh_token=given["refresh_token"])

    assert program(again["access_token"])[0] == 401
    tokens(application, 401, refresh_token=again["refresh_token"])
    assert find_user(application, ann.username) is not None


@pytest.mark.sec("TOK-03", "ASVS-10.3.2")
def test_scoped_access_tokens(application: Any, program: Any, ann: Any) -> None:
    """A scope is an ability of the host's own table, and nothing else."""
    given = tokens(application, **ANN, scope="payroll.read")

    assert program(given["access_token"], "/payroll") == (200, "payroll")
    assert program(given["access_token"], "/office")[0] == 403


@pytest.mark.sec("SESS-05", "TOK-09")
@pytest.mark.parametrize("how", ["active", "password", "deleted"])
def test_what_ends_tokens(application: Any, program: Any, ann: Any, how: str) -> None:
    """A change of the employee ends both kinds of tokens at once; the next one with that number has none of them."""
    given = tokens(application, **ANN)["access_token"]
    with application.auth.database.unit() as db:
        made = application.auth.api_tokens.create(db, ann.id, "Backup")[0]
    assert program(made) == program(given) == (200, f"employee {ann.id}: Ann")

    with application.auth.database.unit() as db:
        row = db.get_one(type(ann), ann.id)
        if how == "active":
            row.active = False
        elif how == "password":
            row.password = "another one entirely"
        else:
            db.delete(row)
    if how == "deleted":
        with application.auth.database.unit() as db:
            db.add(type(ann)(id=ann.id, username="eve@example.org", password_hash="", role="admin"))
    assert program(made)[0] == program(given)[0] == 401


def test_the_page_of_tokens(application: Any, program: Any, auth_client: Any, ann: Any) -> None:
    """An employee makes a token for one ability, and revokes it."""
    browser = auth_client(ann)
    form = browser.get("/auth/account/tokens").forms[0]
    form["name"] = "Payroll"
    form["may.payroll.read"] = True
    made = form.submit().follow().html.find(id="new-token")["value"]
    assert program(made, "/payroll") == (200, "payroll")
    assert program(made, "/office")[0] == 403

    (revoke,) = [form for form in browser.get("/auth/account/tokens").forms.values() if "revoke" in form.fields]
    revoke.submit()
    assert program(made, "/payroll")[0] == 401


def test_the_one_token_of_an_employee(application: Any, program: Any, ann: Any) -> None:
    """The second seed's methods work on the host's class."""
    class_ = type(ann)
    with application.auth.database.unit() as db:
        row = db.get_one(class_, ann.id)
        token = row.reset_auth_token()
        assert class_.get_user_for_api_token(db, row.generate_api_token(token)) is row
    assert program(token, "/payroll") == (200, "payroll")
