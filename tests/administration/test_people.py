"""What those who run the site do with the accounts of others."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.accounts import Hooks
from onegov_auth.models import UserFactor, UserGroup
from onegov_auth.outcomes import Done, Refused


def test_changes_are_made_and_written_down(office: Any, root: Any) -> None:
    """What is changed is written with who did it, and from what to what."""
    ann = office.person("ann@example.org", realname="Ann")
    changes = {"realname": "Ann Lee", "role": "editor", "language": "de", "phone_number": "+41 1", "tags": ["a", "b"]}
    done = office.auth.change_user(root, office.client, ann, changes)

    assert isinstance(done, Done)
    user = office.user("ann@example.org")
    assert (user.realname, user.role, user.language, user.phone_number) == ("Ann Lee", "editor", "de", "+41 1")
    assert user.tags == ["a", "b"]
    ((_type, code, name, said),) = office.events("user_changed")
    assert (code, name, said["by"]) == ("ok", "ann@example.org", "root@example.org")
    assert said["role"] == "member → editor"
    assert said["realname"] == "Ann → Ann Lee"


def test_nothing_changed_is_no_event(office: Any, root: Any) -> None:
    """Saving what is there already writes nothing and ends no session."""
    ann = office.person("ann@example.org", realname="Ann")
    office.session("ann@example.org")
    office.auth.change_user(
        root, office.client, ann, {"realname": "Ann", "role": "member", "active": True, "groups": []}
    )

    assert office.events("user_changed") == []
    assert len(_sessions(office, ann)) == 1


def _sessions(office: Any, key: Any) -> list[Any]:
    with office.database.read() as db:
        return list(office.auth.sessions.list(db, key))


@pytest.mark.sec("ASVS-15.3.3")
@pytest.mark.parametrize("name", ["password_hash", "id", "source", "rights_stamp", "username_key", "data", "type"])
def test_only_named_attributes_are_changed(office: Any, root: Any, name: str) -> None:
    """What is none of an administrator's business can't be changed, whatever a caller hands over."""
    ann = office.person("ann@example.org")
    with pytest.raises(TypeError, match=name):
        office.auth.change_user(root, office.client, ann, {name: "x"})


@pytest.mark.sec("SESS-05")
@pytest.mark.parametrize("changes", [{"role": "editor"}, {"active": False}, {"username": "new@example.org"}])
def test_changes_that_matter_end_sessions(office: Any, root: Any, changes: Any) -> None:
    """Another role, activity or name ends the person's sessions."""
    ann = office.person("ann@example.org")
    office.session("ann@example.org")
    office.auth.change_user(root, office.client, ann, changes)

    assert _sessions(office, ann) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "root@example.org"}, "username_taken"),
        ({"username": " "}, "bad_username"),
        ({"email": "nobody"}, "bad_address"),
        ({"language": "tlh"}, "unknown_language"),
        ({"groups": [uuid4()]}, "unknown_group"),
        ({"bundles": [uuid4()]}, "unknown_bundle"),
        ({"permissions": [uuid4()]}, "unknown_permission"),
        ({"tags": [str(number) for number in range(51)]}, "too_many_tags"),
        ({"role": "owner"}, "role_above_you"),
        ({"role": "anonymous"}, "role_above_you"),
        ({"is_superuser": True}, "not_superuser"),
    ],
)
def test_what_can_not_be_changed(office: Any, root: Any, changes: Any, code: str) -> None:
    """Something that is taken, unknown or above one is refused with its code, and all of it stays as it was."""
    ann = office.person("ann@example.org")
    result = office.auth.change_user(root, office.client, ann, {"realname": "X", **changes})

    assert isinstance(result, Refused)
    assert result.code == code
    user = office.user("ann@example.org")
    assert (user.realname, user.role, user.is_superuser) == (None, "member", False)
    assert [(code, said["by"]) for _t, code, _n, said in office.events("user_changed")] == [(code, "root@example.org")]


@pytest.mark.sec("ASVS-8.4.2")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"role": "member"}, "own_role"),
        ({"active": False}, "own_account"),
        ({"groups": []}, "own_rights"),
    ],
)
def test_nobody_takes_away_their_own(office: Any, changes: Any, code: str) -> None:
    """The own role, rights and activity are not given up by accident."""
    with office.database.unit() as db:
        group = UserGroup(name="Finance")
        db.add(group)
        office.auth.users(db).by_username("root@example.org").groups = [group]
    office.person("other@example.org", "admin")
    root = office.session("root@example.org")
    me = office.user("root@example.org").id
    result = office.auth.change_user(root, office.client, me, changes)

    assert isinstance(result, Refused)
    assert result.code == code


def test_own_name_keeps_the_session(office: Any, root: Any) -> None:
    """Whoever changes the own name stays logged in, in this session only."""
    office.session("root@example.org")
    me = office.user("root@example.org").id
    assert isinstance(office.auth.change_user(root, office.client, me, {"username": "boss@example.org"}), Done)

    assert [one.id for one in _sessions(office, me)] == [root.session_id]


@pytest.mark.sec("RESET-11")
def test_nobody_changes_who_stands_above(make_office: Any) -> None:
    """An editor who may administer changes no administrator and no superuser, and gives no role above the own."""
    office = make_office()
    office.person("editor@example.org", "editor")
    office.person("super@example.org", "member", is_superuser=True)
    office.person("ann@example.org")
    editor = office.session("editor@example.org")
    codes = [
        office.auth.change_user(editor, office.client, office.user(name).id, changes).code
        for name, changes in (
            ("root@example.org", {"realname": "x"}),
            ("super@example.org", {"realname": "x"}),
            ("ann@example.org", {"role": "admin"}),
        )
    ]
    assert codes == ["above_you", "above_you", "role_above_you"]
    for call in ("invite_again", "delete_user", "end_sessions_of", "reset_factors", "unlock_user"):
        assert getattr(office.auth, call)(editor, office.client, office.user("root@example.org").id).code == "above_you"


def test_superusers_make_superusers(office: Any) -> None:
    """Who is one may make others, give every role, and take it away again, but not from oneself."""
    office.person("super@example.org", "member", is_superuser=True)
    ann = office.person("ann@example.org")
    by = office.session("super@example.org")
    assert isinstance(office.auth.change_user(by, office.client, ann, {"is_superuser": True, "role": "admin"}), Done)
    assert isinstance(office.auth.change_user(by, office.client, ann, {"is_superuser": False}), Done)
    me = office.user("super@example.org").id
    assert office.auth.change_user(by, office.client, me, {"is_superuser": False}).code == "own_role"


@pytest.mark.sec("RACE-10")
def test_two_administrators_who_demote_each_other_leave_one(make_office: Any) -> None:
    """Of two who take away each other's role at the same moment, one remains an administrator."""
    office = make_office()
    for round_ in range(5):
        names = [f"a{round_}@example.org", f"b{round_}@example.org"]
        keys = [office.person(name, "admin") for name in names]
        root = office.user("root@example.org")
        if root is not None and round_ == 0:
            with office.database.unit() as db:
                db.delete(office.auth.users(db).by_username("root@example.org"))
        sessions = [office.session(name) for name in names]
        together = threading.Barrier(2)
        results: list[Any] = []

        def demote(by: Any, key: Any, together: Any = together, results: Any = results) -> None:
            together.wait()
            results.append(office.auth.change_user(by, office.client, key, {"role": "member"}))

        threads = [threading.Thread(target=demote, args=pair) for pair in zip(sessions, reversed(keys), strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        roles = sorted(office.user(name).role for name in names)
        assert roles == ["admin", "member"]
        assert sorted(type(result).__name__ for result in results) == ["Done", "Refused"]
        with office.database.unit() as db:
            for name in names:
                db.delete(office.auth.users(db).by_username(name))


@pytest.mark.parametrize("way", ["role", "active", "disabled_utc", "delete", "set_active"])
def test_last_administrator_stays(make_office: Any, clock: Any, way: str) -> None:
    """Whoever may change accounts without being an administrator can't take away the last one."""
    office = make_office(roles={"owner": ["Private"], "admin": ["Private", "Secret"], "member": []})
    office.person("owner@example.org", "owner")
    by = office.session("owner@example.org")
    root = office.user("root@example.org").id
    office.auth.settings = office.auth.settings.model_copy(update={"privileged_roles": ("owner",)})
    ways = {
        "role": lambda: office.auth.change_user(by, office.client, root, {"role": "member"}),
        "active": lambda: office.auth.change_user(by, office.client, root, {"active": False}),
        "disabled_utc": lambda: office.auth.change_user(by, office.client, root, {"disabled_utc": clock()}),
        "delete": lambda: office.auth.delete_user(by, office.client, root),
        "set_active": lambda: office.auth.set_active(by, office.client, root, active=False),
    }
    result = ways[way]()
    assert result == Refused("last_administrator")
    assert office.user("root@example.org").is_active
    # With another one it works.
    office.person("second@example.org", "admin")
    assert isinstance(ways[way](), Done)


@pytest.mark.sec("ASVS-7.4.2")
def test_deactivated_users_are_out(make_office: Any) -> None:
    """Sessions end, the hook is called once, and activating clears a date that is past."""
    called: list[str] = []
    office = make_office(hooks=Hooks(on_deactivate=lambda _db, user, _client: called.append(user.username)))
    root = office.session("root@example.org")
    ann = office.person("ann@example.org")
    office.session("ann@example.org")
    office.auth.set_active(root, office.client, ann, active=False)
    office.auth.set_active(root, office.client, ann, active=False)
    assert _sessions(office, ann) == []
    assert called == ["ann@example.org"]
    past = office.auth.clock() - timedelta(days=1)
    office.auth.change_user(root, office.client, ann, {"active": True, "disabled_utc": past})
    assert not office.user("ann@example.org").is_active
    office.auth.set_active(root, office.client, ann, active=True)
    assert office.user("ann@example.org").is_active


def test_date_calls_the_hook_once_it_is_past(make_office: Any) -> None:
    """A date that is past already deactivates at once, one to come does not."""
    called: list[str] = []
    office = make_office(hooks=Hooks(on_deactivate=lambda _db, user, _client: called.append(user.username)))
    root, ann = office.session("root@example.org"), office.person("ann@example.org")
    soon = office.auth.clock() + timedelta(days=1)
    office.auth.change_user(root, office.client, ann, {"disabled_utc": soon})
    assert called == []
    office.auth.change_user(root, office.client, ann, {"disabled_utc": office.auth.clock()})
    assert called == ["ann@example.org"]


@pytest.mark.sec("ASVS-7.4.5")
def test_sessions_of_somebody_are_ended(office: Any, root: Any) -> None:
    """All of somebody's sessions end; of one's own, all but this one."""
    ann = office.person("ann@example.org")
    office.session("ann@example.org")
    office.session("ann@example.org")
    assert office.auth.end_sessions_of(root, office.client, ann) == 2
    office.session("root@example.org")
    me = office.user("root@example.org").id
    assert office.auth.end_sessions_of(root, office.client, me) == 1
    assert [one.id for one in _sessions(office, me)] == [root.session_id]


def test_factors_are_reset_and_the_owner_is_told(office: Any, root: Any) -> None:
    """A lost factor is taken away with its spares, sessions end, and a mail says so."""
    ann = office.person("ann@example.org")
    office.session("ann@example.org")
    with office.database.unit() as db:
        db.add(UserFactor(user_id=ann, type="yubikey", key="cccccccccccc"))
        db.add(UserFactor(user_id=ann, type="recovery_codes"))
    key = next(one.id for one in office.user("ann@example.org").factors if one.type == "yubikey")
    assert office.auth.reset_factors(root, office.client, ann, uuid4()).code == "unknown_factor"
    assert isinstance(office.auth.reset_factors(root, office.client, ann, key), Done)

    assert office.user("ann@example.org").factors == []
    assert _sessions(office, ann) == []
    (mail,) = office.mails()
    assert "removed a second factor" in " ".join(mail.split())
    assert office.auth.reset_factors(root, office.client, office.user("root@example.org").id).code == "own_account"


def test_deleted_user_leaves_the_events(office: Any, root: Any) -> None:
    """Who is deleted is gone; what was written stays, with the name."""
    ann = office.person("ann@example.org")
    assert isinstance(office.auth.delete_user(root, office.client, ann), Done)

    assert office.user("ann@example.org") is None
    assert office.events("deleted") == [
        ("deleted", "ok", "ann@example.org", {"by": "root@example.org", "role": "member"})
    ]
    assert office.auth.delete_user(root, office.client, ann).code == "unknown_user"
    assert office.auth.delete_user(root, office.client, office.user("root@example.org").id).code == "own_account"


def test_who_lost_the_role_does_nothing_more(office: Any, root: Any) -> None:
    """Somebody whose role was taken away meanwhile is refused, whatever page is still open."""
    office.person("second@example.org", "admin")
    second = office.session("second@example.org")
    ann = office.person("ann@example.org")
    office.auth.change_user(root, office.client, office.user("second@example.org").id, {"role": "member"})

    assert office.auth.change_user(second, office.client, ann, {"realname": "x"}) == Refused("not_allowed")


def test_another_address_is_told_to_the_one_of_before(office: Any, root: Any) -> None:
    """Another e-mail address is unverified, and the owner of the one of before reads of it."""
    ann = office.person("ann@example.org", email="ann@example.org", email_verified=True)
    office.auth.change_user(root, office.client, ann, {"email": "new@example.org"})

    user = office.user("ann@example.org")
    assert (user.email, user.email_verified) == ("new@example.org", False)
    (mail,) = office.mails()
    assert "ann@example.org" in mail
    office.auth.change_user(root, office.client, ann, {"email": "new@example.org", "email_verified": True})
    assert office.user("ann@example.org").email_verified


def test_locked_user_may_try_again(office: Any, root: Any) -> None:
    """Who failed too often gets in again at once after being unlocked."""
    ann = office.person("ann@example.org")
    for _ in range(40):
        office.auth.login("ann@example.org", "wrong", office.client)
    assert office.auth.login("ann@example.org", "wrong", office.client).code == "locked"
    assert isinstance(office.auth.unlock_user(root, office.client, ann), Done)

    with office.database.read() as db:
        assert office.auth.unlock_user(root, office.client, ann).code == "unlocked"
        assert office.auth.users(db).exists("ann@example.org")
