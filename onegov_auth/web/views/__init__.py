"""The views of the pages; importing this registers them."""

from onegov_auth.web.views import auto, login, logout, provider, static

__all__ = ["auto", "login", "logout", "provider", "static"]
