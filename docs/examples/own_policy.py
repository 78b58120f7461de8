from onegov_auth import AuthApp
from onegov_auth.passwords import PasswordPolicy


class OurPolicy(PasswordPolicy):
    def checks(self):
        # Without the check for the username, and with one of our own.
        return [check for check in super().checks() if check != self.not_known] + [self.not_our_slogan]

    def not_our_slogan(self, candidate):
        if "alles klar" in candidate.clear.casefold():
            return "Please choose a password without our slogan."
        return None


class App(AuthApp):
    password_policy = OurPolicy
