from onegov_auth import AuthApp, Permission


class ReadInvoices(Permission):
    token = "invoices.read"


class App(AuthApp):
    permissions = (ReadInvoices,)


@App.path(path="")
class Root:
    pass


@App.html(model=Root)
def home(self, request):
    return "Welcome"


@App.html(model=Root, name="invoices", permission=ReadInvoices)
def invoices(self, request):
    return f"Invoices for {request.current_user.title}"
