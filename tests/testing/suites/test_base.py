"""A suite goes red when what it guards is broken: each change below breaks one thing in an application."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOST = """
import dataclasses, datetime
import pytest
from onegov_auth import AuthApp, Permission
from onegov_auth.outcomes import Refused
from onegov_auth.testing.suites import *

class Read(Permission):
    token = "invoices.read"

class App(AuthApp):
    pass

class Root:
    pass

@App.path(path="", model=Root)
def root():
    return Root()

@App.html(model=Root, name="invoices", permission=Read)
def invoices(self, request):
    return "invoices"

class Page:
    app_class = App
    page = "/invoices"
    permissions = ("invoices.read",)
"""

#: What is broken, the suite, and some of the tests that notice.
BROKEN = [
    pytest.param(
        "AuthTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.web import messages, answers
    monkeypatch.setattr(answers, "password_message", lambda refused: f"No: {refused.code}")
""",
        {"test_refusals_look_alike"},
        id="messages-tell-why",
    ),
    pytest.param(
        "AuthTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    import morepath
    from onegov_auth.web import answers, request_auth
    from onegov_auth.web.views import login
    for module in (answers, login, request_auth):
        monkeypatch.setattr(module, "safe_path", lambda path: path or "/")
    monkeypatch.setattr(answers, "redirect_to", lambda request, to: morepath.Response(status=303, location=to))
""",
        {"test_nobody_is_led_to_another_site[https://evil.example/]"},
        id="open-redirect",
    ),
    pytest.param(
        "AuthTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.web.identity import SessionPolicy
    identify = SessionPolicy.identify
    def trusting(self, request):
        name, app = request.environ.get("REMOTE_USER"), request.root_app
        return app.identity_of(app.auth.users(request.db).by_username(name)) if name else identify(self, request)
    monkeypatch.setattr(SessionPolicy, "identify", trusting)
""",
        {"test_a_variable_of_the_request_logs_nobody_in"},
        id="back-door",
    ),
    pytest.param(
        "AuthTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.passwords import Hasher
    monkeypatch.setattr(Hasher, "verify_dummy", lambda self, clear: None)
""",
        {"test_every_refusal_costs_a_hash"},
        id="time-tells",
    ),
    pytest.param(
        "AuthTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.sessions import Sessions
    monkeypatch.setattr(Sessions, "end", lambda *args, **kwargs: True)
""",
        {"test_who_left_is_out"},
        id="logout-forgets-the-cookie-only",
    ),
    pytest.param(
        "AuthAttemptTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.attempts import Attempts
    admit = Attempts.admit
    def lenient(self, kind, name, client, **more):
        admitted = admit(self, kind, name, client, **more)
        elsewhere = dataclasses.replace(client, address="")
        return admit(self, kind, "nobody at all", elsewhere) if isinstance(admitted, Refused) else admitted
    monkeypatch.setattr(Attempts, "admit", lenient)
""",
        {"test_too_many_failures_lock_the_account", "test_nothing_is_hashed_during_a_lockout"},
        id="no-lockout",
    ),
    pytest.param(
        "AuthAttemptTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.attempts import Attempts
    settle = Attempts.settle
    def forgetful(self, db, attempt, code, *, success, **more):
        return settle(self, db, attempt, code, success=success or None, **more)
    monkeypatch.setattr(Attempts, "settle", forgetful)
""",
        {"test_too_many_failures_lock_the_account", "test_every_attempt_is_stored"},
        id="failures-do-not-count",
    ),
    pytest.param(
        "RecoveryTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.models import UserMixin
    monkeypatch.setattr(UserMixin, "token_use", lambda self, token: True)
    monkeypatch.setattr(UserMixin, "get_token_salt", lambda self: "")
""",
        {"test_a_link_works_once", "test_a_newer_link_voids_the_older"},
        id="links-for-ever",
    ),
    pytest.param(
        "RecoveryTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.web.views import recover
    from onegov_auth.web.render import page
    send = recover._request_page
    monkeypatch.setattr(recover, "redirect_to", lambda request, url: send(request, recover.RequestPasswordResetForm(
        data={"email": str(request.auth.users.by_username(request.params["email"]))})))
""",
        {"test_asking_tells_nothing"},
        id="recovery-tells",
    ),
    pytest.param(
        "CsrfTests",
        """
from onegov_auth.web import AuthRequest
class Careless(AuthRequest):
    def assert_valid_csrf_token(self, token=None):
        pass
App.request_class = Careless
""",
        {"test_a_form_without_its_token_is_refused", "test_another_site_logs_nobody_out"},
        id="no-token-checked",
    ),
    pytest.param(
        "CsrfTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.web import csrf
    monkeypatch.setattr(csrf, "assert_own_origin", lambda request: None)
""",
        {"test_a_form_of_another_site_is_refused[Origin-https://evil.example]"},
        id="origin-not-checked",
    ),
    pytest.param(
        "CsrfTests",
        """
@pytest.fixture(autouse=True)
def broken(monkeypatch):
    from onegov_auth.web import csrf
    monkeypatch.setattr(csrf, "_bound_to", lambda request: "anybody")
""",
        {"test_a_token_of_another_browser_is_refused", "test_a_token_ends_with_the_login"},
        id="tokens-for-everybody",
    ),
    pytest.param(
        "PermissionTests",
        """
@App.permission_rule(model=object, permission=Read)
def anybody(app, identity, model, permission):
    return True
""",
        {"test_who_lacks_it_is_refused", "test_what_is_taken_away_is_gone_at_the_next_request"},
        id="whoever-is-logged-in",
    ),
]


def run(folder: Path, suite: str, breaking: str = "") -> tuple[set[str], str]:
    """The tests of that suite that fail in an application of that source, and all that was printed."""
    (folder / "test_host.py").write_text(f"{HOST}\n{breaking}\n\nclass TestHost(Page, {suite}):\n    pass\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p onegov_auth.testing.plugin -p no:cacheprovider -q -rf\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    command = [sys.executable, "-m", "pytest", "test_host.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    failed = [line.partition("::TestHost::")[2] for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    return {name.partition(" - ")[0] for name in failed}, done.stdout


@pytest.mark.parametrize(("suite", "breaking", "noticed"), BROKEN)
def test_a_broken_application_is_noticed(tmp_path: Path, suite: str, breaking: str, noticed: set[str]) -> None:
    """The tests that guard the broken thing fail, and the others of that suite still run."""
    failed, printed = run(tmp_path, suite, breaking)

    assert noticed <= failed, printed[-3000:]
    assert " passed" in printed


def test_a_suite_without_an_application_says_so(tmp_path: Path) -> None:
    """Whoever forgets to name it is told how."""
    _, printed = run(tmp_path, "ViewTestBase", "class Page:\n    def test_it(self): ...")

    assert "NotImplementedError: say which application is tested: app_class" in printed
