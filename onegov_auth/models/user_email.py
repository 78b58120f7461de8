"""Users who log in by their e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, synonym

from onegov_auth.models.types import LowerText
from onegov_auth.models.user import UserMixin

__all__ = ["UserEmailMixin", "get_username", "get_username_key"]


class UserEmailMixin(UserMixin):
    """
    A :class:`UserMixin` whose login name is the e-mail address: one column, called ``email`` unless declared anew.

    ``username`` and ``email`` are two names of it. Nobody is let in by a password before the
    address is verified.
    """

    #: The login name, which is the address, in lower case. Declare this one anew to give the column another name.
    username: Mapped[str] = mapped_column("email", LowerText, nullable=False, unique=True, active_history=True)

    if not TYPE_CHECKING:

        @declared_attr
        @classmethod
        def email(cls) -> Mapped[str]:
            """The address, another name of :attr:`username`; without one, nobody could log in."""
            return synonym("username", descriptor=property(_email, _set_email))

    @declared_attr
    @classmethod
    def is_verified(cls) -> Mapped[bool]:
        """The second seed's name of :attr:`email_verified`."""
        return synonym("email_verified")

    @property
    def is_confirmed(self) -> bool:
        """Whether the address is verified, or a provider knows the user by something better than an address."""
        return bool(self.email_verified) or self.source is not None

    @classmethod
    def active_at(cls, now: Any) -> ColumnElement[bool]:
        """As of any user, and :attr:`is_confirmed`."""
        return and_(super().active_at(now), or_(cls.email_verified, cls.source.is_not(None)))

    def enable(self) -> None:
        """Let the user log in again; whoever does so vouches for the address."""
        super().enable()
        self.email_verified = True


def _email(user: UserEmailMixin) -> str:
    return user.username


def _set_email(user: UserEmailMixin, email: str | None) -> None:
    # What knows no address leaves the one that is there.
    if email:
        user.username = email


def get_username_key(user_cls: type[Any]) -> str:
    """The name of the attribute by which the users of that class log in."""
    return "email" if issubclass(user_cls, UserEmailMixin) else "username"


def get_username(user: UserMixin) -> str:
    """The login name of *user*."""
    return user.username
