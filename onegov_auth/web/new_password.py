"""Fields for new passwords: what people and password managers have to know before they make one up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.errors import InsecurePasswordError
from onegov_auth.i18n import Text, _

if TYPE_CHECKING:
    from wtforms import Field

    from onegov_auth.errors import InvalidPasswordError
    from onegov_auth.web.request import AuthRequest

__all__ = ["ask_for_password", "say_why"]

_UNUSABLE = _("This password can't be used: it is too long, or has characters that can't be typed.")


def ask_for_password(request: AuthRequest, *fields: Field) -> Text:
    """
    Tell password managers the rules.

    Args:
        request: The request.
        fields: The fields for the new password; changed in place.

    Returns:
        The same for people, to be shown beside the field.
    """
    passwords = request.root_app.auth.settings.passwords
    for field in fields:
        # No maxlength: a browser would cut a pasted password silently (NIST 800-63B-4 §3.1.1.2, ASVS 6.2.9).
        rules = f"minlength: {passwords.min_length}; maxlength: {passwords.max_length}; allowed: unicode;"
        field.render_kw = {**(field.render_kw or {}), "passwordrules": rules}
    return Text(_("At least {n} characters. Some words in a row are easy to keep in mind."), n=passwords.min_length)


def say_why(request: AuthRequest, field: Field, error: InsecurePasswordError | InvalidPasswordError) -> None:
    """Say beside the field what is wrong with the password, in the person's language."""
    messages = error.messages if isinstance(error, InsecurePasswordError) else [_UNUSABLE]
    field.errors = [request.translate(message) for message in messages]
