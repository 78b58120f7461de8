"""Whoever joins by a mailed link, a signup link or a passkey walks past no second factor either."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Client, Password, VerifiedIdentity
from onegov_auth.factors import EnrolmentForm
from onegov_auth.models import User, UserSession, key_of
from onegov_auth.outcomes import Done, Enrolling, EnrolmentRequired, FactorAdded, FactorRequired, LoggedIn, Refused
from onegov_auth.second_factors.passwordless import PasskeyAsked
from onegov_auth.testing.passkey import SoftwarePasskey
from onegov_auth.testing.providers import KnownPeople
from onegov_auth.waiting import Door, Proven

MakeAuth = Callable[..., Auth]
Code = Callable[..., str]
PASSWORD = "correct horse battery staple"
NEW = "new@example.org"
REQUIRED = {"totp": {}, "recovery_codes": {}, "required_for": ["member", "admin"]}
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(name="join")
def _join(client: Client, tmp_path: Path, sessions: Callable[[], int]) -> Callable[..., None]:
    """``join(auth)`` registers somebody, who then follows the link in the mail."""

    def join(auth: Auth, signup_token: str | None = None) -> None:
        fields = {"username": NEW, "password": PASSWORD}
        form: Any = SimpleNamespace(**{name: SimpleNamespace(data=data) for name, data in fields.items()})
        assert auth.register(form, client, signup_token) == Done("registered")
        assert sessions() == 0
        auth.mailer.deliver()
        (path,) = (tmp_path / "mail" / "new").glob("*")
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body is not None
        found = re.search(r"[?&]token=([^\s&]+)", body.get_content())
        assert found is not None
        assert isinstance(auth.activate(found[1], client), Done)

    return join


@pytest.mark.sec("MFA-06")
@pytest.mark.parametrize("mine", [True, False], ids=["own", "other"])
def test_a_factor_counts_for_who_proved_it(auth: Auth, ann: User, client: Client, sessions: Any, mine: bool) -> None:
    """What somebody else has proven in this login is no proof of whoever would get the session."""
    verified = auth.local.verify(ann.username, Password(PASSWORD))
    assert isinstance(verified, VerifiedIdentity)
    proven = Proven(key_of(ann) if mine else uuid4(), ("totp",))
    outcome = auth.road.complete(verified, Door(client=client, proven=proven))

    assert isinstance(outcome, LoggedIn if mine else FactorRequired), outcome
    assert sessions() == (1 if mine else 0)


@pytest.mark.sec("MFA-02", "LINK-26")
@pytest.mark.parametrize("role", [None, "member", "admin"])
def test_a_mailed_link_opens_nothing(
    make_auth: MakeAuth, client: Client, sessions: Any, code: Code, join: Any, role: str | None
) -> None:
    """Registered openly or by a signup link: the link in the mail opens no session, and the login needs a factor."""
    auth = make_auth(second_factors=REQUIRED, registration={"enabled": role is None})
    join(auth, None if role is None else auth.new_signup_token(role))
    assert sessions() == 0
    outcome: Any = auth.login(NEW, PASSWORD, client)
    assert isinstance(outcome, EnrolmentRequired)
    form: Any = auth.enrol_at_login(outcome.transaction.id, "totp", None, client)
    assert isinstance(form, EnrolmentForm)
    assert sessions() == 0
    secret = str(form.show["secret"]).replace(" ", "")

    assert isinstance(auth.enrol_at_login(outcome.transaction.id, "totp", code(secret=secret), client), LoggedIn)
    assert isinstance(auth.login(NEW, PASSWORD, client), FactorRequired)


@pytest.mark.sec("MFA-01", "MFA-02")
def test_a_factor_from_before_the_activation(
    make_auth: MakeAuth, client: Client, sessions: Any, join: Any, database: Database
) -> None:
    """Whom an operator gave a factor is asked for it, where nobody must have one."""
    auth = make_auth(second_factors={"totp": {}}, registration={"enabled": True})
    join(auth)
    with database.unit() as db:
        db.scalars(select(User)).one().second_factor = {"type": "totp", "data": SECRET}

    assert isinstance(auth.login(NEW, PASSWORD, client), FactorRequired)
    assert sessions() == 0


@pytest.fixture(name="with_passkey")
def _with_passkey(client: Client, add: Callable[..., User]) -> Callable[..., SoftwarePasskey]:
    """``with_passkey(auth)`` is the passkey of somebody who has nothing else, and is logged out."""

    def enrolled(auth: Auth) -> SoftwarePasskey:
        add(NEW, email=NEW)
        passkey = SoftwarePasskey()
        opened: Any = auth.login(NEW, PASSWORD, client)
        session = auth.sessions.lookup(opened.token)
        assert session is not None
        begun: Any = auth.enrol(session, "webauthn", None, client)
        assert isinstance(begun, Enrolling)
        options: Any = begun.show["options"]
        made = passkey.create(options)
        added = auth.enrol(session, "webauthn", made, client, transaction=begun.transaction.id)
        assert isinstance(added, FactorAdded)
        with auth.database.unit() as db:
            db.query(UserSession).delete()
        return passkey

    return enrolled


def by_passkey(auth: Auth, client: Client, passkey: SoftwarePasskey) -> object:
    asked = auth.begin_passkey(client)
    assert isinstance(asked, PasskeyAsked)
    options: Any = asked.show["options"]
    return auth.login_with_passkey(asked.transaction.id, passkey.get(options), client)


@pytest.mark.sec("MFA-02", "WAN-18")
def test_a_passkey_that_stands_for_all_is_the_factor(
    make_auth: MakeAuth, client: Client, with_passkey: Any, database: Database
) -> None:
    """Whose role must have one proves it by the passkey, and the session says so."""
    passkeys = {"webauthn": {"passwordless": True}, "totp": {}}
    passkey = with_passkey(make_auth(second_factors=passkeys))
    auth = make_auth(second_factors={**passkeys, "required_for": ["member"]})

    assert isinstance(by_passkey(auth, client, passkey), LoggedIn)
    with database.read() as db:
        assert db.scalars(select(UserSession.factors)).one() == ["webauthn"]


@pytest.mark.sec("MFA-02", "WAN-18")
def test_a_passkey_that_is_a_second_factor_only(
    make_auth: MakeAuth, client: Client, with_passkey: Any, database: Database, sessions: Any
) -> None:
    """One that made sure of nobody when it was set up opens nothing alone, whatever it says later."""
    auth = make_auth(second_factors={"webauthn": {"passwordless": True}})
    passkey = with_passkey(auth)
    with database.unit() as db:
        factor = db.scalars(select(User)).one().factors[0]
        factor.data = {**factor.data, "passwordless": False}
    outcome = by_passkey(auth, client, passkey)

    assert isinstance(outcome, Refused)
    assert (outcome.code, sessions()) == ("second_factor_only", 0)


@pytest.mark.sec("MFA-02")
def test_a_passkey_where_no_local_password_lets_in(
    make_auth: MakeAuth, client: Client, with_passkey: Any, staff: KnownPeople, sessions: Any
) -> None:
    """It stands in for the local password: where nobody is asked for one, it opens nothing."""
    auth = make_auth(second_factors={"webauthn": {"passwordless": True}})
    passkey = with_passkey(auth)
    asked: Any = auth.begin_passkey(client)
    auth.providers = {"staff": staff}

    assert auth.begin_passkey(client) == Refused("passwordless_off")
    outcome = auth.login_with_passkey(asked.transaction.id, passkey.get(asked.show["options"]), client)
    assert isinstance(outcome, Refused)
    assert (outcome.code, sessions()) == ("passwordless_off", 0)
