"""The five people in three groups."""

from __future__ import annotations

from onegov_auth.testing.servers.people import GROUPS, PEOPLE, people_in


def test_five_people_are_in_three_groups() -> None:
    """Everybody is in a group, and no group is empty."""
    assert (len(PEOPLE), len(GROUPS)) == (5, 3)
    assert all(set(person.groups) <= set(GROUPS) and person.groups for person in PEOPLE)
    assert all(people_in(group) for group in GROUPS)


def test_one_is_not_ascii() -> None:
    """A name and a password beyond ASCII are among them."""
    assert any(not person.realname.isascii() and not person.password.isascii() for person in PEOPLE)


def test_the_real_name_is_given_name_and_surname() -> None:
    """As the adapters put it together by default."""
    assert PEOPLE[2].realname == "Chloé Müller-Çelik"
