"""Where an application has its say on the road: plain callables, all optional."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from onegov_auth.domain import Client, VerifiedIdentity

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from onegov_auth.models import User

__all__ = ["Hooks"]

EnsureUser: TypeAlias = "Callable[[Session, User | None, VerifiedIdentity, str], bool]"
ChangeUsername: TypeAlias = "Callable[[Session, User, str], None]"
MapIdentity: TypeAlias = Callable[[VerifiedIdentity], VerifiedIdentity | None]
UserHook: TypeAlias = "Callable[[Session, User, Client], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """
    What an application wants to be asked or told, inside the transaction of the thing itself.

    An exception in a hook aborts what it was called for: nobody gets in halfway (MFA-13).

    Attributes:
        map_identity: Called with what a provider says of somebody, at every login and for every entry of a sync,
            before anything is looked up: returns the identity, with another name, address or role if need be
            (``dataclasses.replace``), or ``None`` if this is nobody who may be a user. Who it is (``source``,
            ``issuer``, ``source_id``) can't be changed.
        login_steps: The application's own steps at login, each a :class:`onegov_auth.steps.LoginStep`.
        ensure_user_callback: Called with the user (``None`` if one would be made), the identity and the
            role before an external identity becomes that user; anything but ``True`` refuses the login.
        change_username_callback: Called with the user and the old name after a provider renamed somebody.
        on_login: Called with the user after a session was opened.
        on_logout: Called with the user before a session ends by logging out.
        on_register: Called with somebody who registered, once there is registration.
        on_deactivate: Called with a user who was deactivated.
        on_rights_changed: Called with a user whose role or groups a provider changed.
    """

    map_identity: MapIdentity | None = None
    login_steps: tuple[Any, ...] = ()
    ensure_user_callback: EnsureUser | None = None
    change_username_callback: ChangeUsername | None = None
    on_login: UserHook | None = None
    on_logout: UserHook | None = None
    on_register: UserHook | None = None
    on_deactivate: UserHook | None = None
    on_rights_changed: UserHook | None = None

    def silent(self) -> Hooks:
        """Those that are asked, without those that are told: for what is not going to be committed."""
        return Hooks(map_identity=self.map_identity, ensure_user_callback=self.ensure_user_callback)
