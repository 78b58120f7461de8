"""What those who run the site do with other people's accounts: rules, units of work, events."""

from onegov_auth.administration.selected import ManagingSelected, ManyDone

__all__ = ["ManagingSelected", "ManyDone"]
