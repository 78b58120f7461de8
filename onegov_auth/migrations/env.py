"""What Alembic runs: the migrations, in the transaction the runner began."""

from __future__ import annotations

from alembic import context

from onegov_auth.migrations.runner import VERSION_TABLE
from onegov_auth.models import Base


def run() -> None:
    """Migrate."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        # SQLite can't alter a constraint: Alembic copies the table.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
