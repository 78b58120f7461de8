"""What a browser sent, turned into plain texts at the border."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from webob.exc import HTTPBadRequest, HTTPNotFound, HTTPRequestEntityTooLarge

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["MAX_BODY", "FormFields", "all_fields", "api_fields", "id_field", "posted_fields", "query_fields"]

#: No form of ours is larger, in bytes; an answer of an identity provider may have some hundred kilobytes.
MAX_BODY = 512 * 1024

_UNREADABLE = "\ufffd"


class FormFields(dict[str, str]):
    """Single fields in the shape WTForms reads."""

    def getlist(self, name: str) -> list[str]:
        """The field's one value, if it was sent."""
        return [self[name]] if name in self else []


def query_fields(request: AuthRequest) -> dict[str, str]:
    """
    The query's fields.

    Raises:
        HTTPBadRequest: If one occurs twice (ASVS 15.3.7), or is no UTF-8.
    """
    try:
        items = list(request.GET.items())
    except UnicodeDecodeError as error:
        raise HTTPBadRequest("The address has characters that can't be read.") from error
    return _single(items)


def posted_fields(request: AuthRequest) -> dict[str, str]:
    """
    The form's fields; empty if no form was posted.

    Raises:
        HTTPBadRequest: If one occurs twice (ASVS 15.3.7), is a file, or is no UTF-8.
        HTTPRequestEntityTooLarge: If the form is larger than any of ours.
    """
    if (request.content_length or 0) > MAX_BODY:
        raise HTTPRequestEntityTooLarge("The form is too large.")
    try:
        items = list(request.POST.items())
    except (ValueError, DeprecationWarning) as error:
        # The cgi module raises ValueError for a broken multipart body, and WebOb a warning for a foreign charset.
        raise HTTPBadRequest("The form can't be read.") from error
    return _single(items)


def api_fields(request: AuthRequest) -> dict[str, str]:
    """
    The fields of a form or of a JSON object, as a program sends them.

    Raises:
        HTTPBadRequest: As :func:`posted_fields`, or if it is no object of texts.
        HTTPRequestEntityTooLarge: As :func:`posted_fields`.
    """
    if request.content_type != "application/json":
        return posted_fields(request)
    if (request.content_length or 0) > MAX_BODY:
        raise HTTPRequestEntityTooLarge("The object is too large.")
    try:
        found = json.loads(request.body.decode(), object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise HTTPBadRequest("The object can't be read.") from error
    if not isinstance(found, tuple):
        raise HTTPBadRequest("An object is needed.")
    return _single((name, value) for name, value in found if value is not None)


def all_fields(request: AuthRequest) -> Mapping[str, str]:
    """The fields of query and form; those of the form win."""
    return {**query_fields(request), **posted_fields(request)}


def _single(items: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in items:
        if not isinstance(name, str) or not isinstance(value, str):
            raise HTTPBadRequest("A file was sent where a text belongs.")
        if _UNREADABLE in name or _UNREADABLE in value:
            # WebOb puts it in place of bytes that are no UTF-8: two different passwords would become one.
            raise HTTPBadRequest("The form has characters that can't be read.")
        if name in fields:
            raise HTTPBadRequest("A field was sent twice.")
        fields[name] = value
    return fields


def id_field(fields: Mapping[str, str], name: str) -> UUID:
    """
    The id that a form sent.

    Raises:
        HTTPNotFound: If it is none: there is nothing of that id.
    """
    try:
        return UUID(fields.get(name, ""))
    except ValueError:
        raise HTTPNotFound from None
