from onegov_auth import AuthApp, AuthPages, Personal


class Pages(AuthPages):
    pass


@Pages.template_directory()
def templates():
    return "templates"


class App(AuthApp):
    auth_pages = Pages


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    return f"Hello {request.current_user.title}"


application = App.from_yaml("auth.yml")
