"""What leaves the house: mails and text messages, queued with what they tell of, sent from outside of it."""

from onegov_auth.mail.delivery import Delivered
from onegov_auth.mail.devices import device
from onegov_auth.mail.mailer import Mailer
from onegov_auth.mail.messages import KINDS
from onegov_auth.mail.outbox import Outbox
from onegov_auth.mail.sms import SMSSender, Spool
from onegov_auth.mail.transports import NotSentError, Transport

__all__ = ["KINDS", "Delivered", "Mailer", "NotSentError", "Outbox", "SMSSender", "Spool", "Transport", "device"]
