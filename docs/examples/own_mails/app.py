from pathlib import Path

from onegov_auth import AuthApp


class App(AuthApp):
    mail_templates = (Path(__file__).parent / "templates",)
