from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from onegov_auth import AuthApp, Personal

Session = sessionmaker(create_engine("sqlite:///auth.db", hide_parameters=True))


class App(AuthApp):
    def session_factory(self):
        session = Session()
        session.info["from"] = "the host"
        return session


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    return f"{request.current_user.title}, in a session of {request.db.info['from']}"


application = App.from_yaml("auth.yml")
