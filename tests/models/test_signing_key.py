from __future__ import annotations

from onegov_auth.models import SigningKey


def test_nothing_of_it_is_shown() -> None:
    """``repr`` has the name of the key, and neither part."""
    key = SigningKey(id="a name", public={"x": "public part"}, private="private part")

    assert "a name" in repr(key)
    assert "part" not in repr(key)
