from __future__ import annotations

from uuid import UUID

from onegov_auth.whose import Whose

UID = UUID(int=7)


def groups(whose: Whose, listed: str | None, granted: str | None = None) -> object:
    return whose.read((UID, "ann", "member", 3, "de", listed, granted), "main/app")["groupids"]


def test_columns_become_an_identity() -> None:
    """Name, id, role, stamp, language and groups of the user, and the application the look-up was made by."""
    assert Whose().read((UID, "ann", "member", 3, None, None, None), "main/app") == {
        "userid": "ann",
        "uid": UID.hex,
        "role": "member",
        "groupids": frozenset(),
        "application_id": "main/app",
        "rights": 3,
        "language": None,
    }


def test_group_lists_are_kept_by_content() -> None:
    """The parsed list of groups is shared, and the memory for it has an end."""
    whose = Whose()
    first = groups(whose, f"{UID},c-d")
    assert first == {UID.hex, "c-d"}
    assert groups(whose, f"{UID},c-d") is first
    for number in range(10_001):
        groups(whose, str(number))
    assert len(whose._groups) <= 10_001


def test_groups_of_grants_are_groups() -> None:
    """Memberships by hand and those that were granted are one set."""
    whose = Whose()
    assert groups(whose, None, "a") == {"a"}
    assert groups(whose, "a,b", "b,c") == {"a", "b", "c"}
