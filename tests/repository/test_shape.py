"""How large things may get: modules, functions, ``__init__.py``, the README."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MODULE_LINES = 400
FUNCTION_LINES = 40
README_LINES = 100

#: Besides imports and ``__all__``, the core's own ``__init__.py`` has what a lazy export needs (PEP 562).
LAZY = Path("onegov_auth/__init__.py")

Sources = Callable[[Path], Iterator[tuple[Path, ast.Module]]]


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from ``def`` to the end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def long_modules(top: Path, sources: Sources) -> list[str]:
    """The modules that are two things."""
    lengths = ((path, len((top / path).read_text(encoding="utf-8").splitlines())) for path, _ in sources(top))
    return [f"{path}: {length} lines" for path, length in lengths if length > MODULE_LINES]


def long_functions(top: Path, sources: Sources) -> list[str]:
    """The functions that are two things."""
    return [
        f"{path}:{node.lineno} {node.name}: {body_length(node)} lines"
        for path, tree in sources(top)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_length(node) > FUNCTION_LINES
    ]


def _is_wiring(node: ast.stmt, *, lazy: bool) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        return names == {"__all__"} or (lazy and all(name.startswith("_") for name in names))
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return lazy and isinstance(node, ast.FunctionDef) and node.name in {"__getattr__", "__dir__"}


def busy_inits(top: Path, sources: Sources) -> list[str]:
    """The ``__init__.py`` that do more than wire."""
    return [
        f"{path}:{node.lineno}"
        for path, tree in sources(top)
        if path.name == "__init__.py"
        for node in tree.body
        if not _is_wiring(node, lazy=path == LAZY)
    ]


def test_module_length(root: Path, sources: Sources) -> None:
    """No module is longer than 400 lines."""
    assert long_modules(root, sources) == []


def test_function_length(root: Path, sources: Sources) -> None:
    """No function is longer than 40 lines without its docstring."""
    assert long_functions(root, sources) == []


def test_inits_only_wire(root: Path, sources: Sources) -> None:
    """Every ``__init__.py`` has imports and ``__all__`` only, the top one a lazy export besides."""
    assert busy_inits(root, sources) == []


def test_readme_length(root: Path) -> None:
    """The README is read in one go."""
    assert len((root / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_long_module_is_noticed(tmp_path: Path, sources: Sources) -> None:
    """A module of 401 lines is reported."""
    (tmp_path / "onegov_auth").mkdir()
    (tmp_path / "onegov_auth" / "large.py").write_text("x = 1\n" * (MODULE_LINES + 1))

    assert long_modules(tmp_path, sources) == ["onegov_auth/large.py: 401 lines"]


def test_long_function_is_noticed(tmp_path: Path, sources: Sources) -> None:
    """A function of 41 lines is reported, however long its docstring; one of 40 is not."""
    (tmp_path / "tests").mkdir()
    text = '    """\n    Docs.\n    """\n'
    source = f"def short():\n{text}" + "    x = 1\n" * 39 + f"def long():\n{text}" + "    x = 1\n" * 40
    (tmp_path / "tests" / "test_x.py").write_text(source)

    assert [fault.strip() for fault in long_functions(tmp_path, sources)] == ["tests/test_x.py:44 long: 41 lines"]


@pytest.mark.parametrize("line", ["x = 1", "def f(): ...", "class C: ...", "print()", "if x:\n    import y"])
def test_busy_init_is_noticed(tmp_path: Path, sources: Sources, line: str) -> None:
    """An ``__init__.py`` that computes, defines or decides is reported."""
    (tmp_path / "onegov_auth" / "room").mkdir(parents=True)
    (tmp_path / "onegov_auth" / "room" / "__init__.py").write_text(
        f'"""Docs."""\nimport os\n__all__ = ["os"]\n{line}\n'
    )

    assert busy_inits(tmp_path, sources) == ["onegov_auth/room/__init__.py:4"]
