from __future__ import annotations

from typing import Any

import jinja2
import pytest
from bs4 import BeautifulSoup
from morepath.error import LinkError
from sqlalchemy import event

from onegov_auth.web import NavItem, NavURL, Public, Secret, has_any
from onegov_auth.web.navigation import NavNode, NodeType
from onegov_auth.web.own_pages import Account
from tests.web.conftest import Document, ReadInvoices, Root

MENU = NavItem(
    NavItem("Home", NavURL(Root)),
    NavItem(
        "Work",
        NavItem("Mine", NavURL(Root, "personal"), code="mine"),
        NavItem("Invoices", NavURL("/invoices"), icon_class="icon paper", class_="money"),
        NavItem("Ours", NavURL(Root, "private")),
    ),
    NavItem("Running it", NavURL("/open"), NavItem("Secrets", NavURL("/secret")), nav_group="run"),
    NavItem("Log in", NavURL("login", mount="auth", requires_anonymous=True)),
    NavItem("Your account", NavURL(Account, mount="auth")),
)


def labels(node: NavNode) -> list[Any]:
    """The labels of a menu, as lists within lists."""
    return [
        [below.label, labels(below)] if below.permitted_sub_nodes else below.label for below in node.permitted_sub_nodes
    ]


@pytest.fixture(name="shown")
def _shown(ask: Any) -> Any:
    """What somebody sees of the menu."""
    return lambda browser=None, menu=MENU: ask(lambda request: labels(menu.bind(request)), browser)


def test_visitors_see_what_is_for_all(shown: Any) -> None:
    """A link is shown to those who may see the page, and a group to those who see something in it."""
    assert shown() == ["Home", "Running it", "Log in"]


def test_everybody_sees_their_own(shown: Any, browser: Any, make_browser: Any, app: Any, add_user: Any) -> None:
    """Members and administrators have different menus at the same time, whoever asks first."""
    add_user("ann@example.org")
    add_user("ada@example.org", role="admin")
    add_user("reader@example.org")
    other, third = make_browser(app), make_browser(app)
    browser.log_in("ada@example.org")
    other.log_in("ann@example.org")
    third.log_in("reader@example.org")

    assert shown(browser) == ["Home", ["Work", ["Mine", "Ours"]], ["Running it", ["Secrets"]], "Your account"]
    assert shown(other) == ["Home", ["Work", ["Mine"]], "Running it", "Your account"]
    assert shown(third) == ["Home", ["Work", ["Mine", "Invoices"]], "Running it", "Your account"]
    assert shown() == ["Home", "Running it", "Log in"]


@pytest.mark.sec("ASVS-8.3.2")
def test_change_of_rights_shows_at_once(shown: Any, browser: Any, add_user: Any, database: Any) -> None:
    """With the very next request after a change of rights, the menu is another one."""
    user = add_user("ada@example.org", role="admin")
    browser.log_in("ada@example.org")
    before = shown(browser)
    with database.unit() as db:
        db.get(type(user), user.id).role = "member"

    assert "Secrets" in str(before)
    browser.log_in("ada@example.org")
    assert shown(browser) == ["Home", ["Work", ["Mine"]], "Running it", "Your account"]


def test_permission_given_by_hand(shown: Any, browser: Any, add_user: Any) -> None:
    """A permission of the link's own counts in place of the page's; a token and a combination are permissions too."""
    add_user("reader@example.org")
    browser.log_in("reader@example.org")
    menu = NavItem(
        NavItem("class", NavURL("/secret", requires_permissions=ReadInvoices)),
        NavItem("any", NavURL(Root, requires_permissions=has_any(ReadInvoices, Secret))),
        NavItem("elsewhere", NavURL("https://example.com/", requires_permissions=Secret)),
        NavItem("instance", NavURL(Document("private"), requires_permissions=Public)),
    )

    assert shown(browser, menu) == ["class", "any"]
    assert shown(None, menu) == []


def test_token_as_a_permission(shown: Any, browser: Any, add_user: Any) -> None:
    """A token stands for the permission of that name."""
    add_user("reader@example.org")
    browser.log_in("reader@example.org")
    menu = NavItem(NavItem("yes", NavURL("/open", requires_permissions="invoices.read")))

    assert shown(browser, menu) == ["yes"]
    assert shown(None, menu) == []


def test_what_a_page_is_about_counts(shown: Any, browser: Any, add_user: Any) -> None:
    """Permission on a model is that on this very model, given by its path, its class or itself; none is no link."""
    menu = NavItem(
        NavItem("public", NavURL(Document, access="public")),
        NavItem("private", NavURL(Document, access="private")),
        NavItem("member", NavURL(Document("member"))),
        NavItem("unpublished", NavURL("/documents/unpublished")),
        NavItem("gone", NavURL("/documents/gone")),
        NavItem("nowhere", NavURL("/nowhere")),
    )
    add_user("ann@example.org")
    browser.log_in("ann@example.org")

    assert shown(None, menu) == ["public"]
    assert shown(browser, menu) == ["public", "member", "unpublished"]
    # Once more, from what is known by now.
    assert shown(None, menu) == ["public"]


def test_links_are_paths(ask: Any, app: Any) -> None:
    """Links hold the prefix and no host; those of other sites stay as they are."""
    menu = NavItem(
        NavItem("home", NavURL(Root)),
        NavItem("class", NavURL(Document, access="a b")),
        NavItem("instance", NavURL(Document("public"), "")),
        NavItem("mounted", NavURL("login", mount="auth")),
        NavItem("query", NavURL("/open?to=x&y=ä")),
        NavItem("elsewhere", NavURL("https://example.com/x")),
    )

    def look(request: Any) -> list[Any]:
        return [node.url for node in menu.bind(request).permitted_sub_nodes]

    assert ask(look) == [
        "/",
        "/documents/a%20b",
        "/documents/public",
        "/auth/login",
        "/open?to=x&y=ä",
        "https://example.com/x",
    ]
    assert ask(look, extra_environ={"SCRIPT_NAME": "/town"})[:2] == ["/town/", "/town/documents/a%20b"]
    assert len(app.links) == 5


def test_nothing_is_resolved_twice(ask: Any, app: Any, database: Any) -> None:
    """Links are found once in a process, and a bound menu once in a request, without any query."""
    ask(MENU.bind)
    known = {url: link.page for url, link in app.links.items()}
    queries: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]))

    assert ask(lambda request: MENU.bind(request) is MENU.bind(request))
    assert {url: link.page for url, link in app.links.items()} == known
    assert queries == []


def test_models_with_state_are_not_kept(ask: Any, app: Any) -> None:
    """A model that holds something may hold a request's session, and is made for each request."""
    link = NavURL("/documents/public")
    ask(lambda request: NavItem(link).bind(request))

    assert app.links[link].page is None


@pytest.mark.parametrize(
    ("path", "current", "branch"),
    [
        ("/", ["Home"], ["", "Home"]),
        ("/personal", ["Mine"], ["", "Work", "Mine"]),
        ("/personal/", ["Mine"], ["", "Work", "Mine"]),
        ("/auth/account", ["Your account"], ["", "Your account"]),
        ("/auth/account/sessions", ["Your account"], ["", "Your account"]),
        ("/auth/accounts", [], []),
        ("/secret", ["Secrets"], ["", "Running it", "Secrets"]),
    ],
)
def test_current_branch(
    ask: Any, browser: Any, add_user: Any, path: str, current: list[str], branch: list[str]
) -> None:
    """The link of the page, or else the nearest one above it, is current, with all that leads to it."""
    add_user("ada@example.org", role="admin")
    browser.log_in("ada@example.org")

    def look(request: Any) -> tuple[list[str], list[str]]:
        request.__dict__.pop("bound_menus", None)
        request.path_info = path
        nodes = MENU.bind(request).all_nodes()
        return [n.label for n in nodes if n.is_current], [n.label for n in nodes if n.has_current_route]

    assert ask(look, browser) == (current, branch)


def test_queries_tell_links_of_one_page_apart(ask: Any) -> None:
    """Of several links to one page, the one whose query is that of the request is current."""
    menu = NavItem(NavItem("all", NavURL("/ask")), NavItem("new", NavURL("/ask?state=new")))

    def look(request: Any) -> list[str]:
        return [node.label for node in menu.bind(request).permitted_sub_nodes if node.is_here]

    assert ask(look) == ["all"]
    assert ask(look, params={"state": "new", "page": "2"}) == ["new"]
    assert ask(look, params={"state": "old"}) == ["all"]


def test_what_an_item_is_made_of() -> None:
    """An item knows its kind, and names its group by its label."""
    leaf, stem = NavItem("A", NavURL("/a")), NavItem("Über uns!", NavURL("/x"), NavItem("B", NavURL("/b")))

    assert (leaf.node_type, stem.node_type) == (NodeType.LEAF, NodeType.STEM)
    assert (stem.nav_group, NavItem(leaf).nav_group) == ("über-uns", None)


@pytest.mark.parametrize("parts", [(), ("label",), (NavURL("/"), "late"), ("label", NavURL("/"), NavURL("/"))])
def test_wrong_parts_are_refused(parts: tuple[Any, ...]) -> None:
    """An item with nothing to show, or with parts in another order, is a mistake."""
    with pytest.raises(TypeError, match="NavItems"):
        NavItem(*parts)


@pytest.mark.parametrize("link", [NavURL(int), NavURL("x", mount="nothing")])
def test_links_to_nothing_are_mistakes(ask: Any, link: NavURL) -> None:
    """A class without a path and a mount that is none are no links."""

    def look(request: Any) -> None:
        with pytest.raises(LinkError):
            link.url(request)

    ask(look)


def test_menus_of_an_application(app_class: Any, make_app: Any, make_browser: Any) -> None:
    """An application has menus by name; those of a subclass are not its parent's."""

    class Sub(app_class):  # type: ignore[misc] # a fixture's class
        menus = {"main": MENU}  # noqa: RUF012 - as a host writes it

    Sub.add_navigation_menu("foot", NavItem(NavItem("Home", NavURL(Root))))
    site = make_app(cls=Sub)
    site.question = lambda request: [labels(request.menu(name)) for name in ("main", "foot")]
    make_browser(site).get("/ask")

    assert site.answer == [["Home", "Running it", "Log in"], ["Home"]]
    assert app_class.menus == {}


def render(request: Any, **options: Any) -> BeautifulSoup:
    """The menu by the macro."""
    source = '{% from "auth/navigation.jinja2" import render_menu %}{{ render_menu(menu, **options) }}'
    loader = jinja2.PackageLoader("onegov_auth.web")
    template = jinja2.Environment(loader=loader, autoescape=True).from_string(source)
    return BeautifulSoup(template.render(menu=MENU.bind(request), options=options), "html.parser")


def test_macro(ask: Any, browser: Any, add_user: Any) -> None:
    """The macro makes lists within a nav: groups that open without a script, icons that no screen reader reads."""
    add_user("ada@example.org", role="admin")
    browser.log_in("ada@example.org")

    html = ask(lambda request: render(request, label="Site"), browser)

    assert html.nav["aria-label"] == "Site"
    assert [summary.text for summary in html.find_all("summary")] == ["Work", "Running it"]
    assert [group.get("data-nav-group") for group in html.find_all("details")] == ["work", "run"]
    assert [link["href"] for link in html.find_all("a")] == [
        "/",
        "/personal",
        "/private",
        "/open",
        "/secret",
        "/auth/account",
    ]
    assert html.find(attrs={"data-code": "mine"}).text.strip() == "Mine"


def test_macro_opens_the_current_branch(ask: Any, browser: Any, add_user: Any) -> None:
    """With expand_to_current, the groups that lead to the page are open; the link of the page says that it is it."""
    add_user("reader@example.org")
    browser.log_in("reader@example.org")

    def look(request: Any) -> list[BeautifulSoup]:
        request.path_info = "/invoices"
        return [render(request, expand_to_current=expand) for expand in (True, False)]

    opened, closed = ask(look, browser)

    assert [group["data-nav-group"] for group in opened.find_all("details", open=True)] == ["work"]
    assert closed.find_all("details", open=True) == []
    assert opened.find("a", attrs={"aria-current": "page"}).text.strip() == "Invoices"
    item = opened.find("li", class_="money")
    assert item.find("span", class_="paper")["aria-hidden"] == "true"


def test_macro_without_anything_to_show(ask: Any) -> None:
    """Who sees nothing of a menu gets no empty one."""
    menu = NavItem(NavItem("Secrets", NavURL("/secret")))

    assert ask(lambda request: menu.bind(request).is_permitted) is False
