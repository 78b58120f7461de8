"""The forms of the pages, free of the web framework; an application may use and extend them."""

from onegov_auth.forms.base import Form
from onegov_auth.forms.login import LoginForm

__all__ = ["Form", "LoginForm"]
