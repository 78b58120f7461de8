"""How long an application with local accounts takes to start, and what it loads for that."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["startup"]

#: What the adapters bring along.
FOREIGN = ("authlib", "httpcore", "ldap3", "onegov_auth_ldap", "onegov_auth_oidc")

FRAMEWORK = """
import json, sys, time
begun = time.perf_counter()
from onegov_auth import AuthApp
class App(AuthApp): pass
application = App.from_yaml(sys.argv[1])
spent = time.perf_counter() - begun
print(json.dumps([spent, sorted(sys.modules)]))
"""

BARE = """
import json, sys, time
begun = time.perf_counter()
import morepath, sqlalchemy, sqlalchemy.orm, yaml, argon2, jinja2
class App(morepath.App): pass
morepath.commit(App)
application = App()
spent = time.perf_counter() - begun
print(json.dumps([spent, sorted(sys.modules)]))
"""

SETTINGS = """
base_url: https://app.example.org
database: "sqlite:///{folder}/start.db"
secrets: [0123456789abcdef0123456789abcdef0123456789abcdef]
"""


def _start(program: str, *arguments: str) -> tuple[float, set[str]]:
    command = [sys.executable, "-c", program, *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent, modules = json.loads(output)
    return spent * 1000, {name.partition(".")[0] for name in modules}


def startup(times: int = 5) -> bool:
    """Print both times, taking turns; says whether nothing of an adapter was loaded."""
    ours, theirs, loaded = [], [], set[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "auth.yml")
        path.write_text(SETTINGS.format(folder=folder), encoding="utf-8")
        prepare(path)
        for _ in range(times):
            spent, loaded = _start(FRAMEWORK, str(path))
            ours.append(spent)
            theirs.append(_start(BARE)[0])
    foreign = sorted(loaded & set(FOREIGN))
    verdict = "ok" if not foreign else f"LOADS {', '.join(foreign)}"
    times_taken = f"{statistics.median(ours):9.0f} ms {statistics.median(theirs):9.0f} ms"
    print(f"{'start-up, local accounts only':<46}{times_taken}   neither ldap3 nor Authlib is loaded: {verdict}")
    return not foreign


def prepare(path: Path) -> None:
    """Make the tables: an application refuses to start without them."""
    subprocess.run(
        [sys.executable, "-c", "from onegov_auth.cli import main; main()", "--config", str(path), "db", "upgrade"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
