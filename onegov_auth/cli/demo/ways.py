"""The three ways into the demo: a local password, a directory, an OpenID provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from onegov_auth.testing.servers import PEOPLE, OidcProvider, ServerFailedError, ServerMissingError, Slapd
from onegov_auth.testing.servers.oidc import Account as CompanyAccount

__all__ = ["COMPANY", "Login", "Way", "directory", "openid"]

Say = Callable[[str], None]

#: Who has an account at the OpenID provider. Nobody of the directory: a name that two sources know is a conflict,
#: and refused unless an administrator says which source may link.
COMPANY = tuple(
    CompanyAccount(
        sub=sub,
        login=name,
        password=password,
        email=f"{name}@company.example",
        email_verified=True,
        given_name=given_name,
        family_name=family_name,
        groups=groups,
    )
    for sub, name, password, given_name, family_name, groups in (
        ("7f1c2b9e", "fiona", "fiona-finds-four-foxes", "Fiona", "Frei", ("admins",)),
        ("a04d55c1", "gian", "gian-grows-green-grapes", "Gian", "Gisler", ("editors",)),
        ("3be8817d", "hana", "hana-hears-the-harbour", "Hana", "Huber", ("staff",)),
    )
)

#: Which group gives which role, at the directory and at the provider alike.
ROLES = {"admin": ["admins"], "editor": ["editors"], "member": ["staff"]}

#: And which groups give the permission to see the demo's invoices.
GRANTS = {"permissions": {"invoices.read": ["admins", "editors"]}}


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody types, and what they get."""

    username: str
    password: str = field(repr=False)
    role: str


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way in.

    Attributes:
        name: The provider's name in the settings.
        title: What it is, for people.
        where: Where to type the name and password.
        logins: Who can come by it.
        missing: Why it isn't there, and what to install; empty if it is.
        settings: The provider's block.
        alive: Whether what was started for it still runs.
    """

    name: str
    title: str
    where: str
    logins: tuple[Login, ...] = ()
    missing: str = ""
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    alive: Callable[[], bool] = field(default=lambda: True, repr=False)

    @property
    def running(self) -> bool:
        """Whether it can be used now."""
        return not self.missing and self.alive()


def directory(stack: ExitStack, say: Say) -> Way:
    """
    Start a slapd and describe it.

    Args:
        stack: What ends it.
        say: Tells the person who waits.
    """
    way = Way("staff", "A directory (LDAP)", "in the form")
    say("Starting a directory (slapd) …")
    try:
        server = stack.enter_context(Slapd())
    except (ServerMissingError, ServerFailedError) as error:
        return replace(way, missing=_why(error, say))
    logins = (Login(person.mail, person.password, _role(person.groups)) for person in PEOPLE)
    settings = {
        "kind": "ldap",
        "servers": [server.ldaps_url],
        "tls": {"ca_file": str(server.ca_file)},
        "bind": {"dn": server.service_dn, "password": server.service_password},
        "people": {"base": server.people_base},
        "groups": {"base": server.groups_base},
        "roles": ROLES,
        "grants": GRANTS,
        "hint": "Accounts of the **directory** work here too.",
    }
    return replace(way, logins=tuple(logins), settings=settings, alive=lambda: server.running)


def openid(stack: ExitStack, say: Say, base_url: str) -> Way:
    """
    Start an OpenID provider and describe it.

    Args:
        stack: What ends it.
        say: Tells the person who waits.
        base_url: The demo's own address, which the provider sends browsers back to.
    """
    way = Way("company", "Single sign-on (OpenID Connect)", "on the provider's own page")
    say("Starting an OpenID provider (the first time, npm installs it: up to a minute) …")
    here = f"{base_url}/auth/provider/company"
    server = OidcProvider(accounts=COMPANY, redirect_uris=[f"{here}/callback"])
    server.allow_redirect(f"{here}/callback", after_logout=[f"{here}/logout"])
    try:
        stack.enter_context(server)
    except (ServerMissingError, ServerFailedError) as error:
        return replace(way, missing=_why(error, say))
    logins = (Login(account.login, account.password, _role(account.groups or ())) for account in COMPANY)
    settings = {
        "kind": "oidc",
        "issuer": server.issuer,
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        "roles": ROLES,
        "grants": GRANTS,
        "button": "Log in with **Company**",
    }
    return replace(way, logins=tuple(logins), settings=settings, alive=lambda: server.running)


def _role(groups: tuple[str, ...]) -> str:
    return next(role for role, givers in ROLES.items() if set(givers) & set(groups))


def _why(error: Exception, say: Say) -> str:
    why = str(error).splitlines()[0]
    say(f"  not there: {why}")
    return why
