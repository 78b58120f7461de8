from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.clock import utcnow
from onegov_auth.database import Database
from onegov_auth.models import User, UserIdentity


@pytest.fixture(name="link")
def _link(database: Database) -> Callable[..., None]:
    """Links a user to the company, so many hours ago."""

    def link(user: User, hours: float) -> None:
        created = utcnow() - timedelta(hours=hours)
        with database.unit() as db:
            db.add(
                UserIdentity(
                    id=uuid4(),
                    user_id=user.id,
                    source="company",
                    source_id=str(uuid4()),
                    proof="admin",
                    created=created,
                )
            )

    return link


@pytest.fixture(name="people")
def _people(add_user: Any, open_session: Any, link: Any) -> None:
    """Ann was linked long ago and is in twice; Bob was linked an hour ago; Cleo came by nothing of it."""
    ann, bob, _cleo = add_user("ann", role="admin"), add_user("bob"), add_user("cleo")
    open_session(ann)
    open_session(ann)
    link(ann, 100)
    link(bob, 1)


@pytest.mark.usefixtures("people")
def test_everybody_is_out(run: Any, told: Any) -> None:
    """Whom it concerns is listed, each has an event, and nobody's session is left."""
    result = run("distrust", "company", "--since", "2h")
    lines = result.stdout.splitlines()

    assert lines[0] == "ann [admin] sessions: 2"
    assert lines[1].startswith("bob [member] linked ")
    assert lines[1].endswith(" UTC (admin)")
    assert lines[2].startswith("company since ")
    assert lines[2].endswith(" UTC: sessions ended: 2; API tokens revoked: 0; rights taken away: 0; links frozen: 1.")
    assert run("list-sessions").stdout == ""
    [whole, ann, bob] = told()
    assert whole[:2] == ("provider_distrusted", None)
    assert whole[2][0][0] == "since"
    assert ann == ("provider_distrusted", "ann", [["sessions", "ended: 2"]])
    assert bob == ("provider_distrusted", "bob", [["link", "frozen"]])


@pytest.mark.usefixtures("people")
def test_a_look_first(run: Any, answer: Any, told: Any) -> None:
    """With ``--dry-run`` the same is listed and nothing happens."""
    looked = answer("distrust", "company", "--since", "2h", "--dry-run")
    assert (looked["dry_run"], looked["undo"], looked["sessions"], looked["links"]) == (True, False, 2, 1)
    assert [person["username"] for person in looked["people"]] == ["ann", "bob"]
    assert "Nothing was changed. It would be:" in run("distrust", "company", "--since", "2h", "--dry-run").stdout
    assert told() == []
    assert len(answer("list-sessions")) == 2


@pytest.mark.usefixtures("people")
def test_it_is_taken_back(answer: Any, run: Any, told: Any) -> None:
    """The links made since are free again, and no others."""
    run("distrust", "company", "--since", "200h")
    assert "It would be: company since" in run("distrust", "company", "--since", "2h", "--undo", "--dry-run").stdout

    assert [one["username"] for one in answer("distrust", "company", "--since", "2h", "--undo")["people"]] == ["bob"]
    assert told()[-1] == ("provider_trusted", "bob", [["link", "freed"]])
    assert [one["username"] for one in answer("distrust", "company", "--since", "200h", "--undo")["people"]] == ["ann"]


@pytest.mark.usefixtures("people")
def test_an_unknown_provider(run: Any) -> None:
    """A slip of the pen is exit code 1; one of the settings that nobody came by is none."""
    result = run("distrust", "compnay", "--since", "2h")
    assert (result.exit_code, result.stderr) == (1, "Error: Nobody ever came by a provider compnay.\n")
    assert run("distrust", "local", "--since", "2h").exit_code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-11-21T08:00", datetime(2024, 11, 21, 8, tzinfo=UTC)),
        ("2024-11-21 08:00:00+02:00", datetime(2024, 11, 21, 6, tzinfo=UTC)),
        ("2024-11-21", datetime(2024, 11, 21, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("people")
def test_a_moment(answer: Any, text: str, expected: datetime) -> None:
    """UTC unless it says otherwise."""
    told = answer("distrust", "company", "--since", text, "--dry-run")["since"]
    assert datetime.fromisoformat(told) == expected


@pytest.mark.parametrize(
    "arguments",
    [[], ["--since", "yesterday"], ["--since", "2x"], ["--since", "999999999999w"], ["--since", "9999-01-01"]],
)
@pytest.mark.usefixtures("people")
def test_no_moment(run: Any, arguments: list[str]) -> None:
    """Without one, or with one that is none, nothing happens (2)."""
    result = run("distrust", "company", *arguments)
    assert result.exit_code == 2
    assert "--since" in result.stderr
