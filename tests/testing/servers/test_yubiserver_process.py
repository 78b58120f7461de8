"""Keeping a daemon in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from onegov_auth.testing.servers import yubiserver_process

#: Leaves a child behind that lives for a minute, as a daemon does.
DAEMON = ["/bin/sh", "-c", "sleep 60 & exit 0"]


def start(pid_file: Path, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", yubiserver_process.__name__, str(pid_file), *command])


def test_the_daemon_ends_with_us(tmp_path: Path) -> None:
    """Who ends the process ends the daemon that its command left behind."""
    pid_file = tmp_path / "pid"
    process = start(pid_file, *DAEMON)
    while not pid_file.exists() or not pid_file.read_text():
        time.sleep(0.01)
    daemon = int(pid_file.read_text())
    os.kill(daemon, 0)

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 256 - signal.SIGKILL
    assert not Path(f"/proc/{daemon}").exists()


def test_we_end_with_the_daemon(tmp_path: Path) -> None:
    """A daemon that ends is not waited for."""
    assert start(tmp_path / "pid", "/bin/sh", "-c", "(sleep 0.1; exit 3) & exit 0").wait(10) == 3


def test_a_command_without_a_daemon_has_failed(tmp_path: Path) -> None:
    """Nothing that is left behind is nothing to wait for."""
    assert start(tmp_path / "pid", "/bin/true").wait(10) == 1
