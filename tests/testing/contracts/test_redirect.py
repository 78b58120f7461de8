"""The contract for redirects accepts a good provider, and notices each broken one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from onegov_auth.providers import (
    Callback,
    Check,
    CheckState,
    ProviderSettings,
    Redirect,
    RedirectProvider,
    Refused,
    SessionInfo,
    Transaction,
    Unavailable,
    VerifiedIdentity,
)
from onegov_auth.testing.contracts import Person, RedirectProviderContract

ANN = Person(login="ann", password="ann-canary", source_id="1", username="Ann")
TOLD = VerifiedIdentity(source="toy", issuer=None, source_id="1", username="Ann")

#: The service behind the toy: whether it runs, the codes it gave out, and which fault the provider has.
service: dict[str, Any] = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Toy(RedirectProvider):
    """Sends to an issuer whose codes are bound to a nonce; has the fault that the service names."""

    kind: ClassVar[str] = "toy"

    def check(self, login: str | None = None, claims: Mapping[str, object] | None = None) -> Iterator[Check]:
        """One step."""
        yield Check("service", CheckState.OK if service["runs"] else CheckState.FAILED)

    def start(self, transaction: Transaction) -> Redirect | Unavailable:
        """To the issuer."""
        fault = service["fault"]
        if not service["runs"] and fault != "starts anyway":
            return Unavailable(self.name)
        nonce = "fixed" if fault == "fixed nonce" else self.services.token(16)
        query = {"state": "none" if fault == "no state" else transaction.id, "nonce": nonce}
        if fault == "sends secret":
            query["secret"] = "settings-canary"
        host = "" if fault == "relative" else "https://op.example.org"
        return Redirect(
            f"{host}/authorize?{urlencode(query)}", {} if fault == "remembers nothing" else {"nonce": nonce}
        )

    def finish(self, callback: Callback, transaction: Transaction) -> VerifiedIdentity | Refused | Unavailable:
        """Whoever the code is for."""
        fault, code = service["fault"], callback.params.get("code", "")
        if fault == "logs":
            log.debug("code %s", code)
        if "error" in callback.params and fault != "ignores errors":
            return Refused("access_denied")
        if not service["runs"]:
            return Refused("wrong_code") if fault == "denies" else Unavailable(self.name)
        nonce = service["codes"].get(code) if fault == "reuses" else service["codes"].pop(code, None)
        if fault == "believes anything" or (nonce and fault == "ignores nonce"):
            return TOLD
        if fault == "compares prefixes" and nonce and str(transaction.data.get("nonce")).startswith(nonce):
            return TOLD
        return TOLD if nonce and nonce == transaction.data.get("nonce") else Refused("wrong_code")

    def logout(self, session: SessionInfo, back_to: str, state: str = "") -> Redirect | None:
        """To the issuer's own logout."""
        kept = "" if service["fault"] == "forgets" else f"?state={state}"
        return None if service["fault"] == "stays" else Redirect(f"https://op.example.org/logout{kept}")


def log_in(redirect: Redirect) -> Callback:
    """The browser's part: a new code for the nonce it carries."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(redirect.url).query).items()}
    code = f"code-{len(service['given'])}"
    service["given"].append(code)
    service["codes"][code] = query["nonce"]
    return Callback({"code": code, "state": query["state"]})


@pytest.fixture
def fixtures() -> dict[str, Any]:
    """What the suite asks for; the service runs and has no fault."""
    service.update(runs=True, fault=None, codes={}, given=[])
    return {
        "block": {"kind": "toy"},
        "provider": Toy(name="toy", settings=ProviderSettings(kind="toy")),
        "person": ANN,
        "canaries": ["settings-canary"],
        "log_in": log_in,
        "deny": lambda redirect: Callback({"error": "access_denied", "state": log_in(redirect).params["state"]}),
        "stop_service": lambda: service.update(runs=False),
    }


DOWN = {"test_the_doctor_finds_it_broken", "test_a_service_that_is_down_starts_nothing"}


def run(keep: Callable[..., None], test: str, fixtures: dict[str, Any], suite: object = None) -> None:
    """Run one test of the suite."""
    service["runs"] = test not in DOWN
    keep(suite or RedirectProviderContract(), test, **fixtures, broken_provider=fixtures["provider"])


def test_a_good_provider_keeps_it(
    keep: Callable[..., None], tests_of: Callable[[object], list[str]], fixtures: dict[str, Any]
) -> None:
    """A provider without fault passes every test, but for the entry point it lacks."""
    for test in tests_of(RedirectProviderContract):
        if test != "test_is_found_under_its_kind":
            run(keep, test, fixtures)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("relative", "test_start_leads_away"),
        ("no state", "test_start_carries_the_transaction"),
        ("fixed nonce", "test_every_start_is_its_own"),
        ("fixed nonce", "test_a_foreign_transaction_is_refused"),
        ("sends secret", "test_start_sends_no_secret"),
        ("ignores errors", "test_an_error_outweighs_a_proof"),
        ("believes anything", "test_a_forged_proof_is_refused"),
        ("believes anything", "test_threads_do_not_meet"),
        ("believes anything", "test_a_denial_is_refused"),
        ("ignores nonce", "test_nothing_remembered_is_refused"),
        ("ignores nonce", "test_a_foreign_transaction_is_refused"),
        ("ignores nonce", "test_every_remembered_value_counts"),
        ("compares prefixes", "test_every_remembered_value_counts"),
        ("remembers nothing", "test_every_remembered_value_counts"),
        ("reuses", "test_a_replay_is_refused"),
        ("denies", "test_a_service_that_stops_is_unavailable"),
        ("starts anyway", "test_a_service_that_is_down_starts_nothing"),
        ("logs", "test_logs_hold_no_secret"),
        ("stays", "test_logout_leads_to_the_service"),
        ("forgets", "test_logout_leads_to_the_service"),
    ],
)
def test_a_fault_is_noticed(keep: Callable[..., None], fixtures: dict[str, Any], fault: str, test: str) -> None:
    """Each broken promise fails the test about it."""
    service["fault"] = fault
    # A denial that is believed arrives as a callback without its error.
    if fault == "believes anything":
        fixtures["deny"] = lambda redirect: Callback({"state": log_in(redirect).params["state"]})
    with pytest.raises(AssertionError):
        run(keep, test, fixtures)


@pytest.mark.parametrize(
    ("fault", "test", "attributes"),
    [
        ("reuses", "test_a_replay_is_refused", {"refuses_replay": False}),
        ("stays", "test_logout_leads_to_the_service", {"ends_session": False}),
        ("starts anyway", "test_a_service_that_is_down_starts_nothing", {"asks_service": False}),
        ("fixed nonce", "test_every_start_is_its_own", {"unbound": frozenset({"nonce"})}),
    ],
)
def test_what_a_protocol_lacks_is_declared(
    keep: Callable[..., None], fixtures: dict[str, Any], fault: str, test: str, attributes: dict[str, Any]
) -> None:
    """An attribute of the suite says that a capability is not there, and the test then expects that."""
    service["fault"] = fault

    run(keep, test, fixtures, type("Suite", (RedirectProviderContract,), attributes)())


@pytest.mark.parametrize("name", ["provider", "broken_provider", "log_in", "deny", "stop_service"])
def test_fixtures_have_to_be_given(name: str) -> None:
    """A suite without its fixtures says which one to override."""
    with pytest.raises(NotImplementedError, match=name):
        getattr(RedirectProviderContract, name).__wrapped__(RedirectProviderContract())
