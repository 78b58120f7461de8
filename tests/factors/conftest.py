"""What the tests of factors share: a transaction, and somebody with a passkey."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from onegov_auth.domain import Client, Transaction, UserInfo
from onegov_auth.factors import Enrolled, Enrolment, EnrolmentForm, FactorServices, Used
from onegov_auth.factors.webauthn import WebAuthnFactor
from onegov_auth.outcomes import Refused
from onegov_auth.settings.factors import WebAuthn
from onegov_auth.testing.clock import FakeClock
from onegov_auth.testing.passkey import SoftwarePasskey

CLIENT = Client(browser="b")
ANN = UserInfo(uuid4(), "ann@example.org", "member", realname="Ann")


@pytest.fixture(name="ann")
def _ann() -> UserInfo:
    """Whose passkeys they are."""
    return ANN


@pytest.fixture(name="make")
def _make() -> Callable[..., WebAuthnFactor]:
    """Passkeys with these settings."""

    def make(base_url: str = "https://app.example.org", **values: object) -> WebAuthnFactor:
        services = FactorServices(base_url=base_url, title="Govikon")
        return WebAuthnFactor.create(WebAuthn.model_validate(values), services)

    return make


@pytest.fixture(name="factor")
def _factor(make: Callable[..., WebAuthnFactor]) -> WebAuthnFactor:
    return make()


@pytest.fixture(name="begin")
def _begin(clock: FakeClock) -> Callable[..., Transaction]:
    return lambda **data: Transaction("id", "factor", None, "/", data, clock() + timedelta(hours=1))


@pytest.fixture(name="enrol")
def _enrol(begin: Callable[..., Transaction]) -> Callable[..., Enrolment | Refused]:
    """Have *passkey* made for Ann."""

    def enrol(factor: WebAuthnFactor, passkey: SoftwarePasskey) -> Enrolment | Refused:
        form = factor.enrol(ANN, None, begin())
        assert isinstance(form, EnrolmentForm)
        options: Any = form.show["options"]
        made = factor.enrol(ANN, passkey.create(options), begin(**form.remember))
        assert isinstance(made, Enrolment | Refused)
        return made

    return enrol


@pytest.fixture(name="own")
def _own(enrol: Callable[..., Enrolment | Refused]) -> Callable[..., Enrolled]:
    """Ann's *passkey* as the core hands it to the factor."""

    def own(factor: WebAuthnFactor, passkey: SoftwarePasskey) -> Enrolled:
        made = enrol(factor, passkey)
        assert isinstance(made, Enrolment)
        return Enrolled(uuid4(), made.key, made.data, counter=made.counter)

    return own


@pytest.fixture(name="use")
def _use(begin: Callable[..., Transaction]) -> Callable[..., Used | Refused]:
    """Ask for one of *enrolled* and answer with *passkey*."""

    def use(
        factor: WebAuthnFactor, enrolled: list[Enrolled], passkey: SoftwarePasskey, **other: str | None
    ) -> Used | Refused:
        asked = factor.challenge(enrolled, begin(), CLIENT)
        options: Any = asked.show["options"]
        return factor.verify(enrolled, passkey.get(options, **other), begin(**asked.data), CLIENT)

    return use


@pytest.fixture(name="log_in")
def _log_in(begin: Callable[..., Transaction]) -> Callable[..., Used | Refused]:
    """Answer with *passkey* alone."""

    def log_in(
        factor: WebAuthnFactor, enrolled: list[Enrolled], passkey: SoftwarePasskey, **other: str | None
    ) -> Used | Refused:
        asked = factor.ask_anybody()
        options: Any = asked.show["options"]
        return factor.verify_alone(enrolled, passkey.get(options, **other), begin(**asked.data))

    return log_in
