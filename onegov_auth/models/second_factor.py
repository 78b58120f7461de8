"""The second factors of a user, and the one value the first seed knows them by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, declared_attr, relationship

from onegov_auth.models.base import key_name

if TYPE_CHECKING:
    from onegov_auth.models.entities import Entities
    from onegov_auth.models.factor import UserFactor

__all__ = ["MODHEX", "SPARE_TYPES", "WithFactors"]

#: Types that stand in for another one, and are never the primary factor.
SPARE_TYPES = frozenset({"recovery_codes"})

#: The digits of YubiKeys, chosen to be on the same keys of every keyboard.
MODHEX = "cbdefghijklnrtuv"

#: A YubiKey's one-time password is 44 characters; the first 12 are its public id.
_YUBIKEY = re.compile(f"[{MODHEX}]{{12,44}}", re.ASCII)


class WithFactors:
    """What a user knows of the own second factors."""

    __entities__: ClassVar[Entities]

    @declared_attr
    @classmethod
    def factors(cls) -> Mapped[list[UserFactor]]:
        """The second factors, the oldest first."""
        return relationship(
            lambda: cls.__entities__.factor,
            back_populates="user",
            cascade="all, delete-orphan",
            passive_deletes=True,
            order_by=lambda: cls.__entities__.factor.created,
        )

    @property
    def second_factor(self) -> dict[str, Any] | None:
        """
        The primary second factor as ``{'type': …, 'data': …}``, or ``None``.

        Primary is the oldest that is no mere spare. Assigning replaces all factors by this one; ``None``
        removes all. The value is a copy: changing it changes nothing.

        Raises:
            MissingSecretKeyError: If it is a secret and the session has no key; when assigned, at the flush.
        """
        factor = next((factor for factor in self.factors if factor.type not in SPARE_TYPES), None)
        return None if factor is None else {"type": factor.type, "data": factor.value}

    @second_factor.setter
    def second_factor(self, value: Mapping[str, Any] | None) -> None:
        self.factors = [] if not value else [self._new_factor(value["type"], value.get("data"))]

    @hybrid_method
    def has_factor(self, type_: str | None = None) -> bool:
        """Whether there is a second factor of that type, or of any; usable in queries."""
        return any(type_ in {None, factor.type} for factor in self.factors)

    @has_factor.expression
    @classmethod
    def _has_factor(cls, type_: str | None = None) -> ColumnElement[bool]:
        factors = cls.__entities__.factor
        own = factors.user_id == getattr(cls, key_name(cls))
        return exists().where(own if type_ is None else and_(own, factors.type == type_))

    @property
    def has_yubikey(self) -> bool:
        """Whether there is a YubiKey."""
        return self.has_factor("yubikey")

    @property
    def yubikey(self) -> str | None:
        """
        The public id of the YubiKey: twelve characters.

        A whole one-time password may be assigned, of which the public id is kept. Something empty
        removes the YubiKey. Factors of other types stay.

        Raises:
            ValueError: If something is assigned that no YubiKey has typed.
        """
        return next((factor.key for factor in self.factors if factor.type == "yubikey"), None)

    @yubikey.setter
    def yubikey(self, value: str | None) -> None:
        if value and not _YUBIKEY.fullmatch(value):
            raise ValueError("a YubiKey's id has 12 to 44 characters of modhex")
        others = [factor for factor in self.factors if factor.type != "yubikey"]
        self.factors = [*others, self._new_factor("yubikey", value)] if value else others

    @property
    def yubikey_serial(self) -> int | None:
        """The serial number of the YubiKey, as printed on it."""
        if self.yubikey is None:
            return None
        serial = 0
        for character in self.yubikey:
            serial = serial * 16 + MODHEX.index(character)
        return serial

    @property
    def mtan_phone_number(self) -> str | None:
        """The number that text messages with TANs are sent to, if that is a factor."""
        return next((factor.value for factor in self.factors if factor.type == "mtan"), None)

    def _new_factor(self, type_: str, value: Any) -> UserFactor:
        factor = self.__entities__.factor(id=uuid4(), type=type_)
        factor.value = value
        return factor
