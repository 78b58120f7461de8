from __future__ import annotations

from onegov_auth.models import User, step_names


def test_steps_are_demanded_and_taken() -> None:
    """Each once, in the order they were demanded."""
    user = User(username="ann")
    assert step_names(user.pending_steps) == ()
    user.require_step("change_password")
    user.require_step("survey")
    user.require_step("change_password")
    assert step_names(user.pending_steps) == ("change_password", "survey")
    user.step_taken("change_password")
    user.step_taken("unknown")
    assert user.pending_steps == "survey"
    user.step_taken("survey")
    assert user.pending_steps is None
