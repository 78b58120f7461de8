from onegov_auth import AuthApp, Personal


class App(AuthApp):
    pass


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    return f"Hello {request.current_user.title}"


application = App.from_yaml("auth.yml")
