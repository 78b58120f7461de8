"""What every server does, shown on a server of a few lines."""

from __future__ import annotations

import os
import pwd
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from onegov_auth.testing.servers.process import (
    LOOPBACK,
    ServerFailedError,
    ServerMissingError,
    ServerProcess,
    find_program,
    free_ports,
)

SCRIPT = """
import os, signal, socket, sys
if "--stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("listening, user", os.getuid(), flush=True)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    connection.sendall(repr((os.getuid(), sorted(os.environ))).encode())
    connection.close()
"""


class Talker(ServerProcess):
    """Tells everybody who asks its user and environment."""

    name = "talker"
    program = "talker"
    package = "nothing"
    options: tuple[str, ...] = ()
    populated = 0

    def command(self) -> Sequence[str]:
        """The script above."""
        return ["/usr/bin/env", sys.executable, "-c", SCRIPT, str(self.port), *self.options]

    def is_ready(self) -> bool:
        """Whether it says anything."""
        with suppress(OSError):
            return bool(self.ask())
        return False

    def ask(self) -> str:
        """What it says."""
        with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
            return connection.recv(65536).decode()

    def populate(self) -> None:
        """Counts."""
        self.populated += 1


class Nobody(Talker):
    """Runs without root's rights."""

    run_as = ("no-such-account", "nobody")


@pytest.fixture(name="talker")
def _talker() -> Iterator[Talker]:
    with Talker() as talker:
        yield talker


def test_a_started_server_answers(talker: Talker) -> None:
    """After start the server answers."""
    assert talker.running
    assert talker.ask()


def test_closing_ends_the_process_and_removes_the_directory() -> None:
    """Nothing is left behind."""
    with Talker() as talker:
        directory = talker.directory

    assert not talker.running
    assert not directory.exists()
    with pytest.raises(OSError):  # noqa: PT011 — refused, or reset when the port is taken over
        talker.ask()


def test_its_directory_is_its_own(talker: Talker) -> None:
    """Nobody else may look into the directory, which holds passwords."""
    assert talker.directory.stat().st_mode & 0o077 == 0


def test_starting_twice_starts_once(talker: Talker) -> None:
    """A second start does nothing."""
    log = talker.log_tail()

    assert talker.start() is talker
    assert log == talker.log_tail()


def test_a_restart_keeps_address_and_data(talker: Talker) -> None:
    """Stop and start keep port and directory, and the data are put in once."""
    before = talker.port, talker.directory
    talker.restart()

    assert before == (talker.port, talker.directory)
    assert talker.populated == 1
    assert talker.ask()


def test_stopping_twice_is_allowed(talker: Talker) -> None:
    """A second stop does nothing."""
    talker.stop()
    talker.stop()

    assert not talker.running


def test_two_at_once_do_not_collide(talker: Talker) -> None:
    """Each has a port and a directory of its own."""
    with Talker() as other:
        assert talker.port != other.port
        assert talker.directory != other.directory
        assert other.ask()


def test_stopping_one_leaves_the_other_alone(talker: Talker) -> None:
    """Only the own process is ended."""
    Talker().start().close()

    assert talker.ask()


def test_a_server_that_ends_says_why() -> None:
    """The error carries what the server printed."""

    class Broken(Talker):
        """Ends at once."""

        def command(self) -> Sequence[str]:
            """Three lines of Python."""
            return [sys.executable, "-c", "print('no such setting: x'); raise SystemExit(3)"]

    broken = Broken()
    with pytest.raises(ServerFailedError, match=r"(?s)ended with 3.*no such setting: x"):
        broken.start()

    assert not broken.running


def test_a_server_that_never_answers_has_failed() -> None:
    """The time-out ends the start, and the process with it."""

    class Silent(Talker):
        """Runs, as far as one can see."""

        pid = 0

        def is_ready(self) -> bool:
            """Never."""
            assert self._process is not None
            self.pid = self._process.pid
            return False

    silent = Silent(timeout=0.3)
    with pytest.raises(ServerFailedError, match=r"didn't answer within 0\.3 s"):
        silent.start()

    with pytest.raises(ProcessLookupError):
        os.kill(silent.pid, 0)


def test_a_taken_port_is_given_up_before_the_first_start() -> None:
    """Whoever takes the port between choice and start doesn't stop the server from starting."""
    with Talker() as first:
        second = Talker()
        second.ports = first.ports
        with second:
            assert second.port != first.port
            assert second.ask()


def test_a_taken_port_is_not_given_up_on_a_restart(talker: Talker) -> None:
    """The address was told to others, so a restart there fails rather than moves."""
    talker.stop()
    with socket.create_server((LOOPBACK, talker.port)), pytest.raises(ServerFailedError, match="in use"):
        talker.start()


def test_a_stubborn_server_is_killed() -> None:
    """Who doesn't end when asked is ended."""

    class Stubborn(Talker):
        """Doesn't listen to SIGTERM."""

        options = ("--stubborn",)

    stubborn = Stubborn().start()
    begun = time.monotonic()
    stubborn.stop(timeout=0.3)
    stubborn.close()

    assert time.monotonic() - begun < 5


def test_a_paused_server_hangs_until_resumed(talker: Talker) -> None:
    """A paused server accepts and says nothing."""
    talker.pause()
    with pytest.raises(TimeoutError):
        talker.ask()
    talker.resume()

    assert talker.ask()


def test_a_paused_server_can_be_stopped(talker: Talker) -> None:
    """Stopping doesn't wait for somebody who sleeps."""
    talker.pause()
    talker.stop(timeout=5)

    assert not talker.running


def test_pausing_what_does_not_run_does_nothing() -> None:
    """There is no process to signal, and no error."""
    Talker().pause()


def test_a_stop_signal_reaches_the_process_only(talker: Talker) -> None:
    """A Ctrl-C in the terminal doesn't end the server: it has a process group of its own."""
    assert talker._process is not None
    assert os.getpgid(talker._process.pid) != os.getpgid(0)


def test_the_environment_holds_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server sees the search path, not what our environment holds."""
    monkeypatch.setenv("AUTH_SECRET", "x")
    with Talker() as talker:
        assert "AUTH_SECRET" not in talker.ask()


def test_root_starts_it_as_somebody_else() -> None:
    """As root the server runs as the first known account of its list, otherwise as ourselves."""
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    script = f"import os; assert os.getuid() == {expected}"

    server = Nobody()
    server.run(_python(), "-c", script)
    server.close()


def _python() -> str:
    """A Python that an unprivileged account may run, too."""
    return str(find_program("python3", "python3", [Path("/usr/bin")]))


def test_a_failing_tool_says_why(talker: Talker) -> None:
    """The error names the tool and carries what it printed."""
    with pytest.raises(ServerFailedError, match=r"(?s)^sh failed.*out of luck"):
        talker.run("/bin/sh", "-c", "echo out of luck; exit 1")


def test_a_hanging_tool_is_ended() -> None:
    """A tool has as long as a start."""
    talker = Talker(timeout=0.2)
    with pytest.raises(ServerFailedError, match="timed out"):
        talker.run("/bin/sleep", 20)
    talker.close()


def test_a_tool_reads_and_prints_text(talker: Talker) -> None:
    """Input and output are UTF-8."""
    assert talker.run("/bin/cat", text="Käfer") == "Käfer"


def test_the_log_tail_is_empty_before_a_start() -> None:
    """No log is no error."""
    talker = Talker()

    assert talker.log_tail() == ""
    talker.close()


def test_a_missing_program_names_the_package() -> None:
    """The error says what to install."""
    with pytest.raises(ServerMissingError, match="install the package talkers") as caught:
        find_program("no-such-program", "talkers")

    assert caught.value.package == "talkers"
    assert caught.value.program == "no-such-program"


def test_a_missing_server_names_its_package() -> None:
    """A server looks its own program up."""
    with pytest.raises(ServerMissingError, match="talker was not found: install the package nothing"):
        Talker().find()


def test_the_last_folder_wins(tmp_path: Path) -> None:
    """Of several versions the last given is used."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tool").touch(mode=0o755)

    assert find_program("tool", "tools", [tmp_path / "1", tmp_path / "2"]) == tmp_path / "2" / "tool"


def test_free_ports_differ() -> None:
    """Ports asked for together are different."""
    assert len(set(free_ports(20))) == 20
