from __future__ import annotations

from collections.abc import Callable

from onegov_auth.auth import Auth


def test_services_name_their_own_provider(make_auth: Callable[..., Auth]) -> None:
    """A provider is handed the addresses below its own name, made of the configured one."""
    services = make_auth().providers["local"].services

    assert services.callback_url == "https://app.example.org/auth/provider/local/callback"
    assert services.initiate_url == "https://app.example.org/auth/provider/local"
    assert services.local_accounts is not None
