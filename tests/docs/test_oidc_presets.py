"""Each sample of the page on OpenID providers loads, and says what the page says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from onegov_auth.settings import load_settings
from onegov_auth_oidc import OIDCProvider, OIDCSettings
from onegov_auth_oidc.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "providers" / "oidc-presets.md").read_text(encoding="utf-8")
SECRET = "a secret for tests only, of more than 32 characters"

SAMPLES = sorted((ROOT / "docs" / "examples").glob("oidc_*.yml"))


@pytest.fixture(name="block")
def _block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> OIDCSettings:
    """The block of the sample, with its secrets where it says they are."""
    monkeypatch.setenv("AUTH_SECRET", SECRET)
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    key = ECKey.generate_key("P-256").as_pem(private=True)
    (tmp_path / "key.pem").write_bytes(key)
    sample = tmp_path / "auth.yml"
    text = request.param.read_text(encoding="utf-8")
    sample.write_text(re.sub(r"/run/secrets/[\w.-]+", str(tmp_path / "key.pem"), text), encoding="utf-8")
    settings = load_settings(sample)
    assert settings.pending == ()
    found = next(block for block in settings.providers.values() if isinstance(block, OIDCSettings))
    assert OIDCProvider.kind == found.kind
    return found


@pytest.mark.parametrize("block", SAMPLES, ids=lambda path: path.stem, indirect=True)
def test_each_sample_loads(block: OIDCSettings) -> None:
    """Copied as it stands, with its own secret, it starts."""
    assert block.issuer.startswith("https://")


def test_every_preset_has_a_sample_on_the_page() -> None:
    """Whoever looks for a provider finds its part of the page, with something to copy."""
    shown = set(re.findall(r"literalinclude\} \.\./examples/oidc_(\w+)\.yml", PAGE))

    assert set(PRESETS) - {""} <= shown
    assert {path.stem.removeprefix("oidc_") for path in SAMPLES} == shown
