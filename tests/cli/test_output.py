from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest

from onegov_auth.cli.output import Output, progress, shown

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Ä 漢", "Ä 漢"),
        ("a\x1b[2J", "a\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\r\nb", "a\\r\\nb"),
        (None, ""),
    ],
)
def test_shown(text: str | None, printed: str) -> None:
    """Text of others is printed as it is, without what moves a cursor or turns the direction."""
    assert shown(text) == printed


def test_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """People read sentences, whose text is neutral."""
    output = Output(as_json=False)

    output.done("Done\x07.", id=ID)
    output.answer("Yes.", id=ID)
    output.rows([{"id": ID}], ["one", "two\x07"])

    assert capsys.readouterr().out == "Done\\x07.\nYes.\none\ntwo\\x07\n"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read JSON: one document, text as it is, times in ISO 8601."""
    Output(as_json=True).rows([{"id": ID, "at": datetime(2026, 1, 2, tzinfo=UTC), "name": "Ä\x07"}], ["unseen"])

    assert capsys.readouterr().out == (
        '[\n  {\n    "id": "00000000-0000-0000-0000-000000000001",\n'
        '    "at": "2026-01-02T00:00:00+00:00",\n    "name": "Ä\\u0007"\n  }\n]\n'
    )


@pytest.mark.parametrize("kind", ["done", "answer"])
def test_json_of_one(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """What was done and what was asked is an object."""
    getattr(Output(as_json=True), kind)("unseen", changed=True)

    assert capsys.readouterr().out == '{\n  "changed": true\n}\n'


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A log file gets no progress bar."""
    with progress([1, 2], "Working") as things:
        assert list(things) == [1, 2]

    assert capsys.readouterr() == ("", "")


def test_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a progress bar, on stderr."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with progress([1, 2], "Working") as things:
        assert list(things) == [1, 2]

    assert "Working" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    assert capsys.readouterr().out == ""
