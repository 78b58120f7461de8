from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from webob.multidict import MultiDict

from onegov_auth.auth import Auth
from onegov_auth.forms import SignupLinkForm


def form(**fields: Any) -> SignupLinkForm:
    options = {name: fields.pop(name) for name in ("groups", "roles", "language") if name in fields}
    return SignupLinkForm(MultiDict({"role": "editor", "max_age": "week", "max_uses": "7", **fields}), **options)


def test_it_makes_a_link(make_auth: Callable[..., Auth]) -> None:
    """With the role, the age and the number of uses that were chosen."""
    auth = make_auth()
    filled = form(domain=" @Example.org ")
    assert filled.validate(), filled.errors
    said = auth.decode_signup_token(filled.signup_token(auth))
    assert said is not None
    assert (said["role"], said["max_uses"]) == ("editor", 7)
    with auth.database.read() as db:
        (link,) = auth.signup_links.list(db)
        assert ((link.expires - link.created).days, link.domain, link.group_id) == (7, "example.org", None)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"role": "boss"}, "role"),
        ({"max_age": "year"}, "max_age"),
        ({"max_uses": "0"}, "max_uses"),
        ({"max_uses": "10001"}, "max_uses"),
        ({"max_uses": "many"}, "max_uses"),
        ({"domain": "no domain"}, "domain"),
        ({"group": "2", "groups": {"1": "Club"}}, "group"),
    ],
)
def test_what_can_t_be_is_told(fields: dict[str, Any], wrong: str) -> None:
    """A role, an age, a number, a domain or a group that there is not."""
    filled = form(**fields)
    assert not filled.validate()
    assert wrong in filled.errors


def test_choices_are_the_application_s() -> None:
    """Roles may be others or have other names; groups are asked for where there are some."""
    assert form().role.choices == [("member", "Member"), ("editor", "Editor"), ("admin", "Admin")]
    assert form(roles={"boss": "The boss"}, role="boss").validate()
    assert "group" not in form()
    asking = form(groups={"1": "Club"}, group="1")
    assert asking.validate(), asking.errors
    assert asking.group.choices == [("", "–"), ("1", "Club")]
    choices: Any = form().max_age.choices
    assert [age for age, _ in choices] == ["hour", "day", "week", "month"]
