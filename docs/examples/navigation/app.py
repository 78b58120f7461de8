from onegov_auth import AuthApp, NavItem, NavURL, Permission, Personal, Public, Secret, has_any


class ReadInvoices(Permission):
    """See the invoices"""

    token = "invoices.read"


class App(AuthApp):
    pass


@App.path(path="")
class Home:
    pass


@App.path(path="invoices")
class Invoices:
    pass


@App.template_directory()
def templates():
    return "templates"


@App.html(model=Home, template="page.jinja2", permission=Public)
def home(self, request):
    return {"title": "Home", "menu": request.menu("main")}


@App.html(model=Home, name="diary", template="page.jinja2", permission=Personal)
def diary(self, request):
    return {"title": "Diary", "menu": request.menu("main")}


@App.html(model=Invoices, template="page.jinja2", permission=has_any(ReadInvoices, Secret))
def invoices(self, request):
    return {"title": "Invoices", "menu": request.menu("main")}


App.add_navigation_menu(
    "main",
    NavItem(
        NavItem("Home", NavURL(Home)),
        NavItem(
            "Work",
            NavItem("Diary", NavURL(Home, "diary")),
            NavItem("Invoices", NavURL(Invoices), icon_class="icon-paper", code="invoices"),
        ),
        NavItem("Log in", NavURL("login", mount="auth", requires_anonymous=True)),
        NavItem("Administration", NavURL("admin", mount="auth"), class_="apart"),
        NavItem("Help", NavURL("https://help.example.org/")),
    ),
)

application = App.from_yaml("auth.yml")
