"""The request's database session is committed with a good response, and rolled back with a bad one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from webob.exc import HTTPOk, HTTPRedirection

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.web.request import AuthRequest

__all__ = ["commit_tween_factory"]

Handler = Callable[[Any], "Response"]


def commit_tween_factory(_app: object, handler: Handler) -> Handler:
    """
    Commit for a returned or raised 2xx or 3xx, roll back for everything else.

    It stands below the exception views, so that what they write or read is never part of the failed work. A request
    that did not ask for :attr:`AuthRequest.db` costs one look into a dictionary.
    """

    def commit_tween(request: AuthRequest) -> Response:
        try:
            response = handler(request)
        except (HTTPOk, HTTPRedirection):
            _end(request, commit=True)
            raise
        except BaseException:
            _end(request, commit=False)
            raise
        if "db" in request.__dict__:
            _end(request, commit=200 <= response.status_code < 400)
        return response

    return commit_tween


def _end(request: AuthRequest, *, commit: bool) -> None:
    session = request.__dict__.get("db")
    if session is None:
        return
    if commit:
        session.commit()
    else:
        session.rollback()
