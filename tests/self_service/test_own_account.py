"""Looking after one's own account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client, Identity
from onegov_auth.errors import InsecurePasswordError
from onegov_auth.models import User, UserIdentity
from onegov_auth.outcomes import Done, LoggedIn, Redirect, Refused
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
NEW = "an entirely different sentence"
ANN = "ann@example.org"


@pytest.fixture(name="auth")
def _auth(make_auth: MakeAuth, add: Callable[..., User], company: KnownIssuer) -> Auth:
    add(ANN, email=ANN, email_verified=True)
    return make_auth(company)


def sign_in(auth: Auth, client: Client, password: str = PASSWORD, name: str = ANN) -> tuple[Identity, Client]:
    """A session, and the browser that has it."""
    outcome = auth.login(name, password, client)
    assert isinstance(outcome, LoggedIn), outcome
    found = auth.sessions.lookup(outcome.token)
    assert found is not None
    return found, replace(client, session_token=outcome.token)


def callback(redirect: object) -> Callback:
    assert isinstance(redirect, Redirect), redirect
    return Callback({"code": "code-1", "state": parse_qs(urlsplit(redirect.url).query)["state"][0]})


@pytest.mark.sec("ASVS-7.4.3", "ASVS-7.2.4", "SESS-01", "SESS-05", "ASVS-6.2.3", "PWD-13", "ASVS-6.2.2", "ASVS-6.3.7")
def test_another_password_ends_the_other_sessions(auth: Auth, client: Client, mails: Any, told: Any) -> None:
    """The old one is asked for, this session goes on under another token, the others end, a mail says so."""
    session, browser = sign_in(auth, client)
    other, _ = sign_in(auth, replace(client, browser="two"))
    assert auth.change_password(session, "wrong", NEW, browser) == Refused("wrong_password", _steps("doesn't match"))
    changed = auth.change_password(session, PASSWORD, NEW, browser)

    assert isinstance(changed, LoggedIn)
    assert auth.sessions.lookup(browser.session_token or "") is None
    now = auth.sessions.lookup(changed.token)
    assert now is not None
    assert now.session_id == session.session_id
    with auth.database.read() as db:
        assert [open_.id for open_ in auth.sessions.list(db, changed.user.id)] == [session.session_id]
    assert other.session_id != session.session_id
    assert [mail.to for mail in mails(auth)] == [ANN]
    assert isinstance(auth.login(ANN, NEW, client), LoggedIn)
    assert told()[2:4] == [("password_changed", "wrong_password"), ("password_changed", "ok")]


def _steps(end: str) -> Any:
    from onegov_auth.domain import Step  # noqa: PLC0415 - for this one test

    return (Step("local", f"the password {end}"),)


@pytest.mark.sec("PWD-13")
def test_another_password_has_to_be_a_good_one(auth: Auth, client: Client, clock: FakeClock) -> None:
    """The policy is asked, and tries cost nothing; so is the old password, whose tries do."""
    session, browser = sign_in(auth, client)
    for _ in range(20):
        with pytest.raises(InsecurePasswordError):
            auth.change_password(session, PASSWORD, "short", browser)
    clock.advance(1)
    for _ in range(20):
        last = auth.change_password(session, "wrong", NEW, browser)
    assert isinstance(last, Refused)
    assert last.code == "locked"


@pytest.mark.sec("PWD-14")
def test_a_former_password_may_be_forbidden(make_auth: MakeAuth, add: Callable[..., User], client: Client) -> None:
    """Where the settings say so, nobody goes back to the one before."""
    add(ANN)
    auth = make_auth(passwords={"forbid": {"history": 3}})
    session, browser = sign_in(auth, client)
    assert isinstance(auth.change_password(session, PASSWORD, NEW, browser), LoggedIn)
    with pytest.raises(InsecurePasswordError):
        auth.change_password(session, NEW, PASSWORD, browser)


def test_who_has_no_password_changes_none(
    make_auth: MakeAuth, client: Client, staff: KnownPeople, add: Callable[..., User]
) -> None:
    """A directory's person has no password here."""
    auth = make_auth(staff)
    session, browser = sign_in(auth, client, "dora's password", "dora")
    refused = auth.change_password(session, "dora's password", NEW, browser)

    assert isinstance(refused, Refused)
    assert refused.code == "no_password"


@pytest.mark.sec("RACE-14")
def test_of_two_changes_at_once_one_counts(auth: Auth, client: Client) -> None:
    """The second is told that the password is another one by now."""
    session, browser = sign_in(auth, client)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(lambda new: auth.change_password(session, PASSWORD, new, browser), [NEW, f"{NEW} indeed"])
        )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LoggedIn", "Refused"]


def test_name_and_language_can_be_changed(auth: Auth, client: Client, one: Any) -> None:
    """What is left out stays, an unknown language is refused, and so is everything that is no profile."""
    session, browser = sign_in(auth, client)
    assert isinstance(auth.change_profile(session, browser, realname=" Ann\r\nAble ", language="de"), Done)
    assert (one(username=ANN).realname, one(username=ANN).language) == ("AnnAble", "de")
    auth.change_profile(session, browser, language=None)
    assert (one(username=ANN).realname, one(username=ANN).language) == ("AnnAble", None)
    assert auth.change_profile(session, browser, language="xx") == Refused("unknown_language")
    with pytest.raises(TypeError, match="role"):
        auth.change_profile(session, browser, role="admin")
    assert one(username=ANN).role == "member"


def test_who_is_gone_changes_nothing(auth: Auth, client: Client, database: Database) -> None:
    """A session that outlived its user by a moment changes nothing."""
    session, browser = sign_in(auth, client)
    with database.unit() as db:
        db.delete(db.scalars(select(User)).one())

    assert auth.change_profile(session, browser, realname="Ann") == Refused("unknown_user")


@pytest.mark.sec("ASVS-7.5.1")
def test_a_session_is_fresh_for_five_minutes(auth: Auth, client: Client, clock: FakeClock) -> None:
    """After that, sensitive things ask for the password, which opens another session and ends this one."""
    session, browser = sign_in(auth, client)
    clock.advance(timedelta(minutes=5))
    assert auth.is_fresh(session)
    clock.advance(1)
    assert not auth.is_fresh(session)
    assert isinstance(auth.confirm_identity(session, "wrong", browser), Refused)
    confirmed = auth.confirm_identity(session, PASSWORD, browser, "/account")

    assert isinstance(confirmed, LoggedIn)
    assert confirmed.to == "/account"
    now = auth.sessions.lookup(confirmed.token)
    assert now is not None
    assert auth.is_fresh(now)
    assert auth.sessions.lookup(browser.session_token or "") is None


@pytest.mark.sec("ASVS-7.6.1", "ASVS-7.5.1", "NIST-58")
def test_a_provider_s_earlier_proof_is_not_fresh(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, clock: FakeClock
) -> None:
    """What the provider says of the time counts: whoever was waved through has proven nothing just now."""
    auth = make_auth(company)
    old = company.people["code-1"]
    company.people["code-1"] = replace(old, authn=replace(old.authn, at=clock() - timedelta(hours=1)))
    outcome = auth.finish("company", callback(auth.start("company", client)), client)
    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)
    assert session is not None
    assert not auth.is_fresh(session)
    with auth.database.read() as db:
        assert auth.as_identity(db.get_one(User, outcome.user.id), outcome.session) == session


def test_somebody_else_confirms_nothing(make_auth: MakeAuth, client: Client, staff: KnownPeople, add: Any) -> None:
    """A directory that knows another person by this name opens no session here."""
    auth = make_auth(staff)
    session, browser = sign_in(auth, client, "dora's password", "dora")
    name = session.userid
    staff.people[name] = ("dora's password", person("staff", "id-other", "otto", groups=frozenset({"staff"})))
    outcome = auth.confirm_identity(session, "dora's password", browser)

    assert outcome == Refused("other_person")
    with auth.database.read() as db:
        otto = db.scalars(select(User).filter_by(username="otto")).one()
        assert auth.sessions.list(db, otto.id) == []


@pytest.mark.sec("LINK-09", "LINK-10", "NIST-41")
def test_a_provider_is_linked_from_within_a_session(
    auth: Auth, client: Client, mails: Any, database: Database, told: Any
) -> None:
    """Who comes back is linked to who is logged in; no session is opened, and a mail says so."""
    session, browser = sign_in(auth, client)
    back = callback(auth.start("company", browser, "/auth/account", link_to=session))
    done = auth.finish("company", back, browser)

    assert isinstance(done, Done)
    assert (done.code, done.to, done.user and done.user.username) == ("identity_linked", "/auth/account", ANN)
    with database.read() as db:
        row = db.scalars(select(UserIdentity)).one()
        assert (row.source, row.source_id, row.proof) == ("company", "sub-1", "session")
        assert len(auth.sessions.list(db, row.user_id)) == 1
    assert [mail.to for mail in mails(auth)] == [ANN]
    assert told()[-1] == ("identity_linked", "ok")
    by_company = auth.finish("company", callback(auth.start("company", client)), client)
    assert isinstance(by_company, LoggedIn)
    assert by_company.user.username == ANN
    again = auth.finish("company", callback(auth.start("company", browser, link_to=session)), browser)
    assert isinstance(again, Done)


@pytest.mark.sec("LINK-09")
def test_an_old_login_links_nothing(
    make_auth: MakeAuth, add: Callable[..., User], company: KnownIssuer, client: Client, clock: FakeClock
) -> None:
    """Six minutes after the login nothing is linked without another proof."""
    add(ANN)
    auth = make_auth(company)
    session, browser = sign_in(auth, client)
    clock.advance(timedelta(minutes=6))

    assert auth.start("company", browser, link_to=session) == Refused("not_fresh")


#: Why an identity is not linked, where that is more than another session.
UNLINKED = {
    "taken": "identity_taken",
    "application": "refused_by_application",
    "barred": "not_a_user",
    "nobody": "not_a_user",
}


@pytest.mark.sec("LINK-09", "LINK-11", "LINK-16", "RACE-12")
@pytest.mark.parametrize(
    "case", ["taken", "other", "again", "out", "application", "barred", "nobody", "inactive", "disabled"]
)
def test_nothing_else_links(
    make_auth: MakeAuth,
    add: Callable[..., User],
    company: KnownIssuer,
    client: Client,
    database: Database,
    clock: FakeClock,
    case: str,
) -> None:
    """Not somebody else's identity, not in another session, not against the application's will."""
    add(ANN)
    add("bob@example.org")
    hooks = {
        "application": Hooks(ensure_user_callback=lambda *_: False),
        "nobody": Hooks(map_identity=lambda _: None),
    }
    auth = make_auth(company, hooks=hooks.get(case))
    if case == "taken":
        auth.finish("company", callback(auth.start("company", client)), client)
    session, browser = sign_in(auth, client)
    back = callback(auth.start("company", browser, link_to=session))
    if case in {"other", "again"}:
        _, browser = sign_in(auth, client, name=ANN if case == "again" else "bob@example.org")
    elif case == "out":
        browser = client
    elif case == "barred":
        company.people["code-1"] = replace(company.people["code-1"], barred="account_disabled")
    elif case == "inactive":
        with database.unit() as db:
            db.execute(update(User).values(active=False))
    elif case == "disabled":
        with database.unit() as db:
            db.execute(update(User).values(disabled_utc=clock()))
    outcome = auth.finish("company", back, browser)

    assert isinstance(outcome, Refused)
    assert outcome.code == UNLINKED.get(case, "link_other_session")
    with database.read() as db:
        assert [row.user.username for row in db.scalars(select(UserIdentity))] == (
            ["eve@example.org"] if case == "taken" else []
        )


def test_a_frozen_link_is_not_made_anew(auth: Auth, client: Client, database: Database) -> None:
    """Who proves an identity again that ``distrust`` froze is not told that it lets them in, which it does not."""
    session, browser = sign_in(auth, client)
    auth.finish("company", callback(auth.start("company", browser, link_to=session)), browser)
    with database.unit() as db:
        db.scalars(select(UserIdentity)).one().frozen = True
    outcome = auth.finish("company", callback(auth.start("company", browser, link_to=session)), browser)

    assert isinstance(outcome, Refused)
    assert outcome.code == "identity_frozen"
    with database.read() as db:
        assert db.scalars(select(UserIdentity)).one().frozen


@pytest.mark.sec("LINK-12", "CSRF-08")
def test_a_way_in_can_be_taken_away_but_not_the_last(
    auth: Auth, client: Client, database: Database, clock: Any
) -> None:
    """Who has a password may unlink; whoever has none keeps the last identity."""
    session, browser = sign_in(auth, client)
    auth.finish("company", callback(auth.start("company", browser, link_to=session)), browser)
    by_company = auth.finish(
        "company", callback(auth.start("company", client)), replace(client, browser=client.browser)
    )
    assert isinstance(by_company, LoggedIn)
    with database.read() as db:
        (linked,) = db.scalars(select(UserIdentity.id))
    assert auth.unlink(session, "nonsense", browser) == Refused("unknown_identity")
    done = auth.unlink(session, linked, browser)
    assert isinstance(done, Done)
    assert auth.sessions.lookup(by_company.token) is None
    assert auth.sessions.lookup(browser.session_token or "") is not None
    with database.read() as db:
        user = db.scalars(select(User)).one()
        assert (user.source, user.source_id, user.identities) == (None, None, [])
    clock.advance(timedelta(minutes=6))
    assert auth.unlink(session, linked, browser) == Refused("not_fresh")


@pytest.mark.sec("LINK-12")
def test_a_password_that_nobody_asks_for_is_no_way_in(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, database: Database
) -> None:
    """Where local passwords were switched off, the one that is left over lets nobody take the last way in."""
    auth = make_auth(company)
    outcome = auth.finish("company", callback(auth.start("company", client)), client)
    assert isinstance(outcome, LoggedIn)
    session = auth.sessions.lookup(outcome.token)
    assert session is not None
    with database.unit() as db:
        user = db.scalars(select(User)).one()
        user.renew_password_hash("left over")
        linked = user.identities[0].id
    auth.providers = {"company": company}

    assert auth.unlink(session, linked, client) == Refused("last_way_in")


@pytest.mark.sec("LINK-12", "RACE-12")
def test_two_at_once_don_t_take_both_last_ways(
    make_auth: MakeAuth, client: Client, company: KnownIssuer, database: Database
) -> None:
    """Of two identities and no password, one stays."""
    second = KnownIssuer(name="second", settings=company.settings, people={"code-1": person("second", "s-2", "eve2")})
    auth = make_auth(company, second)
    outcome = auth.finish("company", callback(auth.start("company", client)), client)
    assert isinstance(outcome, LoggedIn)
    session, browser = auth.sessions.lookup(outcome.token), replace(client, session_token=outcome.token)
    assert session is not None
    auth.finish("second", callback(auth.start("second", browser, link_to=session)), browser)
    with database.read() as db:
        ids = list(db.scalars(select(UserIdentity.id)))
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda id_: auth.unlink(session, id_, browser), ids))

    assert sorted(outcome.code for outcome in outcomes) == ["identity_unlinked", "last_way_in"]
    with database.read() as db:
        user = db.scalars(select(User)).one()
        assert [(row.source, row.source_id) for row in user.identities] == [(user.source, user.source_id)]


@pytest.mark.sec("ASVS-7.5.2", "ASVS-8.2.2")
def test_sessions_are_ended_by_their_owner_only(auth: Auth, client: Client, add: Callable[..., User]) -> None:
    """One, the others, or all of one's own, and none of somebody else's."""
    add("bob@example.org")
    bob, bobs = sign_in(auth, client, name="bob@example.org")
    session, browser = sign_in(auth, client)
    others = [sign_in(auth, replace(client, browser=str(number)))[0] for number in range(3)]
    assert not auth.end_session(session, bob.session_id, browser)
    assert not auth.end_session(session, "nonsense", browser)
    assert auth.end_session(session, str(others[0].session_id), browser)
    assert not auth.end_session(session, others[0].session_id, browser)
    assert auth.end_sessions(session, browser) == 2
    assert auth.sessions.lookup(browser.session_token or "") is not None
    assert auth.end_sessions(session, browser, others=False) == 1
    assert auth.sessions.lookup(browser.session_token or "") is None
    assert auth.sessions.lookup(bobs.session_token or "") is not None


def test_activity_is_the_last_events_of_one_s_own(auth: Auth, client: Client, add: Callable[..., User]) -> None:
    """The newest come first, and nobody else's."""
    add("bob@example.org")
    sign_in(auth, client, name="bob@example.org")
    session, browser = sign_in(auth, client)
    auth.change_profile(session, browser, realname="Ann")
    with auth.database.read() as db:
        assert [event.type for event in auth.activity(db, session.uid)] == ["profile_changed", "login"]
        assert len(auth.activity(db, session.uid, 1)) == 1
