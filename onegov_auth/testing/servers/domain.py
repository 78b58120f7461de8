"""What the throw-away Active Directory domain is filled with: the five people, and accounts in every state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onegov_auth.testing.servers.ldif import Attributes, add_record, modify_record
from onegov_auth.testing.servers.people import GROUPS, PEOPLE, people_in

__all__ = ["ACCOUNTS", "CROWD", "SECRET", "Account", "domain_seed", "quoted"]

#: The password of every account that is not one of the five people.
SECRET = "a-Secret-of-1-account"

#: How many members the group "crowd" has: more than the 1500 that a Windows server tells at once.
CROWD = 1600

#: MS-ADTS §2.2.16.
_NORMAL, _DISABLED = "512", "514"


@dataclass(frozen=True)
class Account:
    """
    Somebody beside the five people; the password is :data:`SECRET`.

    Attributes:
        name: ``sAMAccountName``; the address is ``name@example.org`` unless *attributes* say another.
        rdn: The first part of the DN.
        attributes: What makes the account special.
    """

    name: str
    rdn: str
    attributes: Attributes


ACCOUNTS = (
    Account("disabled", "CN=Dora Disabled", {"userAccountControl": _DISABLED}),
    Account("ended", "CN=Emil Ended", {"accountExpires": "128000000000000000"}),
    Account("stale", "CN=Stella Stale", {}),
    Account("fresh", "CN=Fred Fresh", {"pwdLastSet": "0"}),
    Account("guessed", "CN=Gina Guessed", {}),
    Account("lone", "CN=Lou Lone", {}),
    Account("deep", "CN=Dina Deep", {}),
    Account("zoe", "CN=Zoë Müller", {"givenName": "Zoë", "sn": "Müller"}),
    Account(
        "hans", 'CN=Müller\\, Hans (extern)* \\\\ \\#1 \\"x\\"', {"givenName": "Hans (extern)", "sn": 'Müller, "x"'}
    ),
    Account("carol", "CN=Carol", {}),
    Account("twin", "CN=Twin", {"mail": "carol"}),
)


def quoted(password: str) -> bytes:
    """A password as ``unicodePwd`` takes it (MS-ADTS §3.1.1.3.1.5.1)."""
    return f'"{password}"'.encode("utf-16-le")


def domain_seed(base: str, service_password: str) -> str:
    """
    The domain's first data.

    Groups four deep in a circle (``deep`` is in ``nested-1``, that in ``nested-2``, up to ``nested-4``, which is in
    ``nested-1`` again), ``dario`` with the primary group ``primary``, which is in ``around-primary``, and a group
    ``crowd`` of :data:`CROWD` members, with ``lone`` as the last.
    """
    units = ("people", "leavers", "groups", "services", "crowd")
    records = [
        # What a password is made of is not our subject.
        modify_record(base, {"pwdProperties": "0", "minPwdLength": "0"}),
        *(add_record(f"OU={unit},{base}", {"objectClass": "organizationalUnit"}) for unit in units),
        _user(f"CN=service,OU=services,{base}", "service", service_password, {}),
        *_people(base),
        *_groups(base),
        _strict(base),
    ]
    return "".join(records)


def _people(base: str) -> Iterable[str]:
    for person in PEOPLE:
        names = {"givenName": person.givenname, "sn": person.surname, "mail": person.mail}
        yield _user(f"CN={person.realname},OU=people,{base}", person.uid, person.password, names)
    for account in ACCOUNTS:
        names = {"givenName": account.name.title(), "sn": "Test", "mail": f"{account.name}@example.org"}
        yield _user(f"{account.rdn},OU=people,{base}", account.name, SECRET, {**names, **account.attributes})
    for number in range(CROWD - 1):
        yield add_record(f"CN=crowd {number},OU=crowd,{base}", {"objectClass": "contact"})


def _user(dn: str, name: str, password: str, attributes: Attributes) -> str:
    account: dict[str, str | bytes] = {
        "objectClass": "user",
        "sAMAccountName": name,
        "userPrincipalName": f"{name}@ad.example.org",
        "unicodePwd": quoted(password),
        "userAccountControl": _NORMAL,
    }
    return add_record(dn, {**account, **attributes})


def _groups(base: str) -> Iterable[str]:
    def group(name: str, *members: str) -> str:
        return add_record(f"CN={name},OU=groups,{base}", {"objectClass": "group", "member": members})

    def person(rdn: str) -> str:
        return f"{rdn},OU=people,{base}"

    for name in GROUPS:
        yield group(name, *(person(f"CN={one.realname}") for one in people_in(name)))
    yield group("nested-1", person("CN=Dina Deep"))
    for depth in (2, 3, 4):
        yield group(f"nested-{depth}", f"CN=nested-{depth - 1},OU=groups,{base}")
    circle = [person("CN=Dina Deep"), f"CN=nested-4,OU=groups,{base}"]
    yield modify_record(f"CN=nested-1,OU=groups,{base}", {"member": circle})
    yield group("primary", person("CN=Dario De Luca"))
    yield group("around-primary", f"CN=primary,OU=groups,{base}")
    crowd = [f"CN=crowd {number},OU=crowd,{base}" for number in range(CROWD - 1)]
    yield group("crowd", *crowd, person("CN=Lou Lone"))


def _strict(base: str) -> str:
    """A password policy (MS-ADTS §3.1.1.4.4.1) that locks "guessed" for half an hour after three wrong tries."""
    return add_record(
        f"CN=strict,CN=Password Settings Container,CN=System,{base}",
        {
            "objectClass": "msDS-PasswordSettings",
            "msDS-PSOAppliesTo": f"CN=Gina Guessed,OU=people,{base}",
            "msDS-PasswordSettingsPrecedence": "1",
            "msDS-LockoutThreshold": "3",
            # Times are negative, in units of 100 ns.
            "msDS-LockoutDuration": "-18000000000",
            "msDS-LockoutObservationWindow": "-18000000000",
            "msDS-MaximumPasswordAge": "-36288000000000",
            "msDS-MinimumPasswordAge": "0",
            "msDS-MinimumPasswordLength": "0",
            "msDS-PasswordHistoryLength": "0",
            "msDS-PasswordComplexityEnabled": "FALSE",
            "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        },
    )
