"""Every error has a stable code of its own and says when it is raised."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import onegov_auth
from onegov_auth.errors import OnegovAuthError


def family(cls: type[OnegovAuthError]) -> Iterator[type[OnegovAuthError]]:
    """The class and all below it."""
    yield cls
    for child in cls.__subclasses__():
        yield from family(child)


def faults(classes: list[type[OnegovAuthError]]) -> list[str]:
    """What is wrong with these classes, seen together."""
    owners: dict[str, str] = {}
    found = []
    for cls in classes:
        name = cls.__name__
        if not name.endswith("Error"):
            found.append(f"{name} is not called an error")
        if "code" not in vars(cls):
            found.append(f"{name} has no code of its own")
        elif owners.setdefault(cls.code, name) != name:
            found.append(f"{name} has the code of {owners[cls.code]}")
        if cls is not OnegovAuthError and not (vars(cls).get("__doc__") or "").strip().startswith("Raised "):
            found.append(f"{name} does not say when it is raised")
    return found


@pytest.fixture(name="_everything_imported", scope="module")
def _import_everything() -> None:
    """Errors may be defined in any room and any adapter."""
    packages = [onegov_auth, importlib.import_module("onegov_auth_ldap"), importlib.import_module("onegov_auth_oidc")]
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Alembic alone can import what lies here.
            if ".migrations" not in module.name:
                importlib.import_module(module.name)


@pytest.mark.usefixtures("_everything_imported")
def test_every_error_is_documented() -> None:
    """Each error class of the core and of the adapters has a unique code and a docstring "Raised when …"."""
    ours = [cls for cls in family(OnegovAuthError) if cls.__module__.startswith("onegov_auth")]

    assert faults(ours) == []
    assert len(ours) > 10


def test_undocumented_error_is_noticed() -> None:
    """An error with another one's code, without a code or without its docstring is reported."""
    first = type("FirstError", (OnegovAuthError,), {"code": "a", "__doc__": "Raised when a test says so."})
    second = type("SecondError", (OnegovAuthError,), {"code": "a", "__doc__": "Something."})
    third = type("Third", (first,), {"__doc__": None})

    assert faults([first, second, third]) == [
        "SecondError has the code of FirstError",
        "SecondError does not say when it is raised",
        "Third is not called an error",
        "Third has no code of its own",
        "Third does not say when it is raised",
    ]
