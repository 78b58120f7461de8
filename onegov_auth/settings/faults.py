"""What pydantic found, as sentences for people: key path first, never the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onegov_auth.settings.types import Section

__all__ = ["keys", "sentences", "unknown", "without"]

#: What replaces a value that must not be shown.
HIDDEN = "…"

#: Shorter values would blank out half of the words, and are no secrets worth their name.
_SHORTEST = 6

#: pydantic's error types and what is to be said instead; the braces take its context.
_TEXTS = {
    "missing": "is required",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "string_type": "must be text (put it in quotes)",
    "model_type": "must be a block of keys",
    "mapping_type": "must be a block of keys",
    "dict_type": "must be a block of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must look like {pattern}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


def sentences(error: ValidationError, model: type[Section], prefix: str = "") -> Iterator[str]:
    """
    One sentence per fault of a *model* at the key path *prefix*.

    Only the place, the rule and the words of our own validators are used; pydantic's texts may repeat the value.
    """
    for fault in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in fault["loc"]]
        path = ".".join([prefix, *location] if prefix else location) or "(top level)"
        if fault["type"] == "extra_forbidden":
            yield f"{path}: {unknown(location[-1], _keys(model, location[:-1]))}"
        else:
            text = _text(fault)
            key, colon, rest = text.partition(": ")
            # A validator of a whole block says itself which of its keys it means.
            inner = bool(colon) and key.split(".")[0] in _keys(model, location)
            yield f"{path}.{key}: {rest}" if inner else f"{path}: {text}"


def _text(fault: ErrorDetails) -> str:
    template = _TEXTS.get(fault["type"])
    if template is None:
        return "is not understood"
    return template.format_map(fault.get("ctx", {}))


def unknown(key: str, known: Iterable[str]) -> str:
    """What is said of an unknown *key*, with the nearest of the *known* ones."""
    names = sorted(known)
    near = get_close_matches(key, names, n=1, cutoff=0.6)
    if near:
        return f"is unknown; did you mean {near[0]}?"
    return f"is unknown (known: {', '.join(names)})" if names else "is unknown"


def keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a block, as they are written in YAML."""
    for name, field in model.model_fields.items():
        yield field.alias or name


def _keys(model: type[BaseModel], location: Iterable[str]) -> list[str]:
    found: type[BaseModel] | None = model
    for part in location:
        field = {f.alias or name: f for name, f in found.model_fields.items()}.get(part) if found else None
        found = _model_in(field.annotation) if field is not None else None
    return list(keys(found)) if found is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def without(sentence: str, values: Iterable[str]) -> str:
    """*sentence* without any of the *values* that were filled in from outside, should a validator have repeated one."""
    path, colon, text = sentence.partition(": ")
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return path + colon + text
