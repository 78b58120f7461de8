"""Reading YAML, filling in ``${…}``, and laying a tenant's keys over the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from onegov_auth.errors import SettingsError
from onegov_auth.settings.types import Filled

__all__ = ["Filler", "Tree", "merge", "parse"]

#: What a settings file holds, as YAML reads it.
Tree: TypeAlias = dict[str, Any]

_PLACE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse(text: str, source: str | None = None) -> Tree:
    """
    The mapping a YAML document holds.

    Raises:
        SettingsError: If it is no YAML, no mapping, has a key twice or a key that is not text.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            faults = [] if node is None else list(_key_faults(node, ""))
            tree = {} if node is None or faults else loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError([_yaml_fault(error)], source) from error
    if faults:
        raise SettingsError(faults, source)
    if not isinstance(tree, dict):
        raise SettingsError(["(top level): must be a mapping of keys"], source)
    return tree


def _yaml_fault(error: Exception) -> str:
    # The text of the line itself is left out: it may hold a secret.
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "(top level)"
    return f"{where}: is not valid YAML: {getattr(error, 'problem', None) or 'it can not be read'}"


def _key_faults(node: yaml.Node, path: str) -> Iterator[str]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _key_faults(item, join(path, str(index)))
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                yield f"{path or '(top level)'}: the key in line {line} must be text (put it in quotes)"
                continue
            here = join(path, key.value)
            if key.value in lines:
                # YAML would take the last one without a word.
                yield f"{here}: is there twice, in line {lines[key.value]} and line {line}"
            lines[key.value] = line
            yield from _key_faults(value, here)


def join(path: str, key: str) -> str:
    """The key path one level further down."""
    return f"{path}.{key}" if path else key


class Filler:
    """
    Fills in ``${NAME}`` and ``${file:/path}``; ``$${`` stands for ``${`` itself.

    Args:
        environ: Where variables are looked up.

    Attributes:
        faults: What could not be filled in, each beginning with its key path.
        missing: The key paths of those.
        values: What was filled in; may be secret, and must not be shown in a message.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []
        self.missing: set[str] = set()
        self.values: set[str] = set()

    def fill(self, value: Any, path: str = "") -> Any:
        """A copy of *value* with every text in it filled in."""
        if isinstance(value, Mapping):
            return {key: self.fill(item, join(path, str(key))) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(item, join(path, str(index))) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(value, path)
        return value

    def _text(self, value: str, path: str) -> str:
        whole = _PLACE.fullmatch(value)
        if whole and whole[1] is not None and whole[1].startswith("file:"):
            return self._file(whole[1].removeprefix("file:"), path)
        filled = _PLACE.sub(lambda match: self._place(match, path), value)
        return Filled(filled)

    def _place(self, match: re.Match[str], path: str) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None:
            return self._fault(path, "has a ${ without its }; write $${ for the characters themselves")
        if name.startswith("file:"):
            return self._fault(path, "${file:…} must be the whole value")
        if not _NAME.fullmatch(name):
            return self._fault(path, "${…} must hold the name of an environment variable or file:/path")
        if name not in self._environ:
            return self._fault(path, f"the environment variable {name} is not set")
        self.values.add(self._environ[name])
        return self._environ[name]

    def _file(self, name: str, path: str) -> str:
        try:
            text = Path(name).read_text("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
            return self._fault(path, f"the file {name} can't be read: {reason}")
        self.values.add(text)
        return Filled(text, Path(name))

    def _fault(self, path: str, sentence: str) -> str:
        self.faults.append(f"{path}: {sentence}")
        self.missing.add(path)
        return ""


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    """
    *above* laid over *below*, block by block.

    A block that is ``null`` above is taken away; a provider of another ``kind`` replaces the one below.
    """
    merged: Tree = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and value is None:
            del merged[key]
        elif (
            isinstance(old, Mapping)
            and isinstance(value, Mapping)
            and value.get("kind", old.get("kind")) == old.get("kind")
        ):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged
