"""Users for tests."""

from __future__ import annotations

from typing import Any

import pytest

from onegov_auth.domain import Client
from onegov_auth.models import UserIdentity
from onegov_auth.outcomes import LoggedIn
from onegov_auth.testing.people import PASSWORD, find_user, make_user, open_session
from onegov_auth.testing.providers import KnownPeople

CLIENT = Client(address="192.0.2.1", browser="one")


def test_a_user_has_what_was_asked_for(application: Any) -> None:
    """Role, password, permissions, groups and bundles, whether those were there or not."""
    for name in ("ann@example.org", "ben@example.org"):
        make_user(
            application,
            name,
            role="editor",
            permissions=["invoices.read"],
            groups=["Finance"],
            bundles=["Bookkeeping"],
            realname="Ann",
        )

    with application.auth.database.read() as db:
        ann = application.auth.users(db).by_username_and_password("ann@example.org", PASSWORD)
        ben = application.auth.users(db).by_username("ben@example.org")
        assert (ann.role, ann.realname) == ("editor", "Ann")
        assert [row.token for row in ann.permissions] == ["invoices.read"]
        assert (ann.permissions, ann.groups, ann.bundles) == (ben.permissions, ben.groups, ben.bundles)
        assert ([row.name for row in ann.groups], [row.name for row in ann.bundles]) == (["Finance"], ["Bookkeeping"])


def test_a_name_is_made_up(application: Any) -> None:
    """Each time another one."""
    assert make_user(application).username != make_user(application).username
    assert find_user(application, "nobody@example.org") is None


def test_a_session_by_a_provider(application: Any) -> None:
    """Whoever came by a provider last does so again."""
    auth = application.auth
    staff = KnownPeople(name="staff")
    auth.providers = {**auth.providers, "staff": staff}
    make_user(application, "dora@example.org", source="staff", source_id="id-1")
    with auth.database.unit() as db:
        dora = auth.users(db).by_username("dora@example.org")
        dora.identities.append(UserIdentity(source="staff", source_id="id-1", issuer="test:staff", proof="session"))

    outcome = open_session(application, "dora@example.org", CLIENT)

    assert outcome.session.provider == "staff"
    assert staff.asked == []


def test_second_factors_count_as_proven_only_if_told(small_host: Any, make_application: Any) -> None:
    """Whose role demands one isn't let in without."""
    application = make_application(small_host, second_factors={"totp": {}, "required_for": ["member"]})
    user = make_user(application)

    with pytest.raises(AssertionError, match="not let in"):
        open_session(application, user, CLIENT)

    assert isinstance(open_session(application, user, CLIENT, factors=["totp"]), LoggedIn)
