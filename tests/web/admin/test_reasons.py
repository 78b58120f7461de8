from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onegov_auth.i18n import translator
from onegov_auth.permissions.explain import Chain
from onegov_auth.web.admin.reasons import reason


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        (Chain(), "Own permission · given by hand"),
        (Chain((("superuser", "ada"),)), "Superuser: has every permission"),
        (
            Chain((("group", "Finance"), ("bundle", "Books")), "company", "accounting"),
            "Group Finance → Bundle Books · given by company for its group accounting",
        ),
        (
            Chain((("bundle", "Books"),), "company", None, datetime(2026, 7, 1, 12, 30, tzinfo=UTC)),
            "Bundle Books · given by company · until 1 Jul 2026, 12:30 UTC",
        ),
    ],
)
def test_reasons(chain: Chain, words: str) -> None:
    """A reason names what leads to the permission, who gave it, by which rule, and until when."""
    assert reason(translator("en"), chain) == words
