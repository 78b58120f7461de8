from onegov_auth import AuthApp, Hooks, Personal, Public, Secret


def welcome(db, user, client):
    user.data["last_address"] = client.address


class App(AuthApp):
    auth_path = "account"
    hooks = Hooks(on_login=welcome)


@App.path(path="")
class Home:
    pass


@App.path(path="mine")
class Mine:
    pass


@App.path(path="office")
class Office:
    pass


@App.html(model=Home, permission=Public, request_method="HEAD")
@App.html(model=Home, permission=Public)
def home(self, request):
    return "Hello everybody"


@App.html(model=Mine, permission=Personal)
def mine(self, request):
    user = request.current_user
    return f"{user.title} came by {user.source or 'a local password'}"


@App.html(model=Office, permission=Secret)
def office(self, request):
    return "For administrators"
