"""What is encrypted in the database."""

from __future__ import annotations

import re
from pathlib import Path

import onegov_auth
from onegov_auth.key_rotation import Rotated, sealed_columns


def test_nothing_that_is_encrypted_is_forgotten() -> None:
    """Every purpose that something is encrypted for in the source is rotated, but transactions, which last minutes."""
    source = Path(onegov_auth.__file__).parent
    found = {
        purpose
        for path in source.rglob("*.py")
        for purpose in re.findall(r'\.encrypt\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))
    }

    assert found - {"transaction"} == {sealed.purpose for sealed in sealed_columns()}


def test_counts_add_up() -> None:
    """Batches are told together."""
    assert Rotated(1, 2) + Rotated(3, 4) == Rotated(4, 6)
