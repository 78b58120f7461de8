"""The shipped test kit: a pytest plugin, contract suites, a fake clock, throw-away servers."""

from onegov_auth.testing import rewriting

__all__ = ["rewriting"]
