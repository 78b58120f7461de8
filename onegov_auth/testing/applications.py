"""An application under test: the host's own class on a database that is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onegov_auth import migrations
from onegov_auth.clock import Clock
from onegov_auth.database import Database
from onegov_auth.keys import Keys
from onegov_auth.models import DEFAULT
from onegov_auth.passwords import Hasher
from onegov_auth.settings import Settings, settings_from
from onegov_auth.testing.outbox import CaughtMailer

__all__ = ["CountingHasher", "make_application", "make_tables"]

#: What settings have to say and a test rarely cares about.
DEFAULTS: Mapping[str, Any] = {"base_url": "https://app.example.org"}

#: Signs and encrypts in tests, and nowhere else.
SECRET = "a secret for tests only, of more than 32 characters"


class CountingHasher(Hasher):
    """
    Hashes at a cost that suits tests, and counts.

    Attributes:
        compared: How often a password was compared, with a hash or for nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.compared = 0
        super().__init__(*args, **kwargs)

    def verify(self, clear: str, hashed: str | None) -> Any:
        """As any hasher."""
        self.compared += 1
        return super().verify(clear, hashed)


def make_application(cls: type[Any], url: str, clock: Clock, **settings: Any) -> Any:
    """
    An application of class *cls* on the empty database *url*, with all tables.

    Everything is as in service, but for the clock, passwords that are hashed cheaply, and mails that are caught:
    ``application.auth.mailer.outbox``.

    Args:
        cls: The :class:`onegov_auth.AuthApp` of the host.
        url: An empty database.
        clock: The time.
        settings: What stands in ``auth.yml``, if it matters; the database, the secrets and the mail server in it are
            left alone.
    """
    wanted = {**DEFAULTS, **settings, "database": url, "secrets": [SECRET]}
    checked: Settings = settings_from(wanted)
    keys, hasher = Keys(checked.secrets, checked.application), CountingHasher.cheap()
    entities = cls.entities
    database = Database(url, clock=clock, keys=keys, entities=entities, hasher=hasher)
    make_tables(database, entities)
    folders = [Path(folder) for folder in cls.mail_templates]
    mailer = CaughtMailer(checked, database, keys, clock=clock, directories=folders, entities=entities)
    return cls.from_settings(checked, database=database, clock=clock, hasher=hasher, mailer=mailer)


def make_tables(database: Database, entities: Any = DEFAULT) -> None:
    """Make the tables of those classes in an empty database, without going through all migrations."""
    entities.user.metadata.create_all(database.engine)
    if entities is DEFAULT:
        migrations.stamp(database.engine)
