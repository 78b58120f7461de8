"""The shipped test kit: a pytest plugin, contract suites, a fake clock, throw-away servers."""
