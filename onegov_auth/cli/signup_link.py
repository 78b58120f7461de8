"""``onegov-auth signup-link``: links by which people may register."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click
from sqlalchemy import select

from onegov_auth.cli.add import known_role
from onegov_auth.cli.failures import NO, USAGE, Failure
from onegov_auth.cli.operator import Operator, Work, pass_operator
from onegov_auth.cli.options import Command, duration
from onegov_auth.domain import Step
from onegov_auth.keys import Keys
from onegov_auth.models import entities_of, key_of
from onegov_auth.signup import MAX_USES, SignupLinks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from onegov_auth.models import SignupLink, User

__all__ = ["signup_link"]


@click.command("signup-link", cls=Command)
@click.argument("role", required=False)
@click.option(
    "--max-age",
    metavar="DURATION",
    callback=duration,
    default="1d",
    show_default=True,
    help="How long the link is good.",
)
@click.option(
    "--max-uses", type=click.IntRange(1, MAX_USES), default=1, show_default=True, help="How many people may come."
)
@click.option("--group", metavar="NAME", help="The group they become members of.")
@click.option("--domain", metavar="DOMAIN", help="The domain their addresses have to be of.")
@click.option("--mount", default="/auth", show_default=True, help="The path of the pages.")
@click.option("--list", "listed", is_flag=True, help="List the links there are.")
@click.option("--revoke", metavar="ID", help="Let nobody in by this link any more.")
@pass_operator
def signup_link(  # noqa: PLR0913 - the options
    operator: Operator,
    *,
    role: str | None,
    max_age: timedelta,
    max_uses: int,
    group: str | None,
    domain: str | None,
    mount: str,
    listed: bool,
    revoke: str | None,
) -> None:
    """
    Make a link by which people may register with the role ROLE; or list the links, or revoke one.

    Whoever has the link may use it: hand it to those who are meant.
    """
    if [role is not None, listed, revoke is not None].count(True) != 1:
        raise Failure("Name a role, or one of --list and --revoke ID.", USAGE)
    if listed:
        _list(operator)
    elif revoke is not None:
        _revoke(operator, revoke)
    else:
        _make(operator, role or "", max_age, max_uses, group=group, domain=domain, mount=mount)


def _links(operator: Operator, keys: Keys | None = None) -> SignupLinks:
    settings = operator.settings
    return SignupLinks(
        keys or Keys((), settings.application),
        roles=tuple(settings.roles),
        privileged_roles=settings.privileged_roles,
    )


def _make(  # noqa: PLR0913 - the options
    operator: Operator,
    role: str,
    max_age: timedelta,
    max_uses: int,
    *,
    group: str | None,
    domain: str | None,
    mount: str,
) -> None:
    settings = operator.configured()
    known_role(operator, role)
    links = _links(operator, Keys(settings.secrets, settings.application))

    def work(unit: Work) -> tuple[str, str, datetime]:
        group_id = None if group is None else _group(unit.db, group)
        try:
            token, row = links.make(unit.db, role, max_age, max_uses, group_id=group_id, domain=domain)
        except ValueError as error:
            raise Failure(f"{str(error).capitalize()}.") from error
        steps = (Step("link", str(row.id)), Step("role", role), Step("uses", str(max_uses)))
        unit.tell("signup_link", None, *steps)
        return token, str(row.id), row.expires

    token, id_, expires = operator.change(work)
    url = f"{settings.base_url}{mount}/register?{urlencode({'token': token})}"
    operator.output.answer(url, url=url, token=token, id=id_, role=role, max_uses=max_uses, expires=expires)


def _group(db: Session, name: str) -> object:
    groups = entities_of(db).group
    found = db.scalars(select(groups).where(groups.name == name)).all()
    if len(found) != 1:
        raise Failure(f"There is no group {name}." if not found else f"There are several groups {name}.", NO)
    return key_of(found[0])


def _list(operator: Operator) -> None:
    with operator.database.read() as db:
        links = _links(operator)
        rows = [_told(db, link, links.users(db, link.id)) for link in links.list(db)]
    lines = [
        f"{row['id']} {row['role']} {row['uses']}/{row['max_uses']} until {row['expires']:%Y-%m-%d %H:%M}"
        + (f" @{row['domain']}" if row["domain"] else "")
        + (f" group {row['group']}" if row["group"] else "")
        + (f" by {row['made_by']}" if row["made_by"] else "")
        + (" revoked" if row["revoked"] else "")
        for row in rows
    ]
    operator.output.rows(rows, lines)


def _told(db: Session, link: SignupLink, people: Sequence[User]) -> dict[str, object]:
    names = ("id", "role", "domain", "uses", "max_uses", "created", "expires", "revoked")
    entities = entities_of(db)
    group = db.get(entities.group, link.group_id) if link.group_id else None
    maker = db.get(entities.user, link.made_by) if link.made_by else None
    return {name: getattr(link, name) for name in names} | {
        "group": None if group is None else group.name,
        "made_by": None if maker is None else maker.username,
        "people": [user.username for user in people],
    }


def _revoke(operator: Operator, id_: str) -> None:
    def work(unit: Work) -> None:
        if not _links(operator).revoke(unit.db, id_):
            raise Failure(f"There is no signup link {id_} in force.", NO)
        unit.tell("signup_link_revoked", None, Step("link", id_))

    operator.change(work)
    operator.output.done("Nobody registers by that link any more; who did stays.", id=id_)
