from __future__ import annotations

import hashlib

import pytest

from onegov_auth.web.static import FILES, VERSIONS


@pytest.mark.parametrize("name", FILES)
def test_files_are_read_with_their_version(name: str) -> None:
    """A file's version is made of its content."""
    file = FILES[name]

    assert file.version == VERSIONS[name] == hashlib.sha256(file.content).hexdigest()[:12]
    assert file.content_type in {"text/css", "text/javascript"}


@pytest.mark.sec("ASVS-3.4.3")
def test_scripts_load_nothing_from_elsewhere() -> None:
    """Neither a script nor the style sheet names another site."""
    for file in FILES.values():
        assert b"://" not in file.content
        assert b"eval" not in file.content
