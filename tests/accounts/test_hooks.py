from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from onegov_auth.accounts import Hooks
from onegov_auth.web import AuthApp

#: Something in the place of each.
ALL: dict[str, Any] = {field.name: print for field in fields(Hooks)}


def test_no_hook_is_needed() -> None:
    """An application that wants nothing says nothing."""
    assert not any(getattr(Hooks(), field.name) for field in fields(Hooks))


def test_hooks_dont_change() -> None:
    """Hooks are set once, when the application starts."""
    with pytest.raises(FrozenInstanceError):
        Hooks().on_login = print  # type: ignore[misc]  # that it is frozen is the test


def test_a_rehearsal_asks_and_does_not_tell() -> None:
    """What decides is kept, what would send a mail is not."""
    kept = {field.name for field in fields(Hooks) if getattr(Hooks(**ALL).silent(), field.name)}

    assert kept == {"map_identity", "ensure_user_callback"}


def test_an_application_hands_on_every_hook() -> None:
    """A hook that is set on the application's class is called, whichever it is."""
    wanted = Hooks(**ALL)

    class App(AuthApp):
        hooks = wanted

    App.commit()
    assert App.all_hooks() == wanted
