"""The road of a database from one version to the next, by Alembic."""

from onegov_auth.migrations.runner import VERSION_TABLE, check, current, head, revisions, stamp, upgrade

__all__ = ["VERSION_TABLE", "check", "current", "head", "revisions", "stamp", "upgrade"]
