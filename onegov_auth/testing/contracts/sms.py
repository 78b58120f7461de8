"""What every sender of text messages holds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

import pytest

from onegov_auth.mail import NotSentError, SMSSender
from onegov_auth.mail.sms import MAX_TEXT, sender_for

__all__ = ["SMSSenderContract"]

NUMBER = "+41791234567"
TEXT = "Ihr Code für Govikon: K7QX–2M"


class SMSSenderContract:
    """
    Subclass it as ``Test…`` and override the fixtures.

    Fixtures: ``url`` (of ``sms.url``, for a running gateway), ``arrived`` (what came there), ``broken_url`` (a gateway
    that is down), ``canaries`` (the secrets in ``url``).
    """

    @pytest.fixture
    def url(self) -> str:
        """What stands in the settings, for a gateway that runs."""
        raise NotImplementedError("override the fixture 'url'")

    @pytest.fixture
    def broken_url(self) -> str:
        """The same for a gateway that is down, or is none."""
        raise NotImplementedError("override the fixture 'broken_url'")

    @pytest.fixture
    def arrived(self) -> Callable[[], Sequence[tuple[str, str]]]:
        """Number and text of each message that came so far."""
        raise NotImplementedError("override the fixture 'arrived'")

    @pytest.fixture
    def canaries(self) -> Iterable[str]:
        """The secrets in ``url``; none unless overridden."""
        return ()

    @pytest.fixture
    def sender(self, url: str) -> SMSSender:
        """The sender, found by its entry point."""
        return sender_for(url, "Example")

    @pytest.fixture
    def broken_sender(self, broken_url: str) -> SMSSender:
        """The same for a gateway that is down."""
        return sender_for(broken_url, "Example")

    def test_a_message_arrives(self, sender: SMSSender, arrived: Callable[[], Sequence[tuple[str, str]]]) -> None:
        """Number and text come as they were given, in any letters, once for each call."""
        sender.send(NUMBER, TEXT)
        sender.send(NUMBER, "x" * MAX_TEXT)

        assert sorted(arrived()) == sorted([(NUMBER, TEXT), (NUMBER, "x" * MAX_TEXT)])

    @pytest.mark.sec("SMS-06")
    def test_a_gateway_that_is_down(self, broken_sender: SMSSender, caplog: pytest.LogCaptureFixture) -> None:
        """A message that was not handed over is an error, which tells neither the code nor the number."""
        caplog.set_level(logging.DEBUG)
        with pytest.raises(NotSentError) as caught:
            broken_sender.send(NUMBER, TEXT)

        assert not [word for word in (TEXT, NUMBER, NUMBER[1:]) if word in f"{caught.value}{caplog.text}"]

    @pytest.mark.sec("SMS-05")
    @pytest.mark.parametrize("number", ["0791234567", "+41 79 123 45 67", "+4179123456789012345", "+41791234567\n", ""])
    def test_numbers_that_are_none(
        self, sender: SMSSender, arrived: Callable[[], Sequence[tuple[str, str]]], number: str
    ) -> None:
        """Nothing is sent to what is no number in the form of E.164."""
        with pytest.raises(ValueError, match=r"E\.164"):
            sender.send(number, TEXT)

        assert list(arrived()) == []

    @pytest.mark.sec("SMS-06", "LOG-02")
    def test_nothing_secret_is_shown(
        self, sender: SMSSender, canaries: Iterable[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the log nor the sender's repr shows the code or a secret of the settings."""
        caplog.set_level(logging.DEBUG)
        sender.send(NUMBER, TEXT)

        assert not [secret for secret in (TEXT, *canaries) if secret in f"{sender!r}{caplog.text}"]
