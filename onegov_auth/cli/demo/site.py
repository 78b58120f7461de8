"""The demo's application: a page for each kind of permission. Everything else is onegov_auth's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, cast

from sqlalchemy import select

from onegov_auth.cli.demo.mails import mails_in
from onegov_auth.cli.demo.ways import Way
from onegov_auth.models import AuthEvent, User
from onegov_auth.permissions import Permission
from onegov_auth.web import AuthApp, AuthRequest, Personal, Public, Secret
from onegov_auth.web.identity import RequestIdentity

__all__ = ["DemoApp"]

STYLE = (files("onegov_auth.cli.demo") / "demo.css").read_text(encoding="utf-8")

#: How many of the last events the secret page shows.
EVENTS = 15


INVOICES = ({"number": 1, "for": "Blue Bicycles"}, {"number": 2, "for": "Green Grapes"})


class ReadInvoices(Permission):
    """See the invoices."""

    token = "invoices.read"


class DemoApp(AuthApp):
    """
    The application.

    Attributes:
        ways: What the front page tells of.
        shows_passwords: Whether it tells the passwords, too, and shows the mails.
        mails: Where the mails lie.
    """

    page_headers: ClassVar[Mapping[str, str]] = {
        **AuthApp.page_headers,
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    }
    permissions: ClassVar[Sequence[Any]] = (ReadInvoices,)
    ways: tuple[Way, ...] = ()
    shows_passwords = True
    mails = Path()


@DemoApp.template_directory()
def _templates() -> str:
    return "templates"


class Home:
    """The front page."""


class Me:
    """The personal page."""


class Everybody:
    """The secret page."""


class Invoices:
    """What it takes a permission to see."""


class Mailbox:
    """Everybody's mails."""


class Style:
    """The style sheet."""


@DemoApp.path(path="", model=Home)
def _home() -> Home:
    return Home()


@DemoApp.path(path="personal", model=Me)
def _me() -> Me:
    return Me()


@DemoApp.path(path="secret", model=Everybody)
def _everybody() -> Everybody:
    return Everybody()


@DemoApp.path(path="invoices", model=Invoices)
def _invoices() -> Invoices:
    return Invoices()


@DemoApp.path(path="mails", model=Mailbox)
def _mails(app: DemoApp) -> Mailbox | None:
    return Mailbox() if app.shows_passwords else None


@DemoApp.path(path="demo.css", model=Style)
def _style() -> Style:
    return Style()


@DemoApp.view(model=Style, permission=Public)
def style(self: Style, request: AuthRequest) -> str:  # noqa: ARG001 - Morepath's signature
    """What the demo's pages add to the style of the login pages."""

    @request.after
    def is_css(response: Any) -> None:
        response.content_type = "text/css"

    return STYLE


@DemoApp.html(model=Home, permission=Public, template="demo/home.jinja2")
def home(self: Home, request: AuthRequest) -> dict[str, Any]:  # noqa: ARG001 - Morepath's signature
    """Which ways in there are, with the names and passwords to try."""
    app = cast("DemoApp", request.root_app)
    return _page(request, "home", ways=app.ways, passwords=app.shows_passwords)


@DemoApp.html(model=Me, permission=Personal, template="demo/personal.jinja2")
def personal(self: Me, request: AuthRequest) -> dict[str, Any]:  # noqa: ARG001 - Morepath's signature
    """Who is logged in, and how they got in."""
    # Nobody else gets here: the permission sees to that.
    user = cast("User", request.current_user)
    session = request.root_app.auth.sessions.info(request.db, cast("RequestIdentity", request.identity).session_id)
    logins = select(AuthEvent).filter_by(type="login", code="ok", user_id=user.id)
    login = request.db.scalars(logins.order_by(AuthEvent.id.desc()).limit(1)).first()
    steps = [] if login is None else login.steps
    return _page(request, "personal", user=user, session=session, steps=steps, groups=_groups(user, steps))


@DemoApp.html(model=Everybody, permission=Secret, template="demo/secret.jinja2")
def secret(self: Everybody, request: AuthRequest) -> dict[str, Any]:  # noqa: ARG001 - Morepath's signature
    """Everybody there is, and what happened last."""
    users = request.db.scalars(select(User).order_by(User.username)).all()
    events = request.db.scalars(select(AuthEvent).order_by(AuthEvent.id.desc()).limit(EVENTS)).all()
    return _page(request, "secret", users=users, events=events)


@DemoApp.html(model=Invoices, permission=ReadInvoices, template="demo/invoices.jinja2")
def invoices(self: Invoices, request: AuthRequest) -> dict[str, Any]:
    """The page for those who have the permission, and how a program asks for the same."""
    return _page(request, "invoices", invoices=INVOICES, url=request.link(self, "json"))


@DemoApp.json(model=Invoices, name="json", permission=ReadInvoices)
def invoices_for_programs(self: Invoices, request: AuthRequest) -> list[dict[str, Any]]:  # noqa: ARG001 - Morepath's signature
    """The same for programs, which come by an API token."""
    return list(INVOICES)


@DemoApp.html(model=Mailbox, permission=Public, template="demo/mails.jinja2")
def mails(self: Mailbox, request: AuthRequest) -> dict[str, Any]:  # noqa: ARG001 - Morepath's signature
    """The mails the demo sent: to register, or to choose a new password."""
    return _page(request, "mails", mails=mails_in(cast("DemoApp", request.root_app).mails))


def _groups(user: User, steps: Sequence[Sequence[str]]) -> str:
    """What the source said at the last login, without the names that are paths of a directory."""
    told = next((detail for name, detail in reversed(steps) if name == "groups"), "")
    names = [name for name in told.split(", ") if "=" not in name]
    return ", ".join([*filter(None, names), *(group.name or "" for group in user.groups)]) or "none"


def _page(request: AuthRequest, name: str, **variables: Any) -> dict[str, Any]:
    return {
        "page": name,
        "me": request.current_user,
        "csrf_token": request.csrf_token,
        "messages": list(request.consume_messages()),
        "site": request.root_app.auth.settings.title,
        "reads": request.has_permission(Invoices(), ReadInvoices),
        "administers": request.has_permission(Everybody(), Secret),
        "mailbox": cast("DemoApp", request.root_app).shows_passwords,
        **variables,
    }
