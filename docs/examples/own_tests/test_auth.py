from app import App

from onegov_auth.testing.suites import AuthAttemptTests, AuthTests, CsrfTests, PermissionTests, RecoveryTests


class OurApp:
    app_class = App
    settings = {"title": "Ours", "attempts": {"login": {"limit": 5}}}


class TestLogin(OurApp, AuthTests):
    pass


class TestAttempts(OurApp, AuthAttemptTests):
    pass


class TestRecovery(OurApp, RecoveryTests):
    pass


class TestForms(OurApp, CsrfTests):
    host_pages = ()


class TestInvoices(OurApp, PermissionTests):
    page = "/invoices"
    permissions = ("invoices.read",)
