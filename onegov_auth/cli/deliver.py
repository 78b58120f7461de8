"""``onegov-auth deliver``: send the mails and text messages that wait."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from onegov_auth.cli.failures import FAILED
from onegov_auth.cli.operator import Operator, pass_operator
from onegov_auth.cli.options import Command
from onegov_auth.cli.output import progress
from onegov_auth.keys import Keys
from onegov_auth.mail import Mailer

__all__ = ["deliver"]


@click.command(cls=Command)
@pass_operator
def deliver(operator: Operator) -> None:
    """Send the mails and text messages that wait and are due; exit code 4 if one is given up."""
    settings = operator.configured()
    keys = Keys(settings.secrets, settings.application)
    mailer = Mailer(settings, operator.database, keys, directories=_templates(operator), entities=operator.entities)
    with progress(range(mailer.waiting), "Sending") as steps:
        ticks = iter(steps)
        done = mailer.deliver(lambda: next(ticks, None))
    sentence = f"Sent: {done.sent}. Given up: {done.failed}. Still waiting: {done.waiting}."
    if done.failed:
        operator.output.answer(sentence, sent=done.sent, failed=done.failed, waiting=done.waiting)
        raise click.exceptions.Exit(FAILED)
    operator.output.done(sentence, sent=done.sent, failed=done.failed, waiting=done.waiting)


def _templates(operator: Operator) -> Sequence[Path]:
    """Where the application that ``--app`` names has templates of its own."""
    return () if operator.application is None else [Path(folder) for folder in operator.application.mail_templates]
