"""One step of the doctor."""

from __future__ import annotations

import pytest

from onegov_auth.providers import CheckState
from onegov_auth_ldap.errors import DirectoryError
from onegov_auth_ldap.steps import HINTS, Finding, timed


def test_a_text_is_a_step_that_went_well() -> None:
    """What a look returns as text is the detail of a good step, with the time it took."""
    step = timed("people", lambda: "5 found")

    assert (step.name, step.state, step.detail, step.hint) == ("people", CheckState.OK, "5 found", "")
    assert step.seconds > 0


def test_a_finding_is_told_as_it_is() -> None:
    """A finding keeps its state and says what to change."""
    step = timed("tls", lambda: Finding("ends soon", CheckState.WARNING, "renew it"))

    assert (step.state, step.detail, step.hint) == (CheckState.WARNING, "ends soon", "renew it")


@pytest.mark.parametrize("reason", sorted(HINTS))
def test_a_failure_says_what_to_change(reason: str) -> None:
    """Each known reason of a failure has advice of its own."""

    def fail() -> str:
        raise DirectoryError(reason, "seen")

    step = timed("bind", fail)

    assert (step.state, step.detail, step.hint) == (CheckState.FAILED, f"{reason}: seen", HINTS[reason])


def test_the_failures_own_advice_counts_more() -> None:
    """Where the failure itself says what to change, that is told instead of the general advice."""

    def fail() -> str:
        raise DirectoryError("tls", "seen", hint="renew it")

    assert timed("tls", fail).hint == "renew it"


def test_other_errors_are_no_finding() -> None:
    """A mistake of ours is not told as a fault of the directory."""
    with pytest.raises(ZeroDivisionError):
        timed("bind", lambda: str(1 // 0))
