"""Keeps yubiserver in the foreground: ``python -m … PIDFILE COMMAND …``. It makes itself a daemon and has no option."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

#: prctl(2): who is orphaned below us is ours from then on, and not the init process's.
_PR_SET_CHILD_SUBREAPER = 36


def main(pid_file: str, *command: str) -> int:
    """
    Run *command* until the daemon it leaves behind ends, or until SIGTERM, which ends the daemon.

    Args:
        pid_file: Where the daemon's process id is written.
        command: The command line.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # SIGPIPE stays ignored, as Python has it: somebody who gives up waiting for an answer would end the daemon.
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, restore_signals=False)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text("ascii").split()
    if not children:
        return 1
    daemon = int(children[0])
    Path(pid_file).write_text(str(daemon), "ascii")
    signal.signal(signal.SIGTERM, lambda *_: _end(daemon))
    _pid, status = os.waitpid(daemon, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _end(daemon: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(daemon, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
