"""What a command works with: the settings, the database, one unit of work with its events."""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from sqlalchemy.orm import Session

from onegov_auth.accounts import Hooks
from onegov_auth.cli.application import hooks_of, load_application
from onegov_auth.cli.failures import DATABASE, NO, SETTINGS, Failure
from onegov_auth.cli.options import Options
from onegov_auth.cli.output import Output, shown
from onegov_auth.cli.passwords import ConfiguredHasher
from onegov_auth.collections import UserCollection
from onegov_auth.database import Database
from onegov_auth.domain import Client, Step
from onegov_auth.events import Event, EventLog
from onegov_auth.keys import Keys
from onegov_auth.models import DEFAULT, Entities, User, key_of
from onegov_auth.passwords import PasswordPolicy
from onegov_auth.sessions import Sessions
from onegov_auth.settings import Secret, Settings, load_settings, settings_from

__all__ = ["CONFIG", "Operator", "Work", "find_user", "open_database", "pass_operator", "settings_for_dsn"]

P = ParamSpec("P")
T = TypeVar("T")

#: Where the settings are looked for.
CONFIG = "auth.yml"


@dataclass
class Work:
    """One unit of work: its session, and what it has to tell."""

    db: Session
    hooks: Hooks
    client: Client
    events: list[Event] = field(default_factory=list)

    def user(self, username: str) -> User:
        """
        The user of that name.

        Raises:
            Failure: If there is none.
        """
        return find_user(self.db, username)

    def tell(self, type_: str, user: User | None = None, *steps: Step) -> None:
        """Something happened, to be written in the same unit of work."""
        event = Event(type=type_, client=self.client, steps=steps)
        self.events.append(event if user is None else replace(event, user_id=key_of(user), username=user.username))


class Operator:
    """
    What a command works with; everything is made when it is asked for.

    Args:
        options: What was said on the command line.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.output = Output(as_json=options.as_json)

    @property
    def config(self) -> Path | None:
        """The settings file; ``None`` if a database was named and no file."""
        if self.options.config is not None:
            return Path(self.options.config)
        return None if self.options.dsn is not None else Path(CONFIG)

    @cached_property
    def settings(self) -> Settings:
        """
        The settings; the defaults if only a database was named.

        Raises:
            SettingsError: If they have faults.
            Failure: If there is no file.
        """
        return self.settings_of(self.options.application)

    def settings_of(self, application: str | None) -> Settings:
        """The settings of a tenant; raises as :attr:`settings`."""
        options = self.options
        if self.config is None:
            return settings_for_dsn(options.dsn or "", options.schema)
        if options.config is None and not self.config.exists():
            raise Failure(f"There is no {CONFIG} here: name the settings (--config) or a database (--dsn).", SETTINGS)
        settings = load_settings(self.config, application)
        changed: dict[str, object] = {}
        if options.dsn is not None:
            changed["database"] = Secret(options.dsn)
        if options.schema is not None:
            changed["schema_name"] = options.schema
        if not changed:
            return settings
        settings = settings.model_copy(update=changed)
        # The copy isn't checked.
        settings_for_dsn(settings.database.reveal(), settings.schema_name)
        return settings

    def configured(self) -> Settings:
        """
        The settings, for a command that a database alone is not enough for.

        Raises:
            Failure: If no file was named.
        """
        if self.config is None:
            raise Failure("This needs the settings: name them with --config.", SETTINGS)
        return self.settings

    @cached_property
    def database(self) -> Database:
        """
        The database of the users.

        Raises:
            Failure: If it is a file that isn't there: a slip of the pen must not make an empty one.
        """
        database = open_database(self.settings, self.entities)
        name = database.engine.url.database
        if database.dialect == "sqlite" and name and name != ":memory:" and not Path(name).exists():
            raise Failure(f"There is no database {name}: make it with onegov-auth db upgrade.", DATABASE)
        return database

    @cached_property
    def application(self) -> Any:
        """
        The class that ``--app`` names; ``None`` if it names none.

        Raises:
            Failure: If there is no such class.
        """
        return None if self.options.app is None else load_application(self.options.app)

    @property
    def entities(self) -> Entities:
        """The mapped classes: ours, or those of the application that ``--app`` names; raises as that one."""
        entities: Entities = getattr(self.application, "entities", DEFAULT)
        return entities

    @cached_property
    def hooks(self) -> Hooks:
        """
        What the application wants to be told; nothing unless ``--app`` names it.

        Raises:
            Failure: If there is no such class.
        """
        return Hooks() if self.application is None else hooks_of(self.application)

    @cached_property
    def policy(self) -> PasswordPolicy:
        """Which new passwords are allowed: by the settings, or by the application that ``--app`` names."""
        if self.application is None:
            return PasswordPolicy.from_settings(self.settings)
        policy: PasswordPolicy = self.application.password_policy.from_settings(self.settings)
        return policy

    @cached_property
    def sessions(self) -> Sessions:
        """Finds and ends sessions; can't open what was encrypted in them."""
        application = self.settings.application
        return Sessions(
            self.database,
            self.settings.sessions,
            Keys((), application),
            application=application,
            entities=self.entities,
        )

    def demand(self, username: str) -> None:
        """
        Make sure of a user before anything is asked for.

        Raises:
            Failure: If there is none of that name.
        """
        with self.database.read() as db:
            find_user(db, username)

    def change(self, work: Callable[[Work], T]) -> T:
        """
        Do *work* in one unit of work that also writes its events; may be called again after a lost race.

        Raises:
            Failure: What *work* raises, after everything was rolled back.
        """
        log = EventLog(self.database, entities=self.entities)

        def once(db: Session) -> tuple[T, Sequence[Event]]:
            unit = Work(db, self.hooks, operating_system_user())
            result = work(unit)
            db.flush()
            for event in unit.events:
                log.record(db, event)
            return result, unit.events

        result, events = self.database.once(once)
        for event in events:
            log.announce(event)
        return result

    def close(self) -> None:
        """Let go of the database."""
        database = self.__dict__.get("database")
        if database is not None:
            database.dispose()


def find_user(db: Session, username: str) -> User:
    """
    The user of that name.

    Raises:
        Failure: If there is none.
    """
    user = UserCollection(db).by_username(username)
    if user is None:
        raise Failure(f"There is no user {shown(username)}.", NO)
    return user


def open_database(settings: Settings, entities: Entities = DEFAULT) -> Database:
    """The database of *settings*, for these mapped classes; nothing is connected yet."""
    return Database(
        settings.database.reveal(),
        settings.schema_name,
        keys=Keys(settings.secrets, settings.application),
        hasher=ConfiguredHasher(settings.passwords),
        entities=entities,
    )


def settings_for_dsn(dsn: str, schema: str | None = None) -> Settings:
    """
    The default settings on that database, for commands that need no more.

    Raises:
        SettingsError: If the database or the schema can't be one.
    """
    # Nothing is signed or encrypted with a secret that nobody keeps: it only makes the settings whole.
    passing = secrets.token_urlsafe(48)
    mapping = {"base_url": "http://localhost", "database": dsn.replace("${", "$${"), "secrets": [passing]}
    return settings_from({**mapping, "schema": schema} if schema else mapping, source="--dsn")


def operating_system_user() -> Client:
    """Who runs the command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        name = str(os.getuid())
    return Client(address="cli", user_agent=name)


def pass_operator(function: Callable[Concatenate[Operator, P], T]) -> Callable[P, T]:
    """Hand the :class:`Operator` to a command as its first argument, and close it afterwards."""

    def command(*args: P.args, **kwargs: P.kwargs) -> T:
        context = click.get_current_context()
        operator = Operator(context.ensure_object(Options))
        context.call_on_close(operator.close)
        # Whoever names a wrong one learns of it now, not with the first command that calls a hook.
        _ = operator.application
        return function(operator, *args, **kwargs)

    update_wrapper(command, function)
    return command
