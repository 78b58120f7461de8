"""The door: Morepath applications that people log in to. Nothing in here decides who gets in."""

from onegov_auth.web import views
from onegov_auth.web.app import AuthApp
from onegov_auth.web.base import AuthBase
from onegov_auth.web.navigation import NavItem, NavURL
from onegov_auth.web.pages import AuthPages
from onegov_auth.web.permissions import Intent, Permission, Personal, Private, Public, Secret, has_all, has_any
from onegov_auth.web.request import AuthRequest

__all__ = [
    "AuthApp",
    "AuthBase",
    "AuthPages",
    "AuthRequest",
    "Intent",
    "NavItem",
    "NavURL",
    "Permission",
    "Personal",
    "Private",
    "Public",
    "Secret",
    "has_all",
    "has_any",
    "views",
]
