from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from onegov_auth.models import LoginAttempt, UserSession
from onegov_auth.outcomes import Done


def test_sessions_of_anybody(office: Any) -> None:
    """Sessions are ended at once, those that are over are passed over, and who acts keeps the own one."""
    office.person("ann@example.org")
    by, ann = office.session("root@example.org"), office.session("ann@example.org")
    keys = [str(ann.session_id), str(by.session_id), str(ann.session_id), "nothing"]

    assert office.auth.end_open_sessions(by, office.client, keys) == 1
    assert office.auth.end_open_sessions(by, office.client, keys) == 0
    with office.database.read() as db:
        assert db.scalars(select(UserSession.id)).all() == [by.session_id]
    assert office.events("session_ended")[0][2:] == (
        "ann@example.org",
        {"by": "root@example.org", "provider": "local"},
    )


@pytest.mark.sec("ASVS-8.2.2")
def test_sessions_of_who_has_more_power(office: Any) -> None:
    """The sessions of a superuser are not an administrator's to end."""
    office.person("super@example.org", "admin", is_superuser=True)
    by, above = office.session("root@example.org"), office.session("super@example.org")

    assert office.auth.end_open_sessions(by, office.client, [above.session_id]) == 0
    with office.database.read() as db:
        assert db.scalar(select(func.count()).select_from(UserSession)) == 2


def test_unlock(office: Any) -> None:
    """What failed by a name or at an address is forgiven, and an event says how much."""
    by = office.session("root@example.org")
    for _ in range(3):
        office.auth.attempts.admit("login", "ann@example.org", office.client)

    assert office.auth.unlock_tries(by, office.client, name="ann@example.org") == 3
    assert office.events("unlocked")[0][3] == {"by": "root@example.org", "tries": "3", "of": "ann@example.org"}
    assert office.auth.unlock_tries(by, office.client).code == "nothing_named"


def test_purge(office: Any) -> None:
    """What is older than some days is deleted; less than a day would lift lockouts."""
    by = office.session("root@example.org")
    with office.database.unit() as db:
        old = office.auth.clock() - timedelta(days=40)
        db.execute(insert(LoginAttempt).values(attempt_type="login", datetime_utc=old, is_during_lockout=False))

    assert office.auth.purge_attempts(by, office.client, 0).code == "too_young"
    assert office.auth.purge_attempts(by, office.client, 30) == Done("attempts_purged")
    assert office.events("attempts_purged")[-1][3] == {"by": "root@example.org", "days": "30", "attempts": "1"}
