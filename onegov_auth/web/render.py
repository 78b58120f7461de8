"""Our pages: a template, what all of them need, and the strict headers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from morepath import render_html

from onegov_auth.web.headers import own_page
from onegov_auth.web.links import home_url, look_url, static_url

if TYPE_CHECKING:
    from webob import Response
    from wtforms import Field

    from onegov_auth.web.request import AuthRequest

__all__ = ["described", "inline_markdown", "markdown", "page"]

_MARKDOWN = MarkdownIt("zero").enable(["emphasis", "backticks", "link", "list", "newline", "escape", "entity"])
_INLINE = {"strong", "em", "code", "br"}
_BLOCK = _INLINE | {"p", "a", "ul", "ol", "li"}


def page(request: AuthRequest, name: str, status: int = 200, **variables: object) -> Response:
    """
    One of our pages.

    Args:
        request: The request; its application's template directories are searched first.
        name: The template, without folder and suffix; an application overrides it by its own ``auth/<name>.jinja2``.
        status: The HTTP status.
        variables: What the template needs besides the site's title, the translator and the messages.
    """
    render = request.app.config.template_engine_registry.get_template_render(f"auth/{name}.jinja2", render_html)
    root = request.root_app
    content = {
        "_": request.translate,
        "plural": request.translate.plural,
        "moment": request.translate.moment,
        "language": request.language,
        "site": root.auth.settings.title,
        "logo": root.auth.settings.look.logo,
        "look_url": look_url(request),
        "home_url": home_url(request),
        "described": described,
        "static_url": lambda file: static_url(request, file),
        "markdown": markdown,
        "inline_markdown": inline_markdown,
        "messages": list(request.consume_messages()),
        **variables,
    }
    response: Response = render(content, request)
    response.status = status
    return own_page(response)


def described(field: Field, help_text: str | None = None) -> dict[str, str]:
    """
    What tells a screen reader of a field's help and error (WCAG 2.2 SC 1.3.1, 3.3.1), as attributes of the field.

    Args:
        field: A field of a form.
        help_text: What the page says of it, in an element whose id is the field's and ``-help``.
    """
    parts = [f"{field.id}-help"] * bool(help_text) + [f"{field.id}-error"] * bool(field.errors)
    attributes = {"aria-describedby": " ".join(parts)} if parts else {}
    return attributes | ({"aria-invalid": "true"} if field.errors else {})


@lru_cache(maxsize=256)
def markdown(text: str) -> Markup:
    """
    Markdown from the settings as safe HTML: no scripts, images or own tags, and links to web sites and mail only.

    The one who writes the settings is trusted; what an adapter copies into a text from elsewhere is not.
    """
    html = nh3.clean(
        _MARKDOWN.render(text),
        tags=_BLOCK,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return Markup(html)  # noqa: S704 - cleaned one line above


@lru_cache(maxsize=256)
def inline_markdown(text: str) -> Markup:
    """The same for a button, which holds no links and no paragraphs."""
    return Markup(nh3.clean(_MARKDOWN.renderInline(text), tags=_INLINE, attributes={}))  # noqa: S704 - cleaned
