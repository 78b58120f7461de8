"""
Menus that show everybody what they may see, and no more.

A menu is a tree that an application declares once; who sees which part follows from the permission of the view a link
goes to. Where a link leads is found out once in a process. What somebody may see is asked for each request anew, and
once in it: nothing of one person's menu can reach another one's, and a right that ended shows no link any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from morepath.error import LinkError

from onegov_auth.web.destinations import Destination, destination
from onegov_auth.web.permissions import has_all

if TYPE_CHECKING:
    from onegov_auth.web.request import AuthRequest

__all__ = ["NavItem", "NavNode", "NavURL", "NodeType"]

#: How near a link is to the page that is shown: how much of its path, whether all of it, how much of its query.
Nearness: TypeAlias = tuple[int, bool, int]

#: Another page.
FAR: Nearness = (0, False, 0)

_NO_WORD = re.compile(r"\W+")


class NodeType(Enum):
    """What an item is: one with others below it, or a link."""

    STEM = "stem"
    LEAF = "leaf"


@dataclass(slots=True)
class _Known:
    """A link as it was found: its path below the site, and the page if that may be kept."""

    path: str
    page: Destination | None = None


class NavURL:
    """
    Where an item of a menu leads.

    Args:
        target: A model's class, an instance, a path such as ``"/invoices"``, or an address of another site.
        name: The name of the view.
        mount: The name of the mounted application that has the page; ``"auth"`` for our own pages.
        requires_permissions: Who sees the link: a permission class, a combination or a token. Without it, whoever may
            see the page; for another site everybody.
        requires_anonymous: Show it only to those who aren't logged in.
        variables: The variables of a class's path.
    """

    def __init__(
        self,
        target: object,
        name: str = "",
        *,
        mount: str | None = None,
        requires_permissions: Any = None,
        requires_anonymous: bool = False,
        **variables: object,
    ) -> None:
        self.target = target
        self.name = name
        self.mount = mount
        self.requires_anonymous = requires_anonymous
        self.variables = variables
        given = requires_permissions is None or isinstance(requires_permissions, type)
        self.requires_permissions: type | None = requires_permissions if given else has_all(requires_permissions)

    @property
    def is_external(self) -> bool:
        """Whether it leads to another site."""
        return isinstance(self.target, str) and bool(urlsplit(self.target).scheme)

    def url(self, request: AuthRequest) -> str:
        """
        The address: a path on this site without a host, or that of another site.

        Raises:
            morepath.error.LinkError: If there is no path to the target.
        """
        if self.is_external:
            return str(self.target)
        return quote(request.script_name) + self._known(request).path

    def is_permitted(self, request: AuthRequest) -> bool:
        """Whether the person sees the link; not so if there is no such page."""
        if self.requires_anonymous and request.is_logged_in:
            return False
        if self.requires_permissions is not None:
            subject = self.target if self._is_instance else request.root_app
            return request.has_permission(subject, self.requires_permissions)
        if self.is_external:
            return True
        try:
            page = self._page(request)
        except KeyError:
            return False
        return page.permits(request.identity)

    def nearness(self, request: AuthRequest) -> Nearness:
        """How near the page of this request is."""
        if self.is_external:
            return FAR
        parts = urlsplit(self._known(request).path)
        path, here = unquote(parts.path), request.path_info
        query = parse_qsl(parts.query, keep_blank_values=True)
        if query and not set(query) <= set(request.GET.items()):
            return FAR
        if here.rstrip("/") == path.rstrip("/"):
            return len(path), True, len(query)
        # What lies below a page belongs to it; below the front page lies everything.
        return (len(path), False, 0) if path != "/" and here.startswith(f"{path.rstrip('/')}/") else FAR

    @property
    def _is_instance(self) -> bool:
        return not isinstance(self.target, str | type)

    def _page(self, request: AuthRequest) -> Destination:
        known = self._known(request)
        if known.page is not None:
            return known.page
        page = destination(request, quote(request.script_name) + known.path)
        if self._is_instance:
            page = page._replace(model=self.target)
        # A page whose object and application hold nothing says the same for ever; another one may hold a request's
        # database session, or what has changed since.
        if self._is_instance or (_is_empty(page.model) and (page.app is request.root_app or _is_empty(page.app))):
            known.page = page
        return page

    def _known(self, request: AuthRequest) -> _Known:
        links: dict[NavURL, _Known] = request.root_app.links
        known = links.get(self)
        if known is None:
            known = links[self] = _Known(self._path(request))
        return known

    def _path(self, request: AuthRequest) -> str:
        root: Any = request.root_app
        app = root if self.mount is None else root.child(self.mount)
        if app is None:
            raise LinkError(f'Nothing is mounted as "{self.mount}"')
        if isinstance(self.target, str):
            below = "" if app is root else request.class_link(type(app), app=root)
            link = f"{below}/{self.target.lstrip('/')}"
        elif isinstance(self.target, type):
            link = request.class_link(self.target, self.variables, self.name, app=app)
        else:
            link = request.link(self.target, self.name, app=app)
        parts = urlsplit(link)
        path = parts.path.removeprefix(quote(request.script_name))
        return f"{path}?{parts.query}" if parts.query else path


def _is_empty(thing: object) -> bool:
    return not any(name != "_parent" for name in getattr(thing, "__dict__", {"?": None}))


class NavItem:
    """
    An item of a menu, or a menu.

    Args:
        parts: The label (a menu itself has none), where it leads, and the items below it; each may be left out.
        nav_group: Names the group of the items below, for style sheets and scripts; made of the label if left out.
        icon_class: The classes of an icon before the label.
        class_: Classes of the item.
        code: Tells the item from others, as ``data-code`` in the page.

    Raises:
        TypeError: If it has neither a link nor items, or parts of other kinds.
    """

    def __init__(
        self,
        *parts: str | NavURL | NavItem,
        nav_group: str | None = None,
        icon_class: str | None = None,
        class_: str | None = None,
        code: str | None = None,
    ) -> None:
        rest = list(parts)
        self.label: str | None = rest.pop(0) if rest and isinstance(rest[0], str) else None  # type: ignore[assignment] # mypy narrows no list items
        self.route: NavURL | None = rest.pop(0) if rest and isinstance(rest[0], NavURL) else None  # type: ignore[assignment] # as above
        if not all(isinstance(part, NavItem) for part in rest) or (self.route is None and not rest):
            raise TypeError(
                "an item is made of a label, a NavURL and NavItems, in this order, and needs one of the two"
            )
        self.sub_nodes: tuple[NavItem, ...] = tuple(rest)  # type: ignore[arg-type] # checked one line above
        self.nav_group = nav_group or _NO_WORD.sub("-", (self.label or "").lower()).strip("-") or None
        self.icon_class = icon_class
        self.class_ = class_
        self.code = code

    @property
    def node_type(self) -> NodeType:
        """Whether there are items below it."""
        return NodeType.STEM if self.sub_nodes else NodeType.LEAF

    def bind(self, request: AuthRequest) -> NavNode:
        """The item as whoever makes this request sees it; made once a request."""
        bound: dict[NavItem, NavNode] = request.__dict__.setdefault("bound_menus", {})
        node = bound.get(self)
        if node is None:
            node = bound[self] = _seen(self, request)
            nearest = max(found.nearness for found in node.all_nodes())
            node.mark(nearest)
        return node


class NavNode:
    """
    An item as one person sees it on one page; see :meth:`NavItem.bind`.

    Attributes:
        item: The item.
        label: Its label in the person's language; empty for none.
        url: Where it leads; None if nowhere, or not for this person.
        permitted_sub_nodes: Those below it that the person sees.
        is_permitted: Whether the person sees it: the link, or something below it.
        is_current: Whether the page that is shown is the link's own, or lies below it and no other link is nearer.
        is_here: Whether it is the link's own.
        has_current_route: Whether it or something below it is current.
    """

    __slots__ = (
        "has_current_route",
        "is_current",
        "is_here",
        "is_permitted",
        "item",
        "label",
        "nearness",
        "permitted_sub_nodes",
        "url",
    )

    def __init__(self, item: NavItem, label: str, url: str | None, nearness: Nearness, below: list[NavNode]) -> None:
        self.item = item
        self.label = label
        self.url = url
        self.nearness = nearness
        self.permitted_sub_nodes = below
        self.is_permitted = url is not None or bool(below)
        self.is_current = self.is_here = self.has_current_route = False

    @property
    def node_type(self) -> NodeType:
        """Whether it has items below it."""
        return self.item.node_type

    @property
    def nav_group(self) -> str | None:
        """The name of the group of items below."""
        return self.item.nav_group

    @property
    def icon_class(self) -> str | None:
        """The classes of its icon."""
        return self.item.icon_class

    @property
    def class_(self) -> str | None:
        """Its own classes."""
        return self.item.class_

    @property
    def code(self) -> str | None:
        """What tells it from others."""
        return self.item.code

    def all_nodes(self) -> list[NavNode]:
        """It and all below it."""
        return [self, *(node for below in self.permitted_sub_nodes for node in below.all_nodes())]

    def mark(self, nearest: Nearness) -> bool:
        """Mark the current branch: that of the link which is *nearest*; returns whether it is this one."""
        self.is_current = nearest != FAR and self.nearness == nearest
        self.is_here = self.is_current and self.nearness[1]
        below = [node.mark(nearest) for node in self.permitted_sub_nodes]
        self.has_current_route = self.is_current or any(below)
        return self.has_current_route


def _seen(item: NavItem, request: AuthRequest) -> NavNode:
    below = [node for node in (_seen(sub_node, request) for sub_node in item.sub_nodes) if node.is_permitted]
    label = request.translate(item.label) if item.label else ""
    if item.route is None or not item.route.is_permitted(request):
        return NavNode(item, label, None, FAR, below)
    return NavNode(item, label, item.route.url(request), item.route.nearness(request), below)
