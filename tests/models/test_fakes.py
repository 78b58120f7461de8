"""Tests of rows for tests."""

from __future__ import annotations

from sqlalchemy.orm import Session

from onegov_auth.models import Bundle, PermissionRow, User, UserGroup


def test_a_fake_has_what_is_needed(session: Session) -> None:
    """Everything that is not said is made up, and no two are the same."""
    for class_ in (User, UserGroup, Bundle, PermissionRow):
        one, two = class_.fake(session), class_.fake(session)
        assert one.display_value != two.display_value
        assert one.display_value
    assert UserGroup(name=None).display_value == ""


def test_permissions_may_be_tokens(session: Session) -> None:
    """Rows that are there are taken, others are made."""
    known = PermissionRow.fake(session, token="a")
    user = User.fake(session, permissions=["a", "b", PermissionRow(token="c")], realname="Ann")
    assert user.get_all_permission_tokens() == {"a", "b", "c"}
    assert known in user.permissions
    assert user.realname == "Ann"
    assert [row.token for row in UserGroup.fake(permissions=["x"]).permissions] == ["x"]


def test_the_password_of_a_fake_is_known(session: Session) -> None:
    """Made up or given, it is kept on the object, and only there."""
    made, given = User.fake(session), User.fake(session, password="a password")
    assert made.is_matching_password(str(made._plaintext_pass))
    assert given._plaintext_pass == "a password"
    assert given.is_matching_password("a password")
    assert User.fake(password_hash="a hash").password_hash == "a hash"
