"""``/auth/admin/users``: find people, invite them, look after their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import func, null, select
from sqlalchemy.orm import selectinload, undefer
from webob.exc import HTTPNotFound

from onegov_auth.forms.admin_user import RIGHTS, AdminUserForm
from onegov_auth.i18n import _
from onegov_auth.models import as_key, key_of, primary_key
from onegov_auth.outcomes import Refused
from onegov_auth.web.account_page import identity_of, named, person_of
from onegov_auth.web.admin.entity import EntityView
from onegov_auth.web.admin.reasons import reason
from onegov_auth.web.admin.user_grid import UserGrid
from onegov_auth.web.fields import FormFields, posted_fields, query_fields
from onegov_auth.web.names import visible

if TYPE_CHECKING:
    from webob import Response

    from onegov_auth.auth import Auth
    from onegov_auth.forms import Form
    from onegov_auth.web.grid import Grid

__all__ = ["REFUSALS", "Users"]

#: What a person reads, by the code of a refusal.
REFUSALS: Mapping[str, str] = {
    "not_allowed": _("Your own rights have changed. Please log in again."),
    "unknown_user": _("There is no such account any more."),
    "above_you": _("This account has more power than yours: you can't change it."),
    "role_above_you": _("This role is not yours to give."),
    "own_role": _("You can't change your own role. Somebody else who runs the site can."),
    "own_rights": _("You can't take rights away from yourself. Somebody else who runs the site can."),
    "own_account": _("You can't do this to your own account. Somebody else who runs the site can."),
    "not_superuser": _("Only a superuser can make somebody a superuser, or stop it."),
    "last_administrator": _("Nobody would be left who runs the site. Make somebody else an administrator first."),
    "bad_username": _("This can't be a username."),
    "username_taken": _("There is an account of that name already."),
    "bad_address": _("Please enter a valid e-mail address."),
    "unknown_language": _("This language is not spoken here."),
    "unknown_group": _("A group is gone. Please look again."),
    "unknown_bundle": _("A bundle is gone. Please look again."),
    "unknown_permission": _("A permission is gone. Please look again."),
    "too_many_tags": _("These are too many tags."),
    "unknown_factor": _("There is no such second factor any more."),
    "external_user": _("This person logs in elsewhere, and has no password here."),
    "no_address": _("There is no verified e-mail address, or the person may not log in with a password."),
}

_ADDED, _INVITED = _("The account is made."), _("The mail is sent.")
_NOT_INVITED = _(
    "No invitation was sent: there is no verified e-mail address, or the person may not log in with a password."
)
_SESSIONS = (_("{n} session is ended."), _("{n} sessions are ended."))
_FACTOR = _("The second factor is removed. The person is told by mail.")
_DONE = (_("Done with {n} account."), _("Done with {n} accounts."))
_LEFT = (_("{n} account was left as it is: {why}"), _("{n} accounts were left as they are: {why}"))

#: The most permissions that are listed on the page of one user.
_LISTED = 200


class Users(EntityView):
    """
    The pages of the users.

    An application subclasses it, with its own ``form_cls`` and ``grid_cls``, and mounts it in its own subclass of
    ``AuthPages`` at ``admin/users``.
    """

    entity = "user"
    form_cls: ClassVar[type[Form]] = AdminUserForm
    grid_cls: ClassVar[type[Grid]] = UserGrid
    object_name = _("User")
    object_name_plural = _("Users")
    form_template = "admin_user"
    delete_template = "admin_user_delete"
    selected_template = "admin_users_selected"
    refusals: ClassVar[Mapping[str, str]] = REFUSALS
    selected_actions: ClassVar[Mapping[str, str]] = {
        "activate": _("Activate"),
        "deactivate": _("Deactivate"),
        "end_sessions": _("End sessions"),
        "add_to_group": _("Add to a group"),
        "remove_from_group": _("Remove from a group"),
        "set_role": _("Give a role"),
        "delete": _("Delete"),
    }

    @property
    def auth(self) -> Auth:
        """The application's."""
        return self.request.root_app.auth

    # -- one account ---------------------------------------------------------------------------

    def get(self, key: Any) -> Any:
        """The user with all that the page shows."""
        users = self.orm_cls
        related = (users.groups, users.bundles, users.permissions, users.factors, users.identities)
        options = [undefer(users.data), *(selectinload(one) for one in related)]
        return self.request.db.get(users, key, options=options)

    def create_form(self, obj: Any, fields: Mapping[str, str] | None = None) -> Form:
        """The form, with what the person may choose from."""
        me = person_of(self.request)
        return self.form_cls(
            None if fields is None else FormFields(fields),
            obj=obj,
            language=self.request.language,
            roles=self.auth.rules.roles_of(me),
            rights={name: self._choices(name) for name in RIGHTS},
            superuser=me.is_superuser,
        )

    def _choices(self, name: str) -> dict[str, str]:
        model: Any = getattr(self.auth.entities, name.removesuffix("s"))
        label, about = (model.token, model.description) if name == "permissions" else (model.name, null())
        rows = self.request.db.execute(select(primary_key(model), label, about).order_by(label))
        return {str(key): f"{shown} – {more}" if more else shown or "" for key, shown, more in rows}

    def add_orm_obj(self, form: Any) -> Any:
        """Make the account, and invite its owner."""
        values = form.changes()
        name, role = values.pop("username"), values.pop("role")
        if values["email"] is None:
            # By default the name, if it is an address, which whoever invites vouches for.
            del values["email"], values["email_verified"]
        return self.auth.add_user(*self._who, name, role, invite=form.invite.data, **values)

    def update_obj(self, obj: Any, form: Any) -> Any:
        """Change the account."""
        done = self.auth.change_user(*self._who, key_of(obj), form.changes())
        return done if isinstance(done, Refused) else None

    def delete_obj(self, obj: Any) -> Any:
        """Delete the account."""
        return self.auth.delete_user(*self._who, key_of(obj))

    def on_add_edit_success(self, obj: Any, *, added: bool) -> Response:
        """To the page of the account that was made; after a change, that of the account once more."""
        if added:
            response = self.done(_ADDED, self.url(obj.user.id))
            if obj.code == "invited":
                self.request.success(self.request.translate(_INVITED))
            elif posted_fields(self.request).get("invite"):
                self.request.warning(self.request.translate(_NOT_INVITED))
            return response
        return self.done(_("Saved."), self.url(key_of(obj)))

    def form_template_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """What the page of an account shows besides."""
        key = as_key(self.orm_cls, self.page.id) if self.page.id else None
        user = None if key is None else self.get(key)
        return args if user is None else {**args, **self._about(user)}

    def _about(self, user: Any) -> dict[str, Any]:
        db, auth = self.request.db, self.auth
        tokens = sorted(user.get_all_permission_tokens())
        why = query_fields(self.request).get("why")
        sessions = auth.entities.session
        open_ = select(func.count()).where(sessions.user_id == key_of(user), sessions.expires > auth.clock())
        return {
            "account": user,
            "provider": named(self.request, user.source) if user.source else None,
            "factors": [auth.factor_store.info(row) for row in user.factors],
            "factor_titles": {type_: factor.title or type_ for type_, factor in auth.factors.items()},
            "sessions": db.scalar(open_) or 0,
            "tokens": tokens[:_LISTED],
            "more_tokens": max(0, len(tokens) - _LISTED),
            "why": why if why in tokens else None,
            "chains": self._reasons(user, why) if why and why in tokens else [],
            "may_invite": auth.may_choose_password(user),
            "is_me": key_of(user) == key_of(person_of(self.request)),
        }

    def _reasons(self, user: Any, token: str) -> list[str]:
        return [reason(self.request.translate, chain) for chain in self.auth.explain_permission(user, token)]

    def do_activate(self, user: Any) -> Response:
        """Let somebody in again."""
        return self._told(user, self.auth.set_active(*self._who, key_of(user), active=True), _("Activated."))

    def do_deactivate(self, user: Any) -> Response:
        """Let somebody in no more."""
        return self._told(user, self.auth.set_active(*self._who, key_of(user), active=False), _("Deactivated."))

    def do_invite(self, user: Any) -> Response:
        """Send a link to choose a password."""
        return self._told(user, self.auth.invite_again(*self._who, key_of(user)), _INVITED)

    def do_unlock(self, user: Any) -> Response:
        """Let somebody try again who failed too often."""
        return self._told(user, self.auth.unlock_user(*self._who, key_of(user)), _("Unlocked."))

    def do_end_sessions(self, user: Any) -> Response:
        """End the sessions."""
        ended = self.auth.end_sessions_of(*self._who, key_of(user))
        text = "" if isinstance(ended, Refused) else self.request.translate.plural(*_SESSIONS, ended)
        return self._told(user, ended, text)

    def do_reset_factor(self, user: Any) -> Response:
        """Take a lost factor away; without the id of one, all of them."""
        factor = posted_fields(self.request).get("factor")
        return self._told(user, self.auth.reset_factors(*self._who, key_of(user), factor or None), _FACTOR)

    def _told(self, user: Any, result: Any, text: str) -> Response:
        to = self.url(key_of(user))
        return self.refuse(self.words(result), to) if isinstance(result, Refused) else self.done(text, to)

    @property
    def _who(self) -> tuple[Any, Any]:
        return identity_of(self.request), self.request.client

    # -- several of them -----------------------------------------------------------------------

    def confirm_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Response:
        """The question, with the names, and what there is to choose from."""
        del fields
        users = self.orm_cls
        found = select(users).where(primary_key(users).in_(keys)).order_by(users.username)
        rows = self.request.db.scalars(found).all()
        choices: Mapping[str, str] = {}
        if action == "set_role":
            choices = {role: role.capitalize() for role in self.auth.rules.roles_of(person_of(self.request))}
        elif action.endswith("_group"):
            choices = self._choices("groups")
        kept = {f"select.{key_of(row)}": "1" for row in rows} | {"do": action}
        return self.render(
            self.selected_template,
            crud=self,
            label=self.selected_actions[action],
            count=len(rows),
            kept=kept,
            names=[visible(row.title) for row in rows],
            choices=choices,
            needs_choice=action == "set_role" or action.endswith("_group"),
            alert=None,
        )

    def do_selected(self, action: str, keys: Sequence[Any], fields: Mapping[str, str]) -> Response:
        """Do it, and say with how many."""
        value = fields.get("value")
        if action.endswith("_group") and value not in self._choices("groups"):
            raise HTTPNotFound
        done = self.auth.act_on_users(*self._who, action, keys, value)
        if isinstance(done, Refused):
            return self.refuse(self.words(done))
        plural = self.request.translate.plural
        for code, count in done.refused.items():
            why = self.request.translate(self.words(Refused(code)))
            self.request.warning(plural(*_LEFT, count, why=why))
        return self.done(plural(*_DONE, done.done))
