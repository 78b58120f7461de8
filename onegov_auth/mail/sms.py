"""
Text messages: what a sender does, and the one that writes files for a gateway.

A sender of a gateway is a distribution of its own with an entry point in the group ``onegov_auth.sms``, whose name is
the part of ``sms.url`` before the colon. :class:`onegov_auth.testing.contracts.SMSSenderContract` says what it holds.
"""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Self
from uuid import uuid4

from onegov_auth.errors import RegistryError, SettingsError
from onegov_auth.mail.transports import NotSentError

__all__ = ["GROUP", "MAX_TEXT", "SMSSender", "Spool", "check_number", "sender_for"]

#: The entry point group of senders.
GROUP = "onegov_auth.sms"

#: Ten messages of 153 characters (3GPP TS 23.040 §9.2.3.24.1): what we send is one or two.
MAX_TEXT = 1530

#: ITU-T E.164: a country code and up to 15 digits together.
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def check_number(number: str) -> str:
    """
    *number* if it is one in the form of E.164, such as ``+41791234567``.

    Raises:
        ValueError: If it is not. The sentence does not repeat it.
    """
    if not _NUMBER.fullmatch(number):
        raise ValueError("a phone number must be in the form of E.164, such as +41791234567")
    return number


class SMSSender(ABC):
    """Hands text messages over; used by several threads at once, so nothing on it changes."""

    @classmethod
    @abstractmethod
    def from_url(cls, url: str, sender: str) -> Self:
        """
        A sender for ``sms.url``.

        Args:
            url: As it stands in the settings; may hold secrets.
            sender: The name the phone shows.

        Raises:
            SettingsError: If it can't work that way; the sentence begins with ``sms.url:`` and repeats no secret.
        """

    @abstractmethod
    def send(self, number: str, text: str) -> None:
        """
        Hand one message over, or fail within a quarter of a minute.

        Args:
            number: In the form of E.164.
            text: Up to :data:`MAX_TEXT` characters; holds a code, and must not be logged.

        Raises:
            NotSentError: If it was not handed over; ``final`` where trying again makes no sense.
        """


class Spool(SMSSender):
    """
    Writes each message into a file of its own, for a gateway that fetches them.

    A file is named ``<time>-<random>.json`` and holds one JSON object: ``to`` (E.164), ``from``, ``text``. It is
    there all at once, by renaming, and readable by its owner and group only. Whoever sends it deletes it.

    Args:
        path: The folder, made when it is missing.
        sender: The name the phone shows.
    """

    def __init__(self, path: Path, sender: str) -> None:
        self.path = path
        self._sender = sender

    @classmethod
    def from_url(cls, url: str, sender: str) -> Self:
        """A folder, as in ``spool:PATH``; raises SettingsError."""
        name = url.partition(":")[2]
        if not name:
            raise SettingsError(["sms.url: must name a folder: spool:PATH"])
        return cls(Path(name), sender)

    def send(self, number: str, text: str) -> None:
        """Write one file; raises NotSentError."""
        content = json.dumps({"to": check_number(number), "from": self._sender, "text": text}, ensure_ascii=False)
        name = str(uuid4())
        hidden = self.path / f".{name}.part"
        try:
            self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
            # A code is in it: not for everybody on this machine.
            with os.fdopen(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            hidden.rename(self.path / f"{hidden.stat().st_mtime_ns}-{name}.json")
        except OSError as error:
            with suppress(OSError):
                hidden.unlink()
            raise NotSentError("folder") from error


def sender_for(url: str, sender: str, points: Iterable[EntryPoint] | None = None) -> SMSSender:
    """
    The sender that ``sms.url`` names.

    Args:
        url: As it stands in the settings.
        sender: The name the phone shows.
        points: The entry points; those installed unless told otherwise.

    Raises:
        RegistryError: If no such sender is installed, two are, or it is none.
        SettingsError: If it can't work that way.
    """
    scheme = url.partition(":")[0]
    found = [point for point in (entry_points(group=GROUP) if points is None else points) if point.name == scheme]
    if len(found) != 1:
        many = "none" if not found else "more than one"
        raise RegistryError(f'sms.url: "{scheme}" needs one installed sender, and there is {many} (group {GROUP})')
    cls = found[0].load()
    if not (isinstance(cls, type) and issubclass(cls, SMSSender)):
        raise RegistryError(f'sms.url: "{scheme}" is no sender: {found[0].value}')
    return cls.from_url(url, sender)
