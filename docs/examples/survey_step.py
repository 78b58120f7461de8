from onegov_auth import AuthApp, Hooks, Personal
from onegov_auth.steps import LoginStep


class Newsletter(LoginStep):
    """Ask once whether somebody wants the newsletter."""

    name = "newsletter"

    def needed(self, db, user):
        return "newsletter" not in user.data

    def take(self, db, user, answer, client):
        user.data["newsletter"] = answer.get("newsletter") == "yes"


class App(AuthApp):
    hooks = Hooks(login_steps=(Newsletter(),))


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    return f"Hello {request.current_user.title}"


application = App.from_yaml("auth.yml")
