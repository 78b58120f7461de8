"""The kinds of value a settings file may hold, and what every section is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

__all__ = ["Duration", "Filled", "FrozenMap", "Secret", "Section"]

K = TypeVar("K")
V = TypeVar("V")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,12})\s*([smhdw])")


class Filled(str):
    """
    Text that came from ``${NAME}`` or ``${file:/path}``.

    Attributes:
        path: The file it was read from, if the whole value stands there.
    """

    __slots__ = ("path",)

    path: Path | None

    def __new__(cls, value: str, path: Path | None = None) -> Self:
        """Text *value*, which stands in the file *path*."""
        filled = super().__new__(cls, value)
        filled.path = path
        return filled


class Section(BaseModel):
    """
    One block of the settings: frozen, and an unknown key is a fault.

    Every adapter's settings are a subclass, so that they are checked together with all others.

    Attributes:
        later: Keys that are accepted already and whose feature comes with a later version: key to the name of
            the feature, and whether ignoring it would weaken protection.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    later: ClassVar[Mapping[str, tuple[str, bool]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _left_empty(cls, value: object) -> object:
        # A block whose keys are all commented out is null in YAML.
        return {} if value is None else value

    @field_validator("*", mode="before")
    @classmethod
    def _exact(cls, value: object, info: ValidationInfo) -> object:
        # Without this, pydantic takes "no" for false and true for 1.
        field = cls.model_fields[info.field_name or ""]
        wanted = {field.annotation, *get_args(field.annotation)} - {NoneType}
        if bool in wanted and wanted <= {bool, bool | None}:
            return _flag(value)
        if int in wanted and wanted <= {int, int | None}:
            return _whole(value)
        return value


def _flag(value: object) -> object:
    if isinstance(value, Filled) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


def _whole(value: object) -> object:
    if isinstance(value, Filled) and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError("must be a whole number")


class Secret:
    """
    A value that is never shown; from a file (``${file:/path}``) it is read again when that changes.

    Args:
        value: The value itself, or
        path: The file that holds it; trailing line ends are not part of it.
    """

    __slots__ = ("_cached", "_path", "_stamp")

    def __init__(self, value: str | None = None, *, path: Path | None = None) -> None:
        self._path = path
        self._cached = value or ""
        self._stamp: tuple[int, int] | None = None
        if path is not None:
            self.reveal()

    def reveal(self) -> str:
        """
        The value as of now.

        Raises:
            OSError: If the file can't be read and never could; a file that vanishes later keeps its last value.
        """
        if self._path is None:
            return self._cached
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                value = self._path.read_text("utf-8").rstrip("\r\n")
                # A file being written is briefly empty, and keys made of nothing are known to everybody.
                if value or self._stamp is None:
                    self._cached, self._stamp = value, stamp
        except OSError:
            # A secret being replaced is briefly gone: the last one is better than a crash at a login.
            if self._stamp is None:
                raise
        return self._cached

    def __repr__(self) -> str:
        return "Secret('…')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self._path)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def convert(value: object) -> Secret:
            if isinstance(value, Secret):
                return value
            if isinstance(value, Filled) and value.path is not None:
                return cls(path=value.path)
            if isinstance(value, str):
                return cls(str(value))
            raise ValueError("must be text")

        return core_schema.no_info_plain_validator_function(
            convert, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "…")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "writeOnly": True}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    text = "" if isinstance(value, bool) else str(value).strip()
    # Digits alone are seconds; a plain number in quotes is refused, for nobody knows what it was meant to be.
    if text.isdecimal() and isinstance(value, int | Filled):
        text += "s"
    match = _DURATION.fullmatch(text) if isinstance(value, int | str) else None
    if match is None:
        raise ValueError("must be a duration such as 30s, 10m, 12h or 14d")
    try:
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except (OverflowError, ValueError) as error:
        raise ValueError("is longer than time can be counted") from error


#: A length of time, written as ``30s``, ``10m``, ``12h``, ``14d``, ``2w`` or a number of seconds.
Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(lambda value: f"{int(value.total_seconds())}s", return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,12}\s*[smhdw]$"}, {"type": "integer", "minimum": 0}]}
    ),
]

#: A mapping that can't be changed; its order is the file's.
FrozenMap: TypeAlias = Annotated[
    Mapping[K, V],
    AfterValidator(lambda value: MappingProxyType(dict(value))),
    PlainSerializer(dict, return_type=dict),
]
