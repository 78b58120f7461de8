"""YAML or a mapping in, checked settings out; every fault in one error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from pydantic import ValidationError

from onegov_auth.errors import RegistryError, SettingsError
from onegov_auth.settings import plugins
from onegov_auth.settings.checks import cross_faults
from onegov_auth.settings.factors import FactorSettings, SecondFactors
from onegov_auth.settings.faults import keys, sentences, unknown, without
from onegov_auth.settings.model import Settings
from onegov_auth.settings.pending import find_pending
from onegov_auth.settings.providers import ProviderSettings
from onegov_auth.settings.source import Filler, Tree, merge, parse

__all__ = ["SettingsClass", "load_settings", "settings_from"]

#: The settings class of a provider's kind; raises ``RegistryError`` for one that is not installed.
SettingsClass: TypeAlias = Callable[[str], type[ProviderSettings]]

#: The keys that lead to a value.
_Place: TypeAlias = tuple[str, ...]

#: The application of a file that names none.
_MAIN = Settings.model_fields["application"].default

#: Stand in for required keys that have faults, so that everything else can still be looked at together.
_STAND_INS: Mapping[str, Any] = {
    "base_url": "https://localhost",
    "database": "sqlite://",
    "secrets": ["only-to-look-at-the-other-keys-together"],
}


def load_settings(path: str | os.PathLike[str], application: str | None = None) -> Settings:
    """
    The settings in a YAML file.

    Args:
        path: The file.
        application: The tenant, which the file has to know: its own ``application``, an id in ``tenants``, or one
            of a namespace there. The file's own ``application`` if left out.

    Raises:
        SettingsError: With every fault, each beginning with its key path.
    """
    source = os.fspath(path)
    try:
        text = Path(path).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(["(top level): is not UTF-8 text"], source) from error
    except OSError as error:
        raise SettingsError([f"(top level): can't be read: {error.strerror}"], source) from error
    return settings_from(parse(text, source), application, source)


def settings_from(
    mapping: Mapping[str, Any],
    application: str | None = None,
    source: str | None = None,
    environ: Mapping[str, str] | None = None,
    provider_settings: SettingsClass = plugins.provider_settings,
) -> Settings:
    """
    The settings in a mapping of the same shape as the YAML file.

    Args:
        mapping: Key to value.
        application: The tenant, as for :func:`load_settings`.
        source: Where the mapping came from, for messages.
        environ: Where ``${NAME}`` is looked up; the process's environment if left out.
        provider_settings: The settings class of a provider's kind.

    Raises:
        SettingsError: With every fault, each beginning with its key path.
    """
    own = {key: value for key, value in mapping.items() if key != "tenants"}
    tenants = mapping.get("tenants") or {}
    faults = list(_tenant_faults(tenants))
    environ = os.environ if environ is None else environ
    main = str(Filler(environ).fill(own.get("application", _MAIN)))
    if application is not None:
        own["application"] = application
        if isinstance(tenants, Mapping):
            faults += _unknown_tenant(application, main, tenants)
    over = {} if faults else _blocks(tenants, application or main)
    raw = own
    for block in over.values():
        raw = merge(raw, block)
    filler = Filler(environ)
    filled = filler.fill(raw)
    draft = _Draft(filled, provider_settings)
    found = [fault for fault in draft.faults() if not any(_at(fault, path) for path in filler.missing)]
    found = filler.faults + [without(fault, filler.values) for fault in found]
    faults += [_as_written(fault, over) for fault in found]
    if faults:
        raise SettingsError(faults, source)
    settings = _with_existing_roles(draft.settings)
    settings._pending = tuple(find_pending(filled, settings))  # noqa: SLF001 -- the loader fills what YAML has no key for
    settings._tenants = tuple(tenants)  # noqa: SLF001 -- the same
    settings._source = source  # noqa: SLF001 -- the same
    return settings


def _at(fault: str, path: str) -> bool:
    return fault.startswith((f"{path}:", f"{path}."))


def _tenant_faults(tenants: object) -> Iterator[str]:
    if not isinstance(tenants, Mapping):
        yield "tenants: must be a block of application ids or namespaces"
        return
    known = {*keys(Settings)} - {"application"}
    for name, block in tenants.items():
        if not isinstance(block, Mapping):
            yield f"tenants.{name}: must be a block of keys"
            continue
        for key in block:
            if key not in known:
                yield f"tenants.{name}.{key}: {unknown(str(key), known)}"


def _unknown_tenant(application: str, main: str, tenants: Iterable[object]) -> Iterator[str]:
    # A slip of the pen must not end in the database of another tenant.
    written = [str(key) for key in tenants]
    names = [main, *(key for key in written if "/" in key and key != main)]
    if application in names or application.partition("/")[0] in written:
        return
    near = get_close_matches(application, names, n=1)
    hint = f"did you mean {near[0]}? There" if near else "there"
    whole = [f"any of {key}/" for key in written if "/" not in key]
    yield f"application: there is no tenant {application}; {hint} are {', '.join([*names, *whole])}"


def _blocks(tenants: Mapping[str, Any], application: str) -> dict[str, Any]:
    """What lies over the file for that *application*, its namespace's block first."""
    return {name: tenants[name] for name in (application.partition("/")[0], application) if name in tenants}


def _as_written(fault: str, over: Mapping[str, Any]) -> str:
    """*fault* at the key path where the value was written: in the last block that holds it."""
    place = fault.partition(": ")[0].split(".")
    name = next((name for name in reversed([*over]) if _holds(over[name], place)), None)
    return fault if name is None else f"tenants.{name}.{fault}"


def _holds(block: object, place: Iterable[str]) -> bool:
    for key in place:
        if not isinstance(block, Mapping):
            break
        if key not in block:
            return False
        block = block[key]
    return True


def _with_existing_roles(settings: Settings) -> Settings:
    # A kind's default mapping speaks of the default roles; written ones were checked against those that exist.
    changed: dict[str, ProviderSettings] = {}
    for name, block in settings.providers.items():
        roles = {role: groups for role, groups in block.roles.items() if role in settings.roles}
        changed[name] = block if len(roles) == len(block.roles) else block.model_copy(update={"roles": roles})
    return settings.model_copy(update={"providers": MappingProxyType(changed)})


class _Draft:
    """
    Settings in the making.

    A value with faults is set aside, so that the remaining ones can still be checked against each other.
    """

    def __init__(self, filled: Tree, provider_settings: SettingsClass) -> None:
        self._filled = filled
        self._provider_settings = provider_settings
        self.settings: Settings

    def faults(self) -> Iterator[str]:
        """Every fault; none means that ``settings`` is whole."""
        values: Tree = {"providers": {"local": {"kind": "local"}}} | self._filled
        if isinstance(blocks := values.get("providers"), Mapping):
            providers: dict[str, ProviderSettings] = {}
            values["providers"] = providers
            for name, block in blocks.items():
                yield from self._provider(name, block, providers)
        others: dict[str, FactorSettings] = {}
        if isinstance(block := values.get("second_factors"), Mapping):
            theirs = {name: part for name, part in block.items() if name not in keys(SecondFactors)}
            values["second_factors"] = {name: part for name, part in block.items() if name not in theirs}
            for name, part in theirs.items():
                yield from self._factor(name, part, others)
        broken: list[_Place] = []
        try:
            self.settings = Settings.model_validate(values)
        except ValidationError as error:
            yield from sentences(error, Settings)
            broken = _places(error)
            self.settings = self._without(broken, values)
        if others:
            whole = self.settings.second_factors.with_others(others)
            self.settings = self.settings.model_copy(update={"second_factors": whole})
        yield from cross_faults(self.settings, self._filled, [".".join(place) for place in broken])

    def _without(self, broken: list[_Place], values: Tree) -> Settings:
        """The settings with stand-ins or defaults for what is *broken*, to which whole blocks may be added."""
        whole = dict(_STAND_INS) | _pruned(values, broken)
        try:
            return Settings.model_validate(whole)
        except ValidationError as error:
            # A block that lacks what it needs.
            blocks = [place[:1] for place in _places(error)]
            broken += blocks
            return Settings.model_validate(dict(_STAND_INS) | _pruned(whole, blocks))

    def _factor(self, name: object, block: object, into: dict[str, FactorSettings]) -> Iterator[str]:
        """A second factor that doesn't come with the core."""
        path = f"second_factors.{name}"
        try:
            there = plugins.installed(plugins=plugins.FACTORS)
            if name not in there:
                yield f"{path}: {unknown(str(name), {*keys(SecondFactors), *there})}"
                return
            model = plugins.factor_settings(str(name))
        except RegistryError as error:
            yield f"{path}: {error}"
            return
        if block is None:
            return
        if not isinstance(block, Mapping):
            yield f"{path}: must be a block of keys"
            return
        try:
            into[str(name)] = model.model_validate(dict(block))
        except ValidationError as error:
            yield from sentences(error, model, path)

    def _provider(self, name: object, block: object, into: dict[str, ProviderSettings]) -> Iterator[str]:
        path = f"providers.{name}"
        if not isinstance(block, Mapping):
            yield f"{path}: must be a block of keys"
            return
        kind = block.get("kind")
        if not isinstance(kind, str):
            yield f"{path}.kind: {'is required' if kind is None else 'must be text (put it in quotes)'}"
            return
        try:
            model = self._provider_settings(kind)
        except RegistryError as error:
            yield f"{path}.kind: {error}"
            return
        try:
            into[str(name)] = model.model_validate(dict(block))
        except ValidationError as error:
            yield from sentences(error, model, path)
            if (rest := _shared(block, {place[0] for place in _places(error)})) is not None:
                into[str(name)] = rest


def _places(error: ValidationError) -> list[_Place]:
    found = (fault["loc"] for fault in error.errors(include_url=False, include_input=False))
    return [tuple(map(str, place)) for place in found if place]


def _pruned(tree: Mapping[str, Any], places: Iterable[_Place]) -> Tree:
    """*tree* without the values at these *places*; of a list, nothing is left."""
    below: dict[str, list[_Place]] = {}
    for place in places:
        below.setdefault(place[0], []).append(place[1:])
    pruned: Tree = {}
    for key, value in tree.items():
        inner = below.get(key, [])
        if not inner:
            pruned[key] = value
        elif all(inner) and isinstance(value, Mapping):
            pruned[key] = _pruned(value, inner)
    return pruned


def _shared(block: Mapping[str, Any], broken: set[str]) -> ProviderSettings | None:
    """What all kinds share of a provider's *block* that has faults elsewhere."""
    if broken & {"link", "link_domains"}:
        broken = broken | {"link", "link_domains"}
    whole = {key: value for key, value in block.items() if key in {*keys(ProviderSettings)} - broken}
    try:
        return ProviderSettings.model_validate(whole)
    except ValidationError:
        return None
