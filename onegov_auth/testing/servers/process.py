"""What every throw-away server is: a process of its own in a directory of its own."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from onegov_auth.errors import OnegovAuthError

__all__ = ["LOOPBACK", "ServerFailedError", "ServerMissingError", "ServerProcess", "find_program", "free_ports"]

LOOPBACK = "127.0.0.1"

_LOG_TAIL = 20  # lines
_PORT_TAKEN = ("address already in use", "eaddrinuse", "could not bind", "bind(")


class ServerMissingError(OnegovAuthError):
    """
    Raised when a server's program is not installed.

    Args:
        program: What was looked for.
        package: The package that brings it, as given to ``apt-get install`` or named in the sentence.
        why: What went wrong beside that, if anything is known.
    """

    code = "server_missing"

    def __init__(self, program: str, package: str, why: str = "") -> None:
        self.program = program
        self.package = package
        super().__init__(f"{program} was not found: install the package {package}{f' ({why})' if why else ''}")


class ServerFailedError(OnegovAuthError):
    """Raised when a server is installed and doesn't start or doesn't do what it is told; carries the log's tail."""

    code = "server_failed"


def free_ports(count: int = 1) -> tuple[int, ...]:
    """Ports on which nothing listens on loopback now; all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(each.getsockname()[1] for each in sockets)


def find_program(name: str, package: str, folders: Sequence[Path] = ()) -> Path:
    """
    A program's absolute path, from *folders* (the last that has it) or the search path.

    Debian keeps servers out of an ordinary user's path, so ``/usr/sbin`` is looked into as well.

    Raises:
        ServerMissingError: It is in none of them.
    """
    candidates = [str(folder) for folder in reversed(folders)]
    path = os.pathsep.join([*candidates, os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise ServerMissingError(name, package)
    return Path(found)


class ServerProcess(ABC):
    """
    A server on loopback with a temporary directory of its own.

    :meth:`start` may follow :meth:`stop`: address and data stay. :meth:`close` ends it for good. Used as a context
    manager it starts and closes. Nothing is done to a process that this object did not start.

    Args:
        timeout: Seconds after which a server that doesn't answer has failed.
    """

    name: ClassVar[str]
    #: What is started, and the Debian package that brings it.
    program: ClassVar[str]
    package: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    #: The address to listen on.
    host: str = LOOPBACK
    #: Accounts that a root's process runs as, the first there is; empty means it may run as root.
    run_as: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, timeout: float = 30.0) -> None:
        self.timeout = timeout
        self.ports: tuple[int, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._answered = False

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line; it must stay in the foreground. Raises ServerMissingError."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server answers; called until it does."""

    def prepare(self) -> None:
        """Write files and initialise data; called before every start, so it leaves alone what is there."""
        return

    def populate(self) -> None:
        """Put the first data in; called once, when the server answers for the first time."""
        return

    def find(self, program: str | None = None) -> Path:
        """The server's program, or another one of its package. Raises ServerMissingError."""
        return find_program(program or self.program, self.package)

    def choose_ports(self) -> tuple[int, ...]:
        """The ports to listen on; called again if somebody took one before the first start."""
        return free_ports()

    @property
    def port(self) -> int:
        """The first port; chosen when first asked for, kept over a restart."""
        if not self.ports:
            self.ports = self.choose_ports()
        return self.ports[0]

    @property
    def directory(self) -> Path:
        """This server's own directory, readable by nobody else."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix=f"onegov-auth-{self.name}-"))
            self.hand_over(self._directory)
        return self._directory

    def hand_over(self, path: Path) -> None:
        """Make the server's account the owner of a file or directory."""
        if account := self.unprivileged:
            os.chown(path, account.pw_uid, account.pw_gid)

    @property
    def unprivileged(self) -> pwd.struct_passwd | None:
        """The unprivileged account to run as; None to stay who we are."""
        if not self.run_as or os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        return next(known[name] for name in self.run_as if name in known)

    @property
    def log_file(self) -> Path:
        """What the server printed, over all starts."""
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """
        Start and wait until it answers; does nothing if it runs.

        Raises:
            ServerMissingError: The program is not installed; the sentence names the package.
            ServerFailedError: It ended, or didn't answer in time.
        """
        if self.running:
            return self
        atexit.register(self.close)
        try:
            retries = 0 if self._answered else 2
            while not self._start_once(may_retry=retries > 0):
                retries -= 1
            if not self._answered:
                self._answered = True
                self.populate()
        except BaseException:
            self.close()
            raise
        return self

    def _start_once(self, *, may_retry: bool) -> bool:
        """Whether it answers now; False when another process took the port and there may be another try."""
        try:
            self._refuse_taken_ports()
            self.prepare()
            self._process = self._spawn()
            self._wait_until_ready()
        except ServerFailedError as error:
            if not may_retry or not any(sign in str(error).lower() for sign in _PORT_TAKEN):
                raise
            self.stop()
            self.log_file.unlink(missing_ok=True)
            self.ports = self.choose_ports()
            return False
        return True

    def _refuse_taken_ports(self) -> None:
        """Whoever listens there would be taken for the server that we wait for."""
        self.ports = self.ports or self.choose_ports()
        for port in self.ports:
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended don't count
                try:
                    trial.bind((self.host, port))
                except OSError as error:
                    raise ServerFailedError(f"{self.name}: port {port}: {error}") from error

    def _spawn(self) -> subprocess.Popen[bytes]:
        account = self.unprivileged
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [str(part) for part in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self.environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for us; we stop it in order
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    def environment(self) -> Mapping[str, str]:
        """The process's environment: the search path and an English locale, none of our secrets."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(self.directory)}

    def run(self, *command: object, text: str | None = None) -> str:
        """
        Run one of the server's tools to its end, as the server's account; returns what it printed.

        Raises:
            ServerFailedError: It ended with an error or took longer than the time-out.
        """
        account = self.unprivileged
        argv = [str(part) for part in command]
        try:
            done = subprocess.run(
                argv,
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                cwd=self.directory,
                env=self.environment(),
                timeout=self.timeout,
                check=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
        except subprocess.SubprocessError as error:
            output = getattr(error, "output", None) or ""
            raise ServerFailedError(f"{Path(argv[0]).name} failed: {error}\n{output}") from error
        return done.stdout

    def _wait_until_ready(self) -> None:
        process = self._process
        deadline = time.monotonic() + self.timeout
        while not self.is_ready():
            if process is not None and process.poll() is not None:
                raise ServerFailedError(f"{self.name} ended with {process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailedError(f"{self.name} didn't answer within {self.timeout:g} s:\n{self.log_tail()}")
            time.sleep(0.03)

    def log_tail(self) -> str:
        """The last lines the server printed."""
        if not self.log_file.exists():
            return ""
        lines = self.log_file.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL:])

    def pause(self) -> None:
        """Let it hang: connections are accepted by the kernel, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, timeout: float = 10.0) -> None:
        """End the process: asked first, killed after *timeout* seconds. Its data stay."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(self.stop_signal)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> Self:
        """Stop and start on the same address with the same data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop, and remove the directory."""
        self.stop()
        atexit.unregister(self.close)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
