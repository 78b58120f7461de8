from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from onegov_auth.accounts import Hooks


def test_no_hook_is_needed() -> None:
    """An application that wants nothing says nothing."""
    assert not any(getattr(Hooks(), field.name) for field in fields(Hooks))


def test_hooks_dont_change() -> None:
    """Hooks are set once, when the application starts."""
    with pytest.raises(FrozenInstanceError):
        Hooks().on_login = print  # type: ignore[misc]  # that it is frozen is the test
