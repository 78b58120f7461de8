"""Every security check has a test that carries its id, or a line that says why not; the table is up to date."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(name="checks")
def _checks(security_table: ModuleType, root: Path) -> Any:
    """The checks this project answers for."""
    return security_table.load(root / "docs" / "security_checks.yml")


def _tree(top: Path, text: str) -> Path:
    (top / "tests").mkdir()
    (top / "tests" / "test_x.py").write_text(text)
    return top


def test_every_check_is_accounted_for(security_table: ModuleType, checks: Any, root: Path) -> None:
    """No check lacks a test, a later part and a reason, and no test names a check that is none."""
    assert security_table.faults(checks, security_table.markers(root)) == []


def test_table_is_up_to_date(security_table: ModuleType, checks: Any, root: Path) -> None:
    """``docs/security.md`` is what ``python docs/security_table.py --write`` makes of the markers."""
    page = (root / "docs" / "security.md").read_text(encoding="utf-8")
    made = security_table.table(checks, security_table.markers(root))

    assert security_table.with_table(page, made) == page, "run: python docs/security_table.py --write"


@pytest.mark.parametrize(
    ("name", "count"),
    [("LINK", 28), ("SESS", 12), ("COOKIE", 5), ("CSRF", 9), ("REDIR", 11), ("HOST", 6), ("LOG", 6), ("PWD", 14),
     ("RACE", 17), ("UNI", 11), ("ENUM", 12), ("RESET", 13), ("RATE", 10), ("NIST", 58), ("LDAP", 68),
     ("OTP", 13), ("RECOV", 7), ("YUBI", 5), ("SMS", 7), ("WAN", 20), ("MFA", 18),
     ("OIDC-", 57), ("OIDCX", 36), ("AUTHLIB", 12), ("OAUTH", 26),
     ("ASVS-6.", 47), ("ASVS-7.", 19), ("ASVS-10.", 15), ("ASVS-16.", 13)],
)  # fmt: skip
def test_no_check_got_lost(checks: Any, name: str, count: int) -> None:
    """Each set has all of its checks."""
    assert sum(check.startswith(name) for check in checks.required) == count


def test_markers_are_found(security_table: ModuleType, tmp_path: Path) -> None:
    """Markers on functions, classes, modules and parameters are found, each with its place."""
    tree = _tree(
        tmp_path,
        "import pytest\n"
        "pytestmark = pytest.mark.sec('A-01')\n"
        "@pytest.mark.sec('A-02', 'A-03')\n"
        "def test_one(): ...\n"
        "class TestMany:\n"
        "    @pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.sec('A-04'))])\n"
        "    def test_two(self, x): ...\n",
    )

    found = {marker.check: str(marker) for marker in security_table.markers(tree)}

    assert found == {
        "A-01": "tests/test_x.py::all tests",
        "A-02": "tests/test_x.py::test_one",
        "A-03": "tests/test_x.py::test_one",
        "A-04": "tests/test_x.py::TestMany::test_two",
    }


def test_computed_marker_is_refused(security_table: ModuleType, tmp_path: Path) -> None:
    """A marker whose id can't be read off the source is an error, not overlooked."""
    tree = _tree(tmp_path, "import pytest\n@pytest.mark.sec(f'A-{1}')\ndef test_one(): ...\n")

    with pytest.raises(TypeError, match=r"tests/test_x\.py:2"):
        security_table.markers(tree)


def test_unaccounted_checks_are_noticed(security_table: ModuleType, tmp_path: Path) -> None:
    """An unknown id, a check without a test and one put off to nowhere are reported; the others are not."""
    rows = {
        "A-01": {"title": "shown"},
        "A-02": {"title": "forgotten"},
        "A-03": {"title": "later", "later": "accounts"},
        "A-04": {"title": "never", "later": "some day"},
        "A-05": {"title": "void", "reason": "there is none"},
        "A-06": {"title": "shown elsewhere", "same": "A-01"},
        "A-07": {"title": "shown by nothing", "same": "A-03"},
    }
    checks = security_table.Checks({"accounts"}, [("A", rows)], set(rows))
    tree = _tree(tmp_path, "import pytest\n@pytest.mark.sec('A-01', 'B-01')\ndef test_one(): ...\n")

    assert security_table.faults(checks, security_table.markers(tree)) == [
        "tests/test_x.py::test_one names B-01, which is no check",
        "A-02 has no test, no later part and no reason",
        "A-07 has no test, no later part and no reason",
        "A-07 is said to be the same as A-03, which has no test",
        "A-04 is put off to 'some day', which is no part of the project",
    ]


def test_stale_table_is_noticed(security_table: ModuleType) -> None:
    """What stands between the marks is replaced as a whole, the rest of the page stays."""
    page = f"# Security\n{security_table.BEGIN}\nold\n{security_table.END}\nafter\n"

    written = security_table.with_table(page, "new")

    assert "old" not in written
    assert written == security_table.with_table(written, "new")
    assert written.startswith("# Security\n")
    assert written.endswith("\nafter\n")
