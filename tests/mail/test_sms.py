"""Text messages."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from onegov_auth.errors import RegistryError, SettingsError
from onegov_auth.mail import Spool
from onegov_auth.mail.sms import GROUP, check_number, sender_for
from onegov_auth.testing.contracts import SMSSenderContract


class TestSpool(SMSSenderContract):
    """The files keep the contract."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """A folder that isn't there yet."""
        return f"spool:{tmp_path}/var/sms"

    @pytest.fixture
    def broken_url(self, tmp_path: Path) -> str:
        """A folder below a file."""
        (tmp_path / "file").write_text("")
        return f"spool:{tmp_path}/file/sms"

    @pytest.fixture
    def arrived(self, tmp_path: Path) -> Callable[[], Sequence[tuple[str, str]]]:
        """What stands in the files."""

        def read() -> Sequence[tuple[str, str]]:
            contents = [json.loads(file.read_text("utf-8")) for file in (tmp_path / "var" / "sms").glob("*.json")]
            return [(content["to"], content["text"]) for content in contents]

        return read


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """The file of a message that was sent."""
    Spool(tmp_path / "sms", "Govikon").send("+41791234567", "Code")
    (file,) = (tmp_path / "sms").iterdir()
    return file


def test_a_file(file: Path) -> None:
    """A file is named after its time and holds receiver, sender and text; nothing else is left behind."""
    time, _, rest = file.name.partition("-")

    assert json.loads(file.read_text("utf-8")) == {"to": "+41791234567", "from": "Govikon", "text": "Code"}
    assert len(time) == len(str(file.stat().st_mtime_ns))
    assert rest.endswith(".json")


@pytest.mark.sec("SMS-06")
def test_a_file_is_not_for_everybody(file: Path) -> None:
    """Other users of the machine read no codes."""
    assert stat.S_IMODE(file.stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o007 == 0


def test_a_spool_needs_a_folder() -> None:
    """Without a folder the settings are at fault."""
    with pytest.raises(SettingsError, match=r"sms\.url: must name a folder"):
        sender_for("spool:", "")


def point(value: str) -> EntryPoint:
    """An entry point of a sender."""
    return EntryPoint("gateway", value, GROUP)


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        ([], "and there is none"),
        ([point("onegov_auth.mail:Spool"), point("onegov_auth.mail:Spool")], "and there is more than one"),
        ([point("onegov_auth.mail:Mailer")], "is no sender: onegov_auth.mail:Mailer"),
    ],
    ids=["none", "two", "other"],
)
def test_senders_that_are_not_there(points: list[EntryPoint], fault: str) -> None:
    """A sender that isn't installed, is installed twice, or is none stops the start."""
    with pytest.raises(RegistryError, match=fault):
        sender_for("gateway:secret", "", points)


def test_senders_of_others(tmp_path: Path) -> None:
    """A sender is found by what stands before the colon, as ours is."""
    sender = sender_for(f"gateway:{tmp_path}", "Me", [point("onegov_auth.mail:Spool")])

    assert isinstance(sender, Spool)
    assert sender.path == tmp_path


def test_numbers() -> None:
    """A number comes back as it was."""
    assert check_number("+41791234567") == "+41791234567"
