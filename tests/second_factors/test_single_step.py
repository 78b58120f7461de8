"""Codes that are given together with the password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from onegov_auth.auth import Auth
from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors import Challenge, Enrolled, Enrolment, Factor, FactorSettings, Used
from onegov_auth.models import User
from onegov_auth.outcomes import EnrolmentRequired, FactorRequired, LoggedIn, Refused

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, kw_only=True)
class Word(Factor):
    """A word that may be given with the password."""

    type: ClassVar[str] = "word"
    single_step: ClassVar[bool] = True

    def enrol(self, user: UserInfo, answer: str | None, transaction: Transaction) -> Enrolment:
        """Always the same one."""
        return Enrolment(secret="sesame")

    def challenge(self, enrolled: Sequence[Enrolled], transaction: Transaction, client: Client) -> Challenge:
        """Nothing is sent."""
        return Challenge()

    def verify(
        self, enrolled: Sequence[Enrolled], answer: str, transaction: Transaction, client: Client
    ) -> Used | Refused:
        """Compare."""
        return Used(enrolled[0].id, once="sesame") if answer == "sesame" else Refused("wrong_code")


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., Auth], add: Callable[..., User]) -> Auth:
    """With the word, which ann has and the others must have."""
    rules = {"totp": {}, "required_for": ["admin"]}
    auth = make_auth(factors={"word": Word(settings=FactorSettings())}, second_factors=rules)
    user = add("ann")
    with auth.database.unit() as db:
        auth.factor_store.add(db, db.get_one(User, user.id), auth.factors["word"], Enrolment(), None)
    add("bob")
    add("eve", role="admin")
    return auth


@pytest.mark.sec("MFA-02", "MFA-04")
@pytest.mark.parametrize("browser", ["browser-one", None])
@pytest.mark.parametrize(
    ("username", "password", "word", "expected"),
    [
        ("ann", PASSWORD, "sesame", LoggedIn),
        ("ann", PASSWORD, "simsim", "wrong_code"),
        ("ann", PASSWORD, "", "invalid_code"),
        ("ann", "wrong", "sesame", "wrong_password"),
        ("bob", PASSWORD, "sesame", LoggedIn),
        ("nobody", PASSWORD, "sesame", "unknown_user"),
    ],
)
def test_both_at_once(
    auth: Auth, client: Client, browser: Any, username: str, password: str, word: str, expected: Any
) -> None:
    """Both have to be right, with a browser or without; nobody who has no factor is asked for one."""
    outcome = auth.login(username, password, replace(client, browser=browser), second_factor=word)

    assert isinstance(outcome, LoggedIn) if expected is LoggedIn else outcome.code == expected  # type: ignore[union-attr]  # a refusal


@pytest.mark.sec("OTP-02")
def test_a_word_works_once(auth: Auth, client: Client) -> None:
    """With the password as well as without."""
    assert isinstance(auth.login("ann", PASSWORD, client, second_factor="sesame"), LoggedIn)
    again = auth.login("ann", PASSWORD, client, second_factor="sesame")

    assert isinstance(again, Refused)
    assert again.code == "code_used"


@pytest.mark.sec("MFA-02")
def test_without_the_word(auth: Auth, client: Client) -> None:
    """A browser is asked for it, a program is refused; who must set one up can't do so without a browser."""
    program = replace(client, browser=None)

    assert isinstance(auth.login("ann", PASSWORD, client), FactorRequired)
    assert auth.login("ann", PASSWORD, program).code == "factor_required"  # type: ignore[union-attr]  # a refusal
    assert isinstance(auth.login("eve", PASSWORD, client, second_factor="sesame"), EnrolmentRequired)
    assert auth.login("eve", PASSWORD, program, second_factor="x").code == "enrolment_required"  # type: ignore[union-attr]  # a refusal
