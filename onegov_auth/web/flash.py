"""What to tell the person on the next page: a short signed cookie, so that nothing is kept for strangers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onegov_auth.keys import Keys

__all__ = ["Flash", "Message"]

_PURPOSE = "flash"
#: Characters of the packed cookie at most; what does not fit is dropped, the oldest message first.
_MAX = 2400
#: Seconds after which nobody needs to read it any more.
MAX_AGE = 300


@dataclass(frozen=True, slots=True)
class Message:
    """
    A sentence for the person.

    Attributes:
        text: Plain text; a template escapes it.
        type: ``"success"``, ``"warning"``, ``"info"`` or ``"alert"``.
    """

    text: str
    type: str


class Flash:
    """
    The messages of one browser, during one request.

    Args:
        keys: Sign the cookie.
        cookie: The cookie that came with the request; one we did not sign is nothing.
    """

    def __init__(self, keys: Keys, cookie: str | None) -> None:
        self._keys = keys
        self._messages = self._unpack(cookie) if cookie else []
        self.changed = bool(cookie) and not self._messages

    def add(self, text: str, type_: str) -> None:
        """Keep a message for the next page that shows them."""
        self._messages.append(Message(text, type_))
        self.changed = True

    def consume(self) -> Iterator[Message]:
        """The messages, each for the last time."""
        while self._messages:
            self.changed = True
            yield self._messages.pop(0)

    def __bool__(self) -> bool:
        return bool(self._messages)

    def packed(self) -> str | None:
        """The value for the cookie; None if there is nothing to keep."""
        while self._messages:
            text = json.dumps([[message.text, message.type] for message in self._messages])
            body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
            value = f"{body}.{self._keys.mac(_PURPOSE, body)}"
            if len(value) <= _MAX:
                return value
            self._messages.pop(0)
        return None

    def _unpack(self, cookie: str) -> list[Message]:
        body, _, mac = cookie.partition(".")
        if not self._keys.verify_mac(_PURPOSE, mac, body):
            return []
        try:
            return [Message(text, type_) for text, type_ in json.loads(base64.urlsafe_b64decode(body + "==="))]
        except (binascii.Error, ValueError, TypeError):
            return []
