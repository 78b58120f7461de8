pytest_plugins = ["onegov_auth.testing.plugin"]
