"""Where things are: the same inner files in every adapter, complete lists, one version, tests that mirror sources."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.providers.registry import load

Sources = Callable[[Path], Iterator[tuple[Path, ast.Module]]]

#: What every adapter has, with its kind filled in.
INNER = (
    "README.md",
    "pyproject.toml",
    "src/onegov_auth_{kind}/__init__.py",
    "src/onegov_auth_{kind}/provider.py",
    "src/onegov_auth_{kind}/py.typed",
    "src/onegov_auth_{kind}/settings.py",
    "tests/test_contract.py",
    "tests/test_provider.py",
    "tests/test_settings.py",
)

#: Test directories that go across the rooms instead of mirroring one.
ACROSS = {"conformance", "docs", "end_to_end", "repository", "typing"}

#: Modules without a test file of their own, and why.
UNMIRRORED: Mapping[str, str] = {}


def contract_subclasses(path: Path) -> set[str]:
    """The shipped contract suites that the test classes in *path* subclass."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test"))
    bases = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    return {base for base in bases if base.endswith("Contract")}


def adapter_faults(top: Path, kind: str) -> list[str]:
    """What the adapter *kind* lacks."""
    folder = top / "providers" / kind
    expected = (name.format(kind=kind) for name in INNER)
    missing = [f"providers/{kind}/{name} is missing" for name in expected if not (folder / name).is_file()]
    contract = folder / "tests" / "test_contract.py"
    if contract.is_file() and not contract_subclasses(contract):
        missing.append(f"providers/{kind}/tests/test_contract.py subclasses no contract suite")
    return missing


def adapter_lists(top: Path, project: Mapping[str, Any]) -> dict[str, set[str]]:
    """Each list that names the adapters, as the kinds it has."""
    requirements = (top / "providers" / "requirements.txt").read_text(encoding="utf-8")
    tool = project["tool"]
    contracts = {contract["id"]: contract for contract in tool["importlinter"]["contracts"]}

    def packages(names: list[str]) -> set[str]:
        return {name.removeprefix("onegov_auth_") for name in names if name.startswith("onegov_auth_")}

    def folders(names: list[str]) -> set[str]:
        return {match[1] for name in names if (match := re.search(r"providers/([a-z0-9]+)/src$", name))}

    return {
        "providers/requirements.txt": set(re.findall(r"^-e \./providers/([a-z0-9]+)$", requirements, re.MULTILINE)),
        "[tool.ruff] src": folders(tool["ruff"]["src"]),
        "[tool.mypy] mypy_path": folders(tool["mypy"]["mypy_path"].split(":")),
        "[tool.coverage.run] source_pkgs": packages(tool["coverage"]["run"]["source_pkgs"]),
        "[tool.importlinter] root_packages": packages(tool["importlinter"]["root_packages"]),
        "import-linter: core": packages(contracts["core"]["forbidden_modules"]),
        "import-linter: adapters": packages(contracts["adapters"]["source_modules"]),
        "import-linter: siblings": packages(contracts["siblings"]["modules"]),
        "import-linter: shipped": packages(contracts["shipped"]["source_modules"]),
        "README.md": set(re.findall(r"\]\(providers/([a-z0-9]+)/", (top / "README.md").read_text(encoding="utf-8"))),
    }


def versions(top: Path) -> dict[str, str]:
    """Every version number that has to be the same one."""
    found = {}
    for path in [top / "pyproject.toml", *sorted((top / "providers").glob("*/pyproject.toml"))]:
        name = str(path.relative_to(top))
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        found[name] = project["version"]
        for requirement in project.get("dependencies", []):
            if requirement.partition("=")[0].strip().startswith("onegov-auth"):
                found[f"{name} requires"] = requirement.partition("==")[2]
    return found


def unmirrored(tests: Path, sources: Path) -> list[str]:
    """Modules without a test file at the same place, and test files that mirror nothing."""
    wanted = {
        path.relative_to(sources).with_suffix("")
        for path in sources.rglob("*.py")
        if path.name != "__init__.py" and "migrations" not in path.relative_to(sources).parts
    }
    rooms = {path.parent.relative_to(sources) for path in sources.rglob("__init__.py")} - {Path()}
    found = {
        path.relative_to(tests).with_name(path.stem.removeprefix("test_"))
        for path in tests.rglob("test_*.py")
        if path.relative_to(tests).parts[0] not in ACROSS
    }

    def mirrors(test: Path, module: Path) -> bool:
        # A module's tests may be split by topic: test_sessions.py, test_sessions_race.py.
        return test.parent == module.parent and (test.name == module.name or test.name.startswith(f"{module.name}_"))

    lonely = sorted(str(module) for module in wanted if not any(mirrors(test, module) for test in found))
    about_a_room = {test for test in found for room in rooms if test.parent == room or mirrors(test, room)}
    astray = sorted(
        str(test)
        for test in found - about_a_room
        if not any(mirrors(test, module) for module in wanted) and test.name != "contract"
    )
    return [f"no test for {name}" for name in lonely] + [f"no module for the test {name}" for name in astray]


def test_adapters_look_alike(root: Path, kinds: list[str]) -> None:
    """Every adapter has the same inner files and runs a shipped contract suite."""
    assert kinds
    assert [fault for kind in kinds for fault in adapter_faults(root, kind)] == []


def test_lists_are_complete(root: Path, kinds: list[str], project: Mapping[str, Any]) -> None:
    """Every list that names the adapters names all of them, and no other."""
    lists = adapter_lists(root, project)

    assert {name: set(kinds) for name in lists} == lists


def test_one_version(root: Path) -> None:
    """All distributions have one version number and require exactly that core."""
    assert len(set(versions(root).values())) == 1, versions(root)


def test_entry_points(root: Path, kinds: list[str]) -> None:
    """Every adapter registers one provider kind, its own, from its own ``provider.py``."""
    for kind in kinds:
        project = tomllib.loads((root / "providers" / kind / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        points = project["entry-points"]["onegov_auth.providers"]

        assert project["name"] == f"onegov-auth-{kind}"
        assert [kind] == list(points)
        assert points[kind].startswith(f"onegov_auth_{kind}.provider:")


def test_core_tests_mirror_its_modules(root: Path) -> None:
    """Each module of the core has its test file at the same place, and no test file is astray."""
    excused = {f"no test for {name.removeprefix('onegov_auth/').removesuffix('.py')}" for name in UNMIRRORED}

    assert set() == set(unmirrored(root / "tests", root / "onegov_auth")) - excused


def test_no_excuse_is_outdated(root: Path) -> None:
    """A module that is excused from having a test file exists and has none."""
    faults = unmirrored(root / "tests", root / "onegov_auth")

    assert [
        name
        for name in UNMIRRORED
        if f"no test for {name.removeprefix('onegov_auth/').removesuffix('.py')}" not in faults
    ] == []


def test_adapter_tests_mirror_their_modules(root: Path, kinds: list[str]) -> None:
    """Each module of an adapter has its test file."""
    faults = {
        kind: unmirrored(root / "providers" / kind / "tests", root / "providers" / kind / "src" / f"onegov_auth_{kind}")
        for kind in kinds
    }

    assert {kind: [] for kind in kinds} == faults


def test_providers_are_frozen(kinds: list[str]) -> None:
    """Nothing on a provider changes during a request: every kind is a frozen dataclass."""
    for kind in [*kinds, "local"]:
        cls = load(kind)
        parameters: Any = vars(cls).get("__dataclass_params__")

        assert parameters is not None, f"{cls.__name__} is no dataclass of its own"
        assert parameters.frozen


def test_missing_file_is_noticed(tmp_path: Path) -> None:
    """An adapter without its marker for type checkers is reported."""
    for name in INNER:
        path = tmp_path / "providers" / "saml" / name.format(kind="saml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    contract = tmp_path / "providers" / "saml" / "tests" / "test_contract.py"
    contract.write_text("class TestContract(RedirectProviderContract): ...\n")
    complete = adapter_faults(tmp_path, "saml")
    (tmp_path / "providers" / "saml" / "src" / "onegov_auth_saml" / "py.typed").unlink()

    assert complete == []
    assert adapter_faults(tmp_path, "saml") == ["providers/saml/src/onegov_auth_saml/py.typed is missing"]


def test_missing_contract_is_noticed(tmp_path: Path) -> None:
    """A contract test that subclasses no shipped suite is none."""
    path = tmp_path / "test_contract.py"
    path.write_text("class TestContract: ...\nclass Helper(PasswordProviderContract): ...\n")

    assert set() == contract_subclasses(path)


def test_second_version_is_noticed(tmp_path: Path) -> None:
    """An adapter that requires another core is reported."""
    (tmp_path / "providers" / "saml").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1"\n')
    (tmp_path / "providers" / "saml" / "pyproject.toml").write_text(
        '[project]\nversion = "1"\ndependencies = ["onegov-auth==2", "lxml>=5"]\n'
    )

    assert {"1", "2"} == set(versions(tmp_path).values())


@pytest.mark.parametrize(
    ("tests", "faults"),
    [
        (["test_a.py", "room/test_b.py"], []),
        (["test_a.py", "room/test_b_race.py", "end_to_end/test_all.py"], []),
        (["test_a.py"], ["no test for room/b"]),
        (["test_a.py", "room/test_b.py", "test_c.py"], ["no module for the test c"]),
    ],
    ids=["mirrored", "by topic", "untested", "astray"],
)
def test_mirror(tmp_path: Path, tests: list[str], faults: list[str]) -> None:
    """An untested module and a test of nothing are reported, a test split by topic is not."""
    for name in ["src/__init__.py", "src/a.py", "src/room/__init__.py", "src/room/b.py", *(f"t/{n}" for n in tests)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert faults == unmirrored(tmp_path / "t", tmp_path / "src")
