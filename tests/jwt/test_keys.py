from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event, func, select

from onegov_auth.database import Database
from onegov_auth.jwt import SigningKeys
from onegov_auth.jwt.keys import LOOK_UPS
from onegov_auth.models import SigningKey
from onegov_auth.testing.clock import FakeClock

Make = Callable[..., SigningKeys]


def names(keys: SigningKeys) -> list[str]:
    return [key["kid"] for key in keys.published()]


def test_the_first_key_is_made_when_it_is_needed(keys: SigningKeys) -> None:
    """There is none before, and one afterwards."""
    assert names(keys) == []
    name, key = keys.signing()

    assert names(keys) == [name]
    assert key.algorithm == "EdDSA"
    assert keys.signing()[0] == name
    assert keys.verifying("another") is None


def test_two_processes_share_keys(make_keys: Make) -> None:
    """What one has made, the other verifies and signs with."""
    one, other = make_keys(), make_keys()
    name, _ = one.signing()

    assert other.verifying(name) is not None
    assert other.signing()[0] == name


@pytest.mark.sec("RATE-04")
def test_forged_names_cost_no_statement_each(make_keys: Make, database: Database, clock: FakeClock) -> None:
    """However many come, few look into the table; a second later a new key is found that another process made."""
    one, other = make_keys(), make_keys()
    name, _ = one.signing()
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    assert [other.verifying(f"forged-{number}") for number in range(500)] == [None] * 500
    assert 0 < len([statement for statement in asked if "SELECT" in statement]) <= LOOK_UPS + 1
    assert other.verifying(name) is not None
    new = one.rotate()
    clock.advance(1)
    assert other.verifying(new) is not None


def test_a_new_key_takes_over(make_keys: Make, clock: FakeClock) -> None:
    """It signs from now on, elsewhere within a minute; the old one verifies until its last token has expired."""
    one, other = make_keys(), make_keys()
    old, _ = one.signing()
    other.signing()
    clock.advance(1)
    new = one.rotate()

    assert one.signing()[0] == new
    assert other.signing()[0] == old
    clock.advance(60)
    assert other.signing()[0] == new
    assert names(one) == [new, old]
    clock.advance(600 + 120 - 60)
    assert names(one) == [new]
    assert make_keys().verifying(old) is None


@pytest.mark.sec("ASVS-9.1.3")
def test_a_retired_key_is_forgotten_by_whoever_only_verifies(make_keys: Make, clock: FakeClock) -> None:
    """A process that signs nothing forgets it as well: a stolen key is worth nothing once it was replaced."""
    one, other = make_keys(), make_keys()
    old, _ = one.signing()
    assert other.verifying(old) is not None
    one.rotate()

    clock.advance(600 + 120 + 60)
    assert other.verifying(old) is None


@pytest.mark.sec("ASVS-9.1.3")
def test_only_public_members_are_published(keys: SigningKeys, database: Database) -> None:
    """Whatever else stands in the table, a private member is on no page."""
    keys.signing()
    with database.unit() as db:
        row = db.scalars(select(SigningKey)).one()
        row.public = {**row.public, "d": "private"}

    (published,) = keys.published()
    assert published.keys() == {"kty", "crv", "x", "kid", "alg", "use"}


def test_old_keys_are_deleted(keys: SigningKeys, database: Database, clock: FakeClock) -> None:
    """Not while a token that they signed may be good."""
    keys.signing()
    keys.rotate()
    clock.advance(719)
    assert database.once(keys.cleanup) == 0
    clock.advance(1)
    assert database.once(keys.cleanup) == 1
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(SigningKey)) == 1


def test_a_key_grows_too_old(keys: SigningKeys, clock: FakeClock) -> None:
    """After ninety days another one is made."""
    name, _ = keys.signing()
    clock.advance(90 * 86400 - 1)
    assert keys.signing()[0] == name
    clock.advance(1)
    assert keys.signing()[0] != name


def test_another_algorithm(make_keys: Make) -> None:
    """A key of the algorithm that is configured is made, and the other one still verifies."""
    old, _ = make_keys().signing()
    changed = make_keys(algorithm="ES256")
    new, key = changed.signing()

    assert (key.algorithm, new != old) == ("ES256", True)
    assert [known and known.algorithm for known in map(changed.verifying, (old, new))] == ["EdDSA", "ES256"]


def test_a_lost_secret(make_keys: Make) -> None:
    """A key that can't be decrypted any more signs nothing, still verifies, and another one is made."""
    old, _ = make_keys().signing()
    after = make_keys("another secret for tests only, of more than 32 characters")

    assert after.verifying(old) is not None
    assert after.signing()[0] != old


@pytest.mark.sec("ASVS-8.4.1", "ASVS-9.1.3")
def test_keys_of_another_application(make_keys: Make) -> None:
    """Two applications in one database neither publish nor accept each other's keys."""
    name, _ = make_keys().signing()
    other = make_keys(application="other/app")

    assert other.verifying(name) is None
    assert other.signing()[0] != name
    assert names(other) != names(make_keys())
