"""What comes back from the browser: before it fits, the provider is asked nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onegov_auth.providers import Callback, Redirect, Refused, Transaction, Unavailable, VerifiedIdentity
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.servers.hostile_oidc import HostileOidcProvider
from onegov_auth_oidc import OIDCProvider
from onegov_auth_oidc.callback import ERRORS, OUT_OF_ORDER

Make = Callable[..., OIDCProvider]
LogIn = Callable[..., Any]
Begin = Callable[[OIDCProvider], tuple[Redirect, Transaction]]


def refused(outcome: object, op: HostileOidcProvider) -> str:
    assert "/token" not in op.paths()
    assert isinstance(outcome, Refused | Unavailable), outcome
    return outcome.code


@pytest.mark.sec("OIDCX-10", "OIDCX-11", "ASVS-10.1.2", "ASVS-10.2.1")
@pytest.mark.parametrize("state", [None, "", "other", "ü", "\ud800"], ids=ascii)
def test_a_foreign_state_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn, state: str | None) -> None:
    """Without the state of this very login the code is not sent."""
    assert refused(log_in(make(), state=state), op) == "invalid_state"


@pytest.mark.sec("AUTHLIB-10", "OIDCX-31", "OAUTH-11")
def test_an_error_is_bound_to_the_login_too(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A foreign error is a foreign answer, and not this login's end."""
    assert refused(log_in(make(), state="other", error="access_denied"), op) == "invalid_state"


@pytest.mark.sec("OIDC-25")
@pytest.mark.parametrize("error", sorted(ERRORS - OUT_OF_ORDER))
def test_a_known_error_is_the_code(op: HostileOidcProvider, make: Make, log_in: LogIn, error: str) -> None:
    """The standard's errors are told apart in the event log."""
    outcome = log_in(make(), error=error, error_description="<script>")

    assert refused(outcome, op) == error
    assert "script" not in repr(outcome)


@pytest.mark.parametrize("error", ["", "<script>", "a\nb", "x" * 5000], ids=["empty", "html", "lines", "long"])
def test_an_unknown_error_is_not_repeated(op: HostileOidcProvider, make: Make, log_in: LogIn, error: str) -> None:
    """What anybody could have written does not get into the log."""
    outcome = log_in(make(), error=error)

    assert refused(outcome, op) == "provider_error"
    assert error == "" or error not in repr(outcome)


@pytest.mark.parametrize("error", sorted(OUT_OF_ORDER))
def test_a_provider_out_of_order_denies_nobody(op: HostileOidcProvider, make: Make, log_in: LogIn, error: str) -> None:
    """An error of the provider itself is no refusal."""
    outcome = log_in(make(), error=error)

    assert isinstance(outcome, Unavailable)
    assert refused(outcome, op) == error


@pytest.mark.sec("OIDCX-12", "OAUTH-08", "OAUTH-09", "AUTHLIB-06", "ASVS-10.2.2")
@pytest.mark.parametrize("suffix", ["1", "/", "%2F"])
@pytest.mark.parametrize("error", [None, "access_denied"], ids=["success", "error"])
def test_an_answer_of_another_issuer_is_refused(
    op: HostileOidcProvider, make: Make, log_in: LogIn, suffix: str, error: str | None
) -> None:
    """An issuer that differs by a character is another one, in errors too (RFC 9207)."""
    op.metadata = {"authorization_response_iss_parameter_supported": True}

    assert refused(log_in(make(), iss=op.issuer + suffix, error=error), op) == "wrong_iss"


@pytest.mark.sec("OIDCX-13", "OAUTH-10", "AUTHLIB-06")
def test_an_announced_issuer_must_be_there(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A provider that says it names itself in every answer does so."""
    op.metadata = {"authorization_response_iss_parameter_supported": True}

    assert refused(log_in(make()), op) == "missing_iss"


@pytest.mark.sec("OAUTH-10")
@pytest.mark.parametrize("announced", [False, None, "true", 1], ids=repr)
def test_only_the_truth_announces_an_issuer(
    op: HostileOidcProvider, make: Make, log_in: LogIn, announced: object
) -> None:
    """A provider that says it does not name itself, or says nothing that can be understood, is taken at that."""
    op.metadata = {"authorization_response_iss_parameter_supported": announced}

    assert isinstance(log_in(make()), VerifiedIdentity)
    op.calls.clear()
    assert refused(log_in(make(), iss=op.issuer), op) == "unexpected_iss"


@pytest.mark.sec("OAUTH-10")
def test_an_issuer_that_was_not_announced_is_refused(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """A provider that does not name itself does not begin to in the middle of a login."""
    assert refused(log_in(make(), iss=op.issuer), op) == "unexpected_iss"


@pytest.mark.sec("OAUTH-09")
def test_the_right_issuer_is_accepted(op: HostileOidcProvider, make: Make, log_in: LogIn) -> None:
    """The announced issuer in the answer is what it should be."""
    op.metadata = {"authorization_response_iss_parameter_supported": True}

    assert isinstance(log_in(make(), iss=op.issuer), VerifiedIdentity)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, "missing_code"),
        ("", "missing_code"),
        (" ", "missing_code"),
        ("x\x00", "invalid_code"),
        ("x\r\ny", "invalid_code"),
        ("ü", "invalid_code"),
        ("\ud800", "invalid_code"),
        ("x" * 4097, "invalid_code"),
    ],
    ids=ascii,
)
def test_a_code_that_is_none_is_not_sent(
    op: HostileOidcProvider, make: Make, log_in: LogIn, code: str | None, expected: str
) -> None:
    """A code is visible ASCII of limited length (RFC 6749 A.11)."""
    assert refused(log_in(make(), code=code), op) == expected


@pytest.mark.sec("OAUTH-12")
def test_another_providers_transaction_is_refused(op: HostileOidcProvider, make: Make, begin: Begin) -> None:
    """A login begun with another provider is not finished with this one."""
    provider = make()
    redirect, transaction = begin(provider)
    foreign = replace(transaction, provider="other")

    assert refused(provider.finish(Callback(op.authorize(redirect.url)), foreign), op) == "invalid_transaction"


@pytest.mark.sec("OAUTH-04")
def test_an_expired_transaction_is_refused(op: HostileOidcProvider, make: Make, begin: Begin, clock: FakeClock) -> None:
    """A login that was begun too long ago is over."""
    provider = make()
    redirect, transaction = begin(provider)
    clock.advance(timedelta(minutes=10))

    assert refused(provider.finish(Callback(op.authorize(redirect.url)), transaction), op) == "expired_transaction"


@pytest.mark.sec("OAUTH-06", "ASVS-10.5.1")
@pytest.mark.parametrize("key", ["nonce", "verifier", "server"])
@pytest.mark.parametrize("value", [None, "", 1], ids=["null", "empty", "number"])
def test_a_lost_secret_is_a_refusal(op: HostileOidcProvider, make: Make, begin: Begin, key: str, value: object) -> None:
    """Without nonce, verifier or issuer nothing could be compared, so that the code is not sent."""
    provider = make()
    redirect, transaction = begin(provider)
    lost = replace(transaction, data={**transaction.data, key: value})

    assert refused(provider.finish(Callback(op.authorize(redirect.url)), lost), op) == "invalid_transaction"


@pytest.mark.sec("OAUTH-08")
def test_a_login_begun_with_another_issuer_is_refused(op: HostileOidcProvider, make: Make, begin: Begin) -> None:
    """When the configured issuer changes, logins that are under way end."""
    provider = make()
    redirect, transaction = begin(provider)
    moved = make(issuer=f"{op.issuer}/moved")

    assert refused(moved.finish(Callback(op.authorize(redirect.url)), transaction), op) == "invalid_transaction"


def test_what_is_remembered_is_not_shown(make: Make, begin: Begin) -> None:
    """Nonce and verifier are in no repr, and so in no log."""
    redirect, transaction = begin(make())
    shown = f"{redirect!r} {transaction!r}"

    assert str(transaction.data["nonce"]) not in shown.replace(redirect.url, "")
    assert str(transaction.data["verifier"]) not in shown
