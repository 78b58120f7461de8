from __future__ import annotations

import json

import jsonschema
from click.testing import CliRunner

from onegov_auth.cli import main


def test_schema() -> None:
    """What is printed is a JSON Schema, which takes a right file and refuses a wrong one."""
    result = CliRunner().invoke(main, ["schema"])

    assert result.exit_code == 0, result.output
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    right = {"base_url": "https://app.example.org", "database": "sqlite://", "secrets": ["${AUTH_SECRET}"]}
    assert validator.is_valid(right)
    assert not validator.is_valid(right | {"secret": "x"})
