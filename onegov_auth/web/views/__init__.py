"""The views of the pages; importing this registers them."""

from onegov_auth.web.views import (
    account,
    activate,
    auto,
    confirm,
    email,
    identities,
    login,
    logout,
    password,
    provider,
    recover,
    register,
    sessions,
    signup_links,
    static,
    step,
)

__all__ = [
    "account",
    "activate",
    "auto",
    "confirm",
    "email",
    "identities",
    "login",
    "logout",
    "password",
    "provider",
    "recover",
    "register",
    "sessions",
    "signup_links",
    "static",
    "step",
]
