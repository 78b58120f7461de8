"""A running demo, and the least browser that gets through its pages."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from onegov_auth.testing.servers.browsing import Form, forms

COMMAND = [str(Path(sys.executable).with_name("onegov-auth")), "demo", "--json"]
_REFRESH = re.compile(r'http-equiv="refresh" content="\d+; ?url=([^"]+)"', re.IGNORECASE)


@dataclass
class Demo:
    """A demo that runs in a process group of its own, as if started in a terminal."""

    process: subprocess.Popen[str]
    folder: Path
    told: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Where it is."""
        url: str = self.told["url"]
        return url

    def way(self, name: str) -> Mapping[str, Any]:
        """What it tells of one way in."""
        (found,) = (way for way in self.told["ways"] if way["name"] == name)
        assert isinstance(found, dict)
        return found

    def children(self) -> list[int]:
        """The processes it started."""
        task = Path(f"/proc/{self.process.pid}/task")
        return [int(pid) for each in task.iterdir() for pid in (each / "children").read_text().split()]

    def stop(self, number: signal.Signals = signal.SIGINT, *, group: bool = True) -> int:
        """Send a signal as a terminal does, to the whole group, or to the one process; returns the exit code."""
        (os.killpg if group else os.kill)(self.process.pid, number)
        return self.process.wait(timeout=30)


@pytest.fixture(name="start", scope="session")
def _start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Demo]]:
    """``start("--no-services")`` starts a demo and waits until it serves; whatever still runs at the end is stopped."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Demo:
            folder = tmp_path_factory.mktemp("demo")
            process = stack.enter_context(
                subprocess.Popen(
                    [*COMMAND, *arguments],
                    stdout=subprocess.PIPE,
                    text=True,
                    env=os.environ | {"TMPDIR": str(folder)},
                    start_new_session=True,
                )
            )
            # Asked, not killed: its servers are processes of their own.
            stack.callback(process.terminate)
            assert process.stdout is not None
            text = "".join(iter(process.stdout.readline, "}\n")) + "}"
            return Demo(process, folder, json.loads(text))

        yield start


class Browser(httpx.Client):
    """Follows redirects and refreshing pages, keeps cookies, fills in forms."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, trust_env=False, follow_redirects=True, timeout=30)

    def visit(self, path: str) -> httpx.Response:
        """The page somebody ends on who goes there."""
        return self._refreshed(self.get(path))

    def submit(self, page: httpx.Response, form: Form, **fields: str) -> httpx.Response:
        """The page somebody ends on who fills in that form."""
        target = urljoin(str(page.url), form.action)
        headers = {"Origin": f"{page.url.scheme}://{page.url.netloc.decode()}"}
        return self._refreshed(self.post(target, data={**form.fields, **fields}, headers=headers))

    def _refreshed(self, page: httpx.Response) -> httpx.Response:
        while match := _REFRESH.search(page.text):
            page = self.get(urljoin(str(page.url), html.unescape(match[1])))
        return page

    def log_in(self, way: str, login: Mapping[str, str]) -> httpx.Response:
        """Go to the personal page by that way in."""
        page = self.visit("/personal")
        if way == "company":
            (button,) = (form for form in forms(page.text) if form.action.endswith("/provider/company"))
            page = self.submit(page, button)
            return self.submit(page, forms(page.text)[0], login=login["username"], password=login["password"])
        (form,) = (form for form in forms(page.text) if "password" in form.fields)
        return self.submit(page, form, username=login["username"], password=login["password"])


@pytest.fixture(name="browse")
def _browse() -> Iterator[Callable[[str], Browser]]:
    """``browse(url)`` is a new browser; closed in the end."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(Browser(url))
