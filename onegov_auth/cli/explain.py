"""``onegov-auth explain``: who somebody is and may do what, and why; or what happened at a login, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import or_, select

from onegov_auth.attempts import Attempts
from onegov_auth.cli.failures import NO, Failure
from onegov_auth.cli.operator import Operator, find_user, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.clock import utcnow
from onegov_auth.collections import UserCollection
from onegov_auth.domain import hexadecimal
from onegov_auth.events import Ending, ending
from onegov_auth.models import key_of
from onegov_auth.permissions.effective import Rights
from onegov_auth.permissions.explain import Explanation, explain_permission
from onegov_auth.permissions.grants import Granted, Grants

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User

__all__ = ["explain"]

#: SQLite's and PostgreSQL's largest number of an event.
MAX_NUMBER = 2**63 - 1

_RESULTS = {Ending.GOOD: "ok", Ending.REFUSED: "refused", Ending.OPEN: "not finished"}

Row = dict[str, Any]


@click.command(cls=Command)
@click.argument("what", metavar="USER|ATTEMPT")
@click.option("--permission", metavar="TOKEN", help="Only whether the user has this permission, and why or why not.")
@pass_operator
def explain(operator: Operator, *, what: str, permission: str | None) -> None:
    """
    Say who USER is and may do what, and why; or what happened at ATTEMPT, step by step.

    ATTEMPT is the number of an event, written #123, or the id of a request as log lines and error pages have it.
    """
    with operator.database.read() as db:
        if permission is not None:
            return _permission(operator, find_user(db, what), permission)
        user = None if what.startswith("#") else UserCollection(db).by_username(what)
        if user is not None:
            row = _user(operator, db, user)
            return _answer(operator, _user_lines(row), row)
        events = _events(operator, db, what)
    if not events:
        raise Failure(f"There is no user, event or request {what}.", NO)
    return operator.output.rows(events, [line for event in events for line in _event_lines(event)])


def _permission(operator: Operator, user: User, token: str) -> None:
    found = explain_permission(user, token)
    row = {"username": user.username, "permission": token, "has": bool(found.chains), **_reasons(found)}
    lines = (f"  {line}" if line in found.why_not else f"{user.username} {line}" for line in str(found).splitlines())
    _answer(operator, lines, row)
    if not found.chains:
        raise click.exceptions.Exit(NO)


def _answer(operator: Operator, lines: Iterable[str], row: Row) -> None:
    if operator.output.as_json:
        operator.output.answer("", **row)
    else:
        operator.output.rows((), lines)


def _reasons(found: Explanation) -> Row:
    return {
        "because": list(map(str, found.chains)),
        "ended": list(map(str, found.ended)),
        "why_not": list(found.why_not),
    }


def _user(operator: Operator, db: Session, user: User) -> Row:
    given = Grants(operator.entities).of(db, user)
    rights = Rights(operator.database, entities=operator.entities)
    tokens = sorted(rights.tokens(hexadecimal(key_of(user)), user.rights_stamp))
    return {
        "username": user.username,
        "realname": user.realname,
        "email": user.email,
        "email_verified": user.email_verified,
        "role": user.role,
        "role_given_by": user.role_origin,
        "superuser": user.is_superuser,
        **_state(operator, db, user),
        "identities": [_identity(one) for one in sorted(user.identities, key=lambda one: one.created)],
        "groups": [_granted(one) for one in given if one.right.kind == "group"],
        "bundles": [_granted(one) for one in given if one.right.kind == "bundle"],
        "rights": {token: list(map(str, explain_permission(user, token).chains)) for token in tokens},
    }


def _state(operator: Operator, db: Session, user: User) -> Row:
    tries = Attempts(operator.database, operator.settings.attempts, entities=operator.entities)
    newest = tries.list(db, kind="login", name=user.username, limit=1)
    # A lockout ends so long after the failure that began it, and nothing that is tried meanwhile prolongs it.
    begun = utcnow() - operator.settings.attempts.login.lockout
    locked = bool(newest) and newest[0].is_during_lockout and newest[0].datetime_utc > begun
    return {
        "active": user.is_active,
        "deactivated_by": user.deactivated_by,
        "disabled_utc": user.disabled_utc,
        "locked": locked,
        "last_attempt": newest[0].datetime_utc if newest else None,
        "last_attempt_code": newest[0].code if newest else None,
        "last_login": user.last_login,
        "password": bool(user.password_hash) and operator.settings.password_login(user.role),
        "pending_steps": list(user.pending_steps or ()),
        "factors": sorted(factor.type for factor in user.factors),
    }


def _identity(one: Any) -> Row:
    names = ("source", "source_id", "issuer", "proof", "created", "last_used", "frozen", "missed")
    return {name: getattr(one, name) for name in names}


def _granted(one: Granted) -> Row:
    return {"name": one.right.name, "given_by": one.origin, "rule": one.rule, "expires": one.expires}


def _user_lines(row: Row) -> Iterator[str]:
    verified = "verified" if row["email_verified"] else "not verified"
    yield f"{row['username']}" + (f" ({row['realname']})" if row["realname"] else "")
    yield f"  e-mail: {row['email']} ({verified})" if row["email"] else "  e-mail: none"
    yield f"  role: {row['role']}, {_by(row['role_given_by'])}" + ("; superuser" if row["superuser"] else "")
    yield f"  state: {', '.join(_states(row))}"
    for one in row["identities"]:
        state = "; frozen" if one["frozen"] else f"; missed in {one['missed']} syncs" if one["missed"] else ""
        linked = f"linked {_time(one['created'])}, {one['proof']}{state}"
        yield f"  comes by {one['source']} as {one['source_id']} ({linked})"
    for kind in ("groups", "bundles"):
        for one in row[kind]:
            end = f", until {_time(one['expires'])}" if one["expires"] else ""
            yield f"  {kind[:-1]} {one['name']}: {_by(one['given_by'], one['rule'])}{end}"
    for token, chains in row["rights"].items():
        for chain in chains:
            yield f"  may {token}: {chain}"
    if not row["rights"]:
        yield "  has no permissions"


def _states(row: Row) -> Iterator[str]:
    if row["active"]:
        yield "active"
    else:
        since = f" since {_time(row['disabled_utc'])}" if row["disabled_utc"] else ""
        yield f"inactive{since}" + (f", by {row['deactivated_by']}" if row["deactivated_by"] else "")
    if row["locked"]:
        yield f"locked after too many attempts, the last one at {_time(row['last_attempt'])}"
    yield "has a local password" if row["password"] else "has no local password that lets in"
    yield f"second factors: {', '.join(row['factors']) or 'none'}"
    if row["pending_steps"]:
        yield f"has to take steps at the next login: {', '.join(row['pending_steps'])}"
    yield f"last login: {_time(row['last_login'])}"


def _by(origin: str | None, rule: str | None = None) -> str:
    if origin is None:
        return "given by hand"
    return f"given by {origin}" + (f" for its group {rule}" if rule else "")


def _time(moment: Any) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _events(operator: Operator, db: Session, what: str) -> list[Row]:
    rows: Any = operator.entities.event
    number = what.removeprefix("#")
    wanted = [rows.request_id == what]
    if number.isascii() and number.isdecimal() and int(number) <= MAX_NUMBER:
        wanted.append(rows.id == int(number))
    found = db.scalars(select(rows).where(or_(*wanted)).order_by(rows.id))
    names = ("id", "created", "type", "code", "username", "provider", "factor", "address", "request_id", "user_agent")
    return [
        {
            **{name: getattr(row, name) for name in names},
            "result": ending(row.type, row.code).value,
            "steps": list(map(list, row.steps)),
        }
        for row in found
    ]


def _event_lines(row: Row) -> Sequence[str]:
    about = ("username", "provider", "factor", "address", "request_id", "user_agent")
    told = [f"  {name.replace('_', ' ')}: {row[name]}" for name in about if row[name] is not None]
    steps = [f"  {number}. {name}: {detail}" for number, (name, detail) in enumerate(row["steps"], 1)]
    result = _RESULTS[row["result"]]
    if row["code"] not in {None, "ok", row["type"]}:
        result = f"{result} ({row['code']})"
    return [f"#{row['id']} {_time(row['created'])} {row['type']}: {result}", *told, *steps]
