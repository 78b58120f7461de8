"""Tests of adding the same user at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.errors import ExistingUserError
from onegov_auth.models import User

THREADS = 12
REQUEST = SimpleNamespace(client_addr="192.0.2.1")

ADD: dict[str, Callable[[UserCollection, str], object]] = {
    "add": lambda users, name: users.add(name, "long enough", "member"),
    "register": lambda users, name: users.register(name, "long enough", REQUEST),
}


@pytest.mark.sec("RACE-10")
@pytest.mark.parametrize("add", ADD.values(), ids=list(ADD))
def test_one_name_is_added_once(
    database: Database, session: Session, add: Callable[[UserCollection, str], object]
) -> None:
    """Of many at the same moment one is added, and all others are told that the name is taken."""
    results: list[str] = []
    barrier = threading.Barrier(THREADS)

    def work(number: int) -> None:
        name = "ann@example.org" if number % 2 else "ANN@example.org"
        barrier.wait()
        with database.unit() as db:
            try:
                add(UserCollection(db), name)
                results.append("added")
            except ExistingUserError:
                results.append("existing")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["added"] + ["existing"] * (THREADS - 1)
    assert UserCollection(session).query().count() == 1


@pytest.mark.sec("RACE-10")
def test_a_lost_race_keeps_the_rest_of_the_work(database: Database, session: Session) -> None:
    """Who comes second, after having looked, is told so and can go on in the same transaction."""

    class Hasty(UserCollection):
        """Looks before somebody else adds the name."""

        looked = False

        def _is_taken(self, username: str) -> bool:
            if self.looked:
                return super()._is_taken(username)
            self.looked = True
            return False

    with database.unit() as other:
        UserCollection(other).add("ann", "password", "member")
    users = Hasty(session)
    session.add(User(username="bob", password_hash="", role="member"))
    with pytest.raises(ExistingUserError):
        users.add("ANN", "password", "member")
    session.commit()
    assert {user.username for user in users.query()} == {"ann", "bob"}
