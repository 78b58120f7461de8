"""The JSON Schema of the settings file, for editors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from onegov_auth.settings import plugins
from onegov_auth.settings.factors import OURS
from onegov_auth.settings.loader import SettingsClass
from onegov_auth.settings.model import Settings
from onegov_auth.settings.types import Section

__all__ = ["settings_schema"]

Schema: TypeAlias = dict[str, Any]

#: The dialect of the schema itself.
DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: In place of anything that is no text, ``${NAME}`` or ``${file:/path}`` may stand.
_FILLED: Schema = {"type": "string", "pattern": r"^\$\{[^{}]+\}$"}

_REFERENCE = "#/$defs/"

#: What names a definition whose keys may all be left out, as in ``tenants``.
_PARTIAL = "Partial"


def settings_schema(
    kinds: Iterable[str] | None = None, provider_settings: SettingsClass = plugins.provider_settings
) -> Schema:
    """
    The JSON Schema (draft 2020-12), with one alternative per kind of provider.

    Args:
        kinds: The kinds of provider; those that are installed if left out.
        provider_settings: The settings class of a kind.

    Raises:
        RegistryError: If a kind or second factor is unknown or can't be loaded.
    """
    models = {kind: provider_settings(kind) for kind in sorted(plugins.installed() if kinds is None else kinds)}
    factors = {type_: plugins.factor_settings(type_) for type_ in _other_factors()}
    wanted: dict[type[Section], None] = dict.fromkeys([Settings, *models.values(), *factors.values()])
    made, whole = models_json_schema([(model, "validation") for model in wanted], by_alias=True)
    definitions: dict[str, Schema] = whole["$defs"]
    root = copy.deepcopy(_resolved(made[Settings, "validation"], definitions))
    blocks = {kind: _resolved(made[model, "validation"], definitions) for kind, model in models.items()}
    root["properties"]["providers"] = {
        "type": "object",
        "additionalProperties": {"oneOf": list(map(_of_kind, blocks, blocks.values()))},
    }
    for type_, model in factors.items():
        definitions["SecondFactors"]["properties"][type_] = {"anyOf": [made[model, "validation"], {"type": "null"}]}
    tenant = _tenant(root, blocks)
    definitions |= {name + _PARTIAL: _partial(schema) for name, schema in definitions.items()}
    root["properties"]["tenants"] = {"type": "object", "additionalProperties": tenant}
    filled: Schema = _with_filled({**root, "$defs": definitions})
    return {"$schema": DIALECT, **filled, "title": "The settings of onegov-auth"}


def _other_factors() -> list[str]:
    """The installed factors that don't come with the core."""
    return sorted(plugins.installed(plugins=plugins.FACTORS).keys() - set(OURS))


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    return definitions[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema


def _of_kind(kind: str, schema: Schema) -> Schema:
    return {**schema, "title": kind, "properties": {**schema["properties"], "kind": {"const": kind}}}


def _tenant(root: Schema, blocks: dict[str, Schema]) -> Schema:
    properties = {key: _partial(value) for key, value in root["properties"].items() if key != "application"}
    kinds = [_partial(schema) for schema in blocks.values()]
    # null takes a block away.
    properties["providers"] = {
        "type": ["object", "null"],
        "additionalProperties": {"anyOf": [*kinds, {"type": "null"}]},
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _partial(schema: Schema) -> Schema:
    partial = _inside(schema, _partial)
    partial.pop("required", None)
    if "$ref" in partial:
        partial["$ref"] += _PARTIAL
    return partial


def _with_filled(schema: Schema) -> Schema:
    inside = _inside(schema, _with_filled)
    kind = schema.get("type")
    scalar = kind in ("boolean", "integer", "number")
    narrow_text = kind == "string" and bool({"enum", "const", "pattern", "format"} & schema.keys())
    return {"anyOf": [inside, _FILLED]} if scalar or narrow_text else inside


def _inside(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy of *schema* in which everything below it was changed."""
    changed = dict(schema)
    for key in {"properties", "$defs"} & schema.keys():
        changed[key] = {name: change(part) for name, part in schema[key].items()}
    for key in {"anyOf", "oneOf", "allOf", "prefixItems"} & schema.keys():
        changed[key] = [change(part) for part in schema[key]]
    for key in {"items", "additionalProperties"} & schema.keys():
        if isinstance(schema[key], dict):
            changed[key] = change(schema[key])
    return changed
