"""What may be changed of an account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth.administration.changes import Changes
from onegov_auth.models import Bundle, Entities, PermissionRow, UserGroup, UserMixin
from onegov_auth.outcomes import Done


class Base(DeclarativeBase):
    """An application's own base."""


class Person(UserMixin, Base):
    """An application's own users."""

    __tablename__ = "persons"

    badge: Mapped[str | None] = mapped_column(Text)


ENTITIES = Entities.on(Base, user=Person)


def test_rights_are_given_by_key_and_written_by_name(office: Any, root: Any) -> None:
    """Groups, bundles and permissions are exactly those named; the event says which came and went."""
    ann = office.person("ann@example.org")
    with office.database.unit() as db:
        things: list[Any] = [UserGroup(name="A"), UserGroup(name="B"), Bundle(name="C"), PermissionRow(token="d.e")]
        db.add_all(things)
        db.flush()
        first, second, bundle, permission = (str(one.id) for one in things)
    rights = {"groups": [first], "bundles": [bundle], "permissions": [permission]}
    assert isinstance(office.auth.change_user(root, office.client, ann, rights), Done)
    office.auth.change_user(root, office.client, ann, {"groups": [second]})

    user = office.user("ann@example.org")
    assert [one.name for one in user.groups] == ["B"]
    assert [one.token for one in user.permissions] == ["d.e"]
    said = [steps for *_more, steps in office.events("user_changed")]
    assert said[0] == {"by": "root@example.org", "groups": "+A", "bundles": "+C", "permissions": "+d.e"}
    assert said[1]["groups"] == "-A +B"


def test_texts_lose_what_can_not_be_seen(office: Any, root: Any) -> None:
    """A name has no line breaks, and an empty one is none."""
    ann = office.person("ann@example.org", realname="Ann")
    office.auth.change_user(root, office.client, ann, {"realname": "Ann\r\nBcc: x\u202e", "phone_number": "  "})
    user = office.user("ann@example.org")

    assert user.realname == "AnnBcc: x"
    assert user.phone_number is None


def test_same_name_in_other_letters_is_no_change(office: Any, root: Any) -> None:
    """A name that only differs in capitals is the name there is."""
    ann = office.person("ann@example.org")
    office.auth.change_user(root, office.client, ann, {"username": "ANN@example.org", "tags": [" ", "a", "a\x00", "a"]})

    assert office.user("ann@example.org").tags == ["a"]
    assert "username" not in office.events("user_changed")[0][3]


def test_columns_of_an_own_class_are_changed(office: Any) -> None:
    """What an application's own class has beside ours is saved like the rest."""
    person: Any = Person(username="x", role="member", badge="1")
    assert "badge" in inspect(Person).column_attrs
    deed: Any = type("Deed", (), {"is_about_actor": lambda _self, _user: False})()
    changes = Changes(office.auth.rules, ENTITIES, deed, person)
    assert changes.make({"badge": "2"}) is None
    assert person.badge == "2"
    assert [(step.name, step.detail) for step in changes.steps] == [("badge", "1 → 2")]
