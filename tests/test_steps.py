from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from onegov_auth.accounts.resolve import user_info
from onegov_auth.database import Database
from onegov_auth.models import DEFAULT, User
from onegov_auth.outcomes import Refused
from onegov_auth.steps import CompleteProfile, LoginStep, Steps


class Plain(LoginStep):
    """A step that is taken by those only of whom it was demanded."""

    name: ClassVar[str] = "plain"

    def take(self, db: Any, user: Any, answer: Mapping[str, str], client: Any) -> None:
        """Whatever the answer."""


def test_a_step_is_asked_of_whom_it_was_demanded(add: Callable[..., User], database: Database) -> None:
    """Nobody else is, a step that is not there keeps out, and the order is that of the application."""
    ann, bob = add("ann"), add("bob", pending_steps="plain", realname="Bob")
    eve = add("eve", pending_steps="gone", realname="Eve")
    profile = CompleteProfile(("realname",))
    steps = Steps([Plain(), profile], DEFAULT)
    with database.read() as db:
        assert steps.next(db, user_info(ann)) is profile
        plain = steps.next(db, user_info(bob))
        assert isinstance(plain, Plain)
        assert plain.shown(bob) == {}
        assert steps.next(db, user_info(eve)) == Refused("step_unavailable")
        assert Steps([Plain()], DEFAULT).next(db, user_info(ann)) is None
    assert steps.get("plain") is plain
    assert steps.get("gone") is None


@pytest.mark.parametrize(
    ("typed", "kept"), [("Ann\r\nAble", "AnnAble"), ("x" * 300, "x" * 200), (" \u202eAnn ", "Ann")]
)
def test_an_answer_is_a_line(typed: str, kept: str) -> None:
    """Line breaks and what can't be seen are dropped, and a novel is cut (HOST-06)."""
    user = User(username="ann", realname=None)
    nothing: Any = None
    assert CompleteProfile(("realname",)).take(nothing, user, {"realname": typed}, nothing) is None
    assert user.realname == kept
