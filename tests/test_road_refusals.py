"""What a refusal leaves behind: nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text

from onegov_auth.accounts import Hooks
from onegov_auth.auth import Auth
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import Callback, Client
from onegov_auth.models import LoginAttempt, User, UserIdentity
from onegov_auth.outcomes import LoggedIn, Redirect, Refused, StepRequired
from onegov_auth.providers import ProviderSettings
from onegov_auth.testing.providers import KnownIssuer, KnownPeople, person

MakeAuth = Callable[..., Auth]
PASSWORD = "correct horse battery staple"
EVE = person("company", "sub-1", "eve@example.org", email="eve@example.org", groups=frozenset({"staff"}))


def issuer(name: str = "company", **settings: Any) -> KnownIssuer:
    block = ProviderSettings.model_validate({"kind": "known-issuer", "roles": {"member": ["*"]}, **settings})
    return KnownIssuer(name=name, settings=block, people={"1": replace(EVE, source=name)})


def come_back(auth: Auth, client: Client, provider: str = "company") -> Any:
    redirect = auth.start(provider, client)
    assert isinstance(redirect, Redirect)
    state = redirect.url.split("state=")[1].split("&")[0]
    return auth.finish(provider, Callback({"code": "1", "state": state}), client)


def rows(database: Database, model: type[Any]) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.sec("MFA-02", "LINK-09")
def test_half_a_proof_links_nothing(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Whoever has the password and not the second factor can't leave an identity linked behind."""
    add("eve@example.org", second_factor={"type": "yubikey", "data": "ccccccbcgujh"})
    auth = make_auth(issuer(link="prove"))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    outcome = auth.login("eve@example.org", PASSWORD, client, link=step.transaction.id)

    assert isinstance(outcome, Refused)
    assert outcome.code == "factor_unavailable"
    assert rows(database, UserIdentity) == 0
    with database.read() as db:
        user = db.scalars(select(User)).one()
        assert (user.source, user.last_login) == (None, None)


@pytest.mark.sec("MFA-02")
def test_nobody_is_made_who_may_not_come_in(make_auth: MakeAuth, client: Client, database: Database) -> None:
    """A stranger whose role needs a second factor is not provisioned by being refused."""
    auth = make_auth(issuer(), second_factors={"required_for": ["member"], "totp": {}}, factors={})
    outcome = come_back(auth, client)

    assert isinstance(outcome, Refused)
    assert (rows(database, User), rows(database, UserIdentity)) == (0, 0)


def test_a_refused_adoption_leaves_no_link(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Where the application says no to a link by verified address, none is stored."""
    add("eve@example.org", email="eve@example.org", email_verified=True)
    company = issuer(link="verified_email", link_domains=["example.org"])
    company.people["1"] = replace(EVE, email_verified=True)
    auth = make_auth(company, hooks=Hooks(ensure_user_callback=lambda *_: False))

    assert isinstance(come_back(auth, client), Refused)
    assert rows(database, UserIdentity) == 0


def test_the_application_is_asked_before_a_proven_link(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """ensure_user_callback decides of an identity that was proven by password as well."""
    add("eve@example.org")
    auth = make_auth(issuer(link="prove"), hooks=Hooks(ensure_user_callback=lambda *_: False))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    outcome = auth.login("eve@example.org", PASSWORD, client, link=step.transaction.id)

    assert isinstance(outcome, Refused)
    assert outcome.code == "refused_by_application"
    assert rows(database, UserIdentity) == 0


@pytest.mark.sec("LINK-20", "LINK-24")
def test_an_address_is_verified_by_its_authority_only(make_auth: MakeAuth, client: Client, database: Database) -> None:
    """Somebody who came by a provider that merely claims an address is not joined by its owner."""
    weak, strong = issuer("weak"), issuer("corp", link="verified_email", link_domains=["example.org"])
    for provider, id_ in ((weak, "mallory"), (strong, "owner")):
        provider.people["1"] = replace(EVE, source=provider.name, source_id=id_, email_verified=True)
    auth = make_auth(weak, strong)
    assert isinstance(come_back(auth, client, "weak"), LoggedIn)
    with database.read() as db:
        assert not db.scalars(select(User)).one().email_verified
    outcome = come_back(auth, client, "corp")

    assert isinstance(outcome, Refused)
    assert outcome.code == "conflict"
    assert rows(database, UserIdentity) == 1


@pytest.mark.sec("LINK-20")
def test_an_account_that_others_came_by_is_not_adopted(make_auth: MakeAuth, client: Client, database: Database) -> None:
    """Even a verified address doesn't join somebody to an account with another provider's identity."""
    weak, strong = issuer("weak"), issuer("corp", link="verified_email", link_domains=["example.org"])
    strong.people["1"] = replace(EVE, source="corp", source_id="owner", email_verified=True)
    auth = make_auth(weak, strong)
    come_back(auth, client, "weak")
    with database.unit() as db:
        db.scalars(select(User)).one().email_verified = True

    assert isinstance(come_back(auth, client, "corp"), Refused)


def test_the_role_anonymous_opens_no_session(make_auth: MakeAuth, client: Client) -> None:
    """Somebody whose groups were taken stays out also when the source says nothing of groups."""
    company = issuer(roles={"member": ["staff"]})
    auth = make_auth(company)
    assert isinstance(come_back(auth, client), LoggedIn)
    for groups in (frozenset[str](), None):
        company.people["1"] = replace(EVE, groups=groups)
        outcome = come_back(auth, client)
        assert isinstance(outcome, Refused)
        assert outcome.code == "no_role"


@pytest.mark.sec("UNI-09")
def test_nobody_is_renamed_to_somebody_elses_address(
    make_auth: MakeAuth, add: Callable[..., User], client: Client
) -> None:
    """A new name at the source that is another user's address is not taken over."""
    add("max", email="max@example.org")
    company = issuer()
    auth = make_auth(company)
    come_back(auth, client)
    company.people["1"] = replace(EVE, username="max@example.org")
    outcome = come_back(auth, client)

    assert isinstance(outcome, LoggedIn)
    assert outcome.user.username == "eve@example.org"


def test_a_taken_name_locks_nobody_of_a_directory_out(make_auth: MakeAuth, client: Client) -> None:
    """A person of a redirect provider who took a directory login for a name doesn't stop that login."""
    company = issuer()
    company.people["1"] = replace(EVE, username="dora", email=None)
    block = ProviderSettings(kind="known-people", roles={"member": ("*",)})
    staff = KnownPeople(name="staff", settings=block)
    staff.people["dora"] = ("secret", person("staff", "id-dora", "dora@example.org"))
    auth = make_auth(company, staff)
    assert isinstance(come_back(auth, client), LoggedIn)

    assert isinstance(auth.login("dora", "secret", client), LoggedIn)
    assert staff.asked == ["dora"]


def test_a_local_password_typed_with_the_address_is_no_directorys(
    make_auth: MakeAuth, add: Callable[..., User], client: Client
) -> None:
    """A local user who types the e-mail address instead of the name is refused here, and nowhere else asked."""
    add("ann", email="ann@example.org")
    staff = KnownPeople(name="staff")
    outcome = make_auth(staff).login("ANN@example.org", PASSWORD, client)

    assert isinstance(outcome, Refused)
    assert staff.asked == []


def test_the_password_for_a_link_is_no_directorys(
    make_auth: MakeAuth, add: Callable[..., User], client: Client
) -> None:
    """On the way to a link, only our own tables see what is typed, whatever name stands beside it."""
    add("eve@example.org")
    staff = KnownPeople(name="staff")
    auth = make_auth(issuer(link="prove"), staff)
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    auth.login("somebody", PASSWORD, client, link=step.transaction.id)

    assert staff.asked == []


@pytest.mark.sec("LINK-09")
def test_a_link_is_told_before_it_is_made(make_auth: MakeAuth, add: Callable[..., User], client: Client) -> None:
    """Who would be let in, by which provider and into which account can be shown; to this browser only."""
    add("eve@example.org")
    auth = make_auth(issuer(link="prove"))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    pending = auth.pending_link(step.transaction.id, client)

    assert pending is not None
    assert (pending.provider, pending.username, pending.local) == ("company", "eve@example.org", "eve@example.org")
    assert auth.pending_link(step.transaction.id, replace(client, browser="another")) is None
    assert auth.pending_link(None, client) is None


@pytest.mark.sec("LINK-09", "SESS-09")
def test_a_pending_link_ends_with_the_next_login(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """What somebody left pending at a shared computer is gone when somebody else has logged in."""
    add("eve@example.org")
    add("ann")
    auth = make_auth(issuer(link="prove"))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)

    outcome = auth.login("eve@example.org", PASSWORD, client, link=step.transaction.id)
    assert isinstance(outcome, Refused)
    assert outcome.code == "unknown_link"
    assert rows(database, UserIdentity) == 0


def test_an_old_link_costs_no_attempt(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """An address with a used link in it locks nobody's account."""
    add()
    auth = make_auth(attempts={"login": {"limit": 2}})
    for _ in range(3):
        auth.login("ann", PASSWORD, client, link="x" * 43)

    assert rows(database, LoginAttempt) == 0
    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)


def test_a_callback_nobody_began_bans_nobody(
    make_auth: MakeAuth, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Any site can make a browser call it: an event is written, and no line that fail2ban counts."""
    auth = make_auth(issuer())
    with caplog.at_level(logging.INFO):
        for params in ({}, {"state": "x" * 43, "code": "1"}):
            assert isinstance(auth.finish("company", Callback(params), client), Refused)

    assert {record.name for record in caplog.records} == {"onegov_auth.events"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.sec("PWD-07", "PWD-10", "LOG-02")
def test_a_hash_that_cant_be_renewed_keeps_nobody_out(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that refuses the new hash is logged without any hash, and the right password lets in."""
    from passlib.hash import bcrypt_sha256  # noqa: PLC0415 - the old format

    old = bcrypt_sha256.using(rounds=4).hash(PASSWORD)
    add(password_hash=old)
    with database.unit() as db:
        db.execute(
            text(
                "CREATE TRIGGER no_renewal BEFORE UPDATE OF password_hash ON users BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
    with caplog.at_level(logging.DEBUG):
        outcome = make_auth().login("ann", PASSWORD, client)

    assert isinstance(outcome, LoggedIn)
    assert "could not be renewed" in caplog.text
    assert old not in caplog.text
    assert "$argon2" not in caplog.text


@pytest.mark.sec("PWD-07")
def test_two_logins_that_renew_at_once_both_get_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Whoever loses the race for the new hash is compared with what the winner stored."""
    from passlib.hash import bcrypt_sha256  # noqa: PLC0415 - the old format

    old = bcrypt_sha256.using(rounds=4).hash(PASSWORD)
    add(password_hash=old)
    auth = make_auth()
    renewing = auth.local._renew
    meanwhile = auth.local._hasher.hash(PASSWORD)

    def too_late(key: str, compared: str, new: str) -> str | None:
        renewing(key, compared, meanwhile)
        return renewing(key, compared, new)

    # Plays the other login.
    vars(auth.local)["_renew"] = too_late

    assert isinstance(auth.login("ann", PASSWORD, client), LoggedIn)
    with database.read() as db:
        assert db.scalars(select(User.password_hash)).one() == meanwhile


def test_a_name_that_changed_hands_meanwhile_lets_nobody_in(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """Between comparing and opening, the name became another user's with the same hash: refused."""
    from onegov_auth.domain import Password  # noqa: PLC0415 - only here
    from onegov_auth.road import Door  # noqa: PLC0415 - only here

    user = add()
    auth = make_auth()
    verdict = auth.local.verify("ann", Password(PASSWORD))
    with database.unit() as db:
        UserCollection(db).delete("ann")
    add(password_hash=user.password_hash)
    outcome = auth.road.complete(verdict, Door(client=client, username="ann"))

    assert isinstance(outcome, Refused)
    assert outcome.code == "unknown_user"


@pytest.mark.sec("LINK-09", "LINK-10")
def test_nobody_is_made_on_behalf_of_who_waits(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """When the conflict is gone by the time it is proven, the waiting identity gets no account of its own by it."""
    add("eve@example.org")
    auth = make_auth(issuer(link="prove"))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    with database.unit() as db:
        db.scalars(select(User)).one().username = "renamed"
    outcome = auth.login("renamed", PASSWORD, client, link=step.transaction.id)

    assert isinstance(outcome, Refused)
    assert outcome.code == "link_other_user"
    assert (rows(database, User), rows(database, UserIdentity)) == (1, 0)


@pytest.mark.sec("LINK-09", "LINK-13")
def test_a_link_is_not_made_to_whoever_has_the_name_by_now(
    make_auth: MakeAuth, add: Callable[..., User], client: Client, database: Database
) -> None:
    """What was pending for one user is nobody else's, though the name is theirs when it is proven."""
    add("eve@example.org")
    auth = make_auth(issuer(link="prove"))
    step = come_back(auth, client)
    assert isinstance(step, StepRequired)
    with database.unit() as db:
        db.scalars(select(User)).one().username = "renamed"
    add("eve@example.org")
    outcome = auth.login("eve@example.org", PASSWORD, client, link=step.transaction.id)

    assert isinstance(outcome, Refused), outcome
    assert outcome.code == "link_other_user"
    assert rows(database, UserIdentity) == 0
