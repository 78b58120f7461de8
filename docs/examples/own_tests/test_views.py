import pytest
from app import App

from onegov_auth.testing.suites import ViewTestBase


@pytest.fixture
def application(make_application):
    return make_application(App)


def test_invoices(auth_client, make_user):
    ann = make_user("ann@example.org", permissions=["invoices.read"], realname="Ann")
    ben = make_user("ben@example.org", groups=["Finance"])
    client = auth_client(ann)

    assert client.get("/invoices").text == "Invoices for Ann"
    assert client.get("/invoices", user=ben, status=403)
    assert client.get("/invoices", user=None, status=303)


def test_a_mail(auth_client, make_user, outbox):
    make_user("ann@example.org")
    client = auth_client()
    form = client.get("/auth/request-password").form
    form["email"] = "ann@example.org"
    form.submit()

    assert [mail["To"] for mail in outbox.mails] == ["ann@example.org"]
    assert client.get(outbox.link("reset-password")).follow().form["password"]


def test_who_is_idle_is_out(auth_client, make_user, clock):
    client = auth_client(make_user(permissions=["invoices.read"]))
    clock.advance(2 * 3600)

    assert client.get("/invoices", status=303)


class TestInvoices(ViewTestBase):
    app_class = App
    permissions = ("invoices.read",)

    def test_page(self):
        assert self.client.get("/invoices").text == f"Invoices for {self.current_user.title}"
