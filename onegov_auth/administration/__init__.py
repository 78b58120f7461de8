"""What those who run the site do with other people's accounts: rules, units of work, events."""

from onegov_auth.administration.managing import Managing
from onegov_auth.administration.selected import ManyDone

__all__ = ["Managing", "ManyDone"]
