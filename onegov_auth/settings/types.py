"""The kinds of value a settings file may hold, and what every section is made of."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

__all__ = ["Duration", "Secret", "Section"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)\s*([smhdw])")


class Section(BaseModel):
    """
    One block of the settings: frozen, and an unknown key is a fault.

    Every adapter's settings are a subclass, so that they are checked together with all others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


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
                self._cached, self._stamp = self._path.read_text("utf-8").rstrip("\r\n"), stamp
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
            if isinstance(value, str):
                return cls(value)
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
    if isinstance(value, bool):
        raise ValueError("must be a duration such as 30s, 10m, 12h or 14d")
    if isinstance(value, int) and value >= 0:
        return timedelta(seconds=value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a duration such as 30s, 10m, 12h or 14d")
    try:
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError as error:
        raise ValueError("is longer than time can be counted") from error


#: A length of time, written as ``30s``, ``10m``, ``12h``, ``14d``, ``2w`` or a number of seconds.
Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(lambda value: f"{int(value.total_seconds())}s", return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+\s*[smhdw]$"}, {"type": "integer", "minimum": 0}]}
    ),
]
