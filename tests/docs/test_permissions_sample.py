"""The sample of permissions lets in who has them, and knows its catalogue."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from onegov_auth.collections import UserCollection
from onegov_auth.models import PermissionRow


def test_permissions(examples: Path, place: Path, log_in: Callable[..., Any]) -> None:
    """A page opens with its permission, a question to the user included; the table has what the code declares."""
    app = runpy.run_path(str(examples / "permissions_app.py"))["App"].from_yaml("auth.yml")

    def give(*tokens: str, tags: list[str] | None = None) -> None:
        with app.auth.database.unit() as db:
            user = UserCollection(db).by_username("ann@example.org")
            assert user is not None
            user.permissions.extend(db.scalars(select(PermissionRow).where(PermissionRow.token.in_(tokens))))
            user.tags = tags

    with app.auth.database.read() as db:
        assert {row.token: row.description for row in db.scalars(select(PermissionRow))} == {
            "invoices.read": "Read all invoices.",
            "invoices.write": "Write invoices, and send them.",
            "reports.run": "Run the monthly reports",
        }
    give("invoices.read")
    assert log_in(app).json == {"may_write": False}
    give("invoices.write", "reports.run", tags=["office"])
    assert log_in(app, "/close-year").json == "closed"
    app.auth.close()
