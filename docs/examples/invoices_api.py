from onegov_auth import AuthApp, Permission


class App(AuthApp):
    pass


class ReadInvoices(Permission):
    token = "invoices.read"


@App.path(path="invoices")
class Invoices:
    pass


@App.json(model=Invoices, permission=ReadInvoices)
def list_invoices(self, request):
    return {"invoices": [1, 2], "for": request.identity.userid}


application = App.from_yaml("auth.yml")
