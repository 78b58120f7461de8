"""
Questions to validation servers for YubiKeys: Yubico's Validation Protocol 2.0, spoken by yubico-client.

Its :class:`yubico_client.Yubico` signs questions and reads answers. Its own way of asking is not used: it accepts an
answer that repeats neither nonce nor password, asks all servers at once, which then call each other's question a
replay, and logs passwords.
"""

from __future__ import annotations

import hmac
import http.client
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener

from onegov_auth.domain import Step
from onegov_auth.errors import MissingDependencyError, SettingsError
from onegov_auth.outcomes import Refused, Unavailable
from onegov_auth.settings.types import Secret

__all__ = ["NoAnswerError", "ValidationServers", "get_text"]

#: Seconds for one server; a person waits for it with the finger still on the key.
TIMEOUT = 5.0

#: An answer has less than 300 characters.
MAX_ANSWER = 4096

#: The protocol takes 16 to 40 characters.
_NONCE_BYTES = 20

#: The password was no good.
_WRONG = frozenset({"BAD_OTP", "REPLAYED_OTP", "REPLAYED_REQUEST"})

#: It was seen before.
_REPLAYED = frozenset({"REPLAYED_OTP", "REPLAYED_REQUEST"})


class NoAnswerError(OSError):
    """Raised when a server was not reached, did not answer in time, or answered something else than 200."""


class _NoRedirects(HTTPRedirectHandler):
    """The one-time password is for this server, and nobody it would send us to."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing: the answer counts as an error."""


def get_text(url: str) -> str:
    """
    What is at *url*, by the system's certificates and proxies, within :data:`TIMEOUT` seconds.

    Raises:
        NoAnswerError: If there is none.
    """
    deadline = time.monotonic() + TIMEOUT
    body = b""
    try:
        with build_opener(_NoRedirects).open(url, timeout=TIMEOUT) as response:
            # Piece by piece: a time-out holds for each, and a server that drips would never end.
            while piece := response.read1(MAX_ANSWER):
                body += piece
                if len(body) > MAX_ANSWER or time.monotonic() > deadline:
                    raise NoAnswerError("too long")
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(type(error).__name__) from error
    return body.decode("utf-8", "replace")


def _nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class ValidationServers:
    """
    Asked one after the other, the next one only if nobody could say.

    Args:
        urls: Where they are.
        protocol: Signs and reads.
        fetch: Gets an address.
        nonce: Makes what an answer has to repeat.
    """

    urls: Sequence[str]
    protocol: Any
    fetch: Callable[[str], str] = get_text
    nonce: Callable[[], str] = _nonce

    @classmethod
    def of(
        cls, client_id: str, secret_key: Secret, urls: Sequence[str], fetch: Callable[[str], str] = get_text
    ) -> ValidationServers:
        """
        The servers of the settings.

        Raises:
            MissingDependencyError: If yubico-client is not installed.
            SettingsError: If the key is not in base64.
        """
        try:
            from yubico_client import Yubico  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingDependencyError("second_factors.yubikey", "onegov-auth[yubikey]") from error
        try:
            protocol = Yubico(client_id, secret_key.reveal(), translate_otp=False)
        except ValueError as error:
            raise SettingsError(["second_factors.yubikey.secret_key: must be base64"]) from error
        if not protocol.key:
            # Without a key the library signs nothing and believes everybody.
            raise SettingsError(["second_factors.yubikey.secret_key: must not be empty"])
        return cls(urls, protocol, fetch)

    def translate(self, typed: str) -> set[str]:
        """What a YubiKey may have typed if the keyboard is not laid out as it believes."""
        from yubico_client.modhex import translate  # noqa: PLC0415 - an extra

        try:
            found: set[str] = translate(typed)
        except KeyError:
            # A character that no layout has.
            return set()
        return found

    def refusal(self, password: str) -> Refused | Unavailable | None:
        """
        Ask whether a one-time password is good; ``None`` if it is, and was never used before.

        One nonce goes to all servers, so that they know the second question for a repetition of the first. One that
        calls the password used, after another one did not answer, may have heard so from that one: then nobody can
        say, and the person touches the key again.
        """
        nonce = self.nonce()
        query = self.protocol.generate_query_string(password, nonce)
        steps: list[Step] = []
        for url in self.urls:
            said = self._said(url, query, password, nonce)
            steps.append(Step("server", said))
            if said == "OK":
                return None
            if said in _WRONG and not (said in _REPLAYED and len(steps) > 1):
                return Refused("code_used" if said in _REPLAYED else "wrong_code", tuple(steps))
        return Unavailable("yubikey", "no_server", tuple(steps))

    def _said(self, url: str, query: str, password: str, nonce: str) -> str:
        """The status, or why there is none that may be believed, in small letters."""
        try:
            text = self.fetch(f"{url}?{query}")
        except NoAnswerError as error:
            return f"no_answer: {error}"
        signature, parameters = self.protocol.parse_parameters_from_response(text)
        expected = self.protocol.generate_message_signature(parameters) if parameters else ""
        if not hmac.compare_digest((signature or "").encode(), expected.encode()) or not expected:
            # NO_SUCH_CLIENT is not signed, because that server knows no key to do so.
            return "unsigned"
        answer = self.protocol.get_parameters_as_dictionary(parameters)
        if len(answer) != len(parameters.split("&")):
            return "doubled"
        if answer.get("otp") != password or answer.get("nonce") != nonce:
            return "not_ours"
        status: str = answer.get("status", "")
        return status
