from __future__ import annotations

import subprocess
import sys

import pytest

import onegov_auth
from onegov_auth.lazy import NAMES, lookup


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name: str) -> None:
    """Each public name leads to an object of that name."""
    assert getattr(onegov_auth, name).__name__ == name


def test_list_is_complete() -> None:
    """What the package says it has is what it has."""
    assert sorted(NAMES) == sorted(onegov_auth.__all__)


def test_other_names_are_unknown() -> None:
    """A name that is none is an ordinary mistake."""
    with pytest.raises(AttributeError, match=r"onegov_auth.*nothing"):
        lookup("nothing")


def test_importing_the_package_loads_no_web_framework() -> None:
    """Neither the package nor a provider's imports bring Morepath along."""
    program = (
        "import sys, onegov_auth, onegov_auth.providers; print([m for m in ('morepath', 'webob') if m in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
