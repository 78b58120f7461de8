"""What those who run the site do with groups and bundles: names, and the permissions that come with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from onegov_auth.administration.acting import Administering
from onegov_auth.administration.changes import MAX_NAME
from onegov_auth.domain import Step
from onegov_auth.models import as_key, key_of, primary_key
from onegov_auth.models.effective import effective
from onegov_auth.outcomes import Done, Refused

if TYPE_CHECKING:
    from onegov_auth.administration.acting import Deed
    from onegov_auth.domain import Client, Identity

__all__ = ["ManagingRights"]

#: What a group or a bundle gives: the attribute, and the attribute of the entities.
GIVES = {"permissions": "permission", "bundles": "bundle"}


class ManagingRights(Administering):
    """
    The part of :class:`onegov_auth.auth.Auth` for the pages of groups and bundles.

    All methods take who does it (*by*) and from where (*client*). They return ``Refused`` with ``not_allowed``,
    ``own_rights`` (who does it would lose a permission: nobody does that by accident), ``bad_name``, ``name_taken``,
    or ``unknown_group``, ``unknown_bundle`` and ``unknown_permission`` for what is not there (any more).
    """

    def save_group(
        self, by: Identity, client: Client, wanted: Mapping[str, Any], group_id: Any = None
    ) -> Done | Refused:
        """
        Add a group, or change one.

        Args:
            by: Who does it.
            client: From where.
            wanted: Any of ``name``, ``permissions`` and ``bundles``, these by their keys.
            group_id: Which; ``None`` for a new one.

        Returns:
            ``Done`` with ``group_added`` or ``group_changed``; ``Refused`` as described above.
        """
        return self._save_thing("group", by, client, wanted, group_id)

    def save_bundle(
        self, by: Identity, client: Client, wanted: Mapping[str, Any], bundle_id: Any = None
    ) -> Done | Refused:
        """Add a bundle, or change one; as :meth:`save_group`, with ``name`` and ``permissions``."""
        return self._save_thing("bundle", by, client, wanted, bundle_id)

    def delete_group(self, by: Identity, client: Client, group_id: Any) -> Done | Refused:
        """Delete a group; its members stay, and lose what it gave."""
        return self._delete_thing("group", by, client, group_id)

    def delete_bundle(self, by: Identity, client: Client, bundle_id: Any) -> Done | Refused:
        """Delete a bundle; who had it loses what was in it."""
        return self._delete_thing("bundle", by, client, bundle_id)

    def _save_thing(
        self, kind: str, by: Identity, client: Client, wanted: Mapping[str, Any], key: Any
    ) -> Done | Refused:
        code = f"{kind}_added" if key is None else f"{kind}_changed"

        def work(deed: Deed) -> Done | Refused:
            model: Any = getattr(self.entities, kind)
            thing = model() if key is None else self._thing(deed, model, key)
            if thing is None:
                return Refused(f"unknown_{kind}")
            before = self._tokens_of_actor(deed)
            steps = self._change_thing(deed, thing, wanted)
            if isinstance(steps, Refused):
                return steps
            deed.db.add(thing)
            deed.db.flush()
            if before - self._tokens_of_actor(deed):
                return Refused("own_rights")
            if steps or key is None:
                deed.tell(code, None, Step(kind, thing.name or ""), *steps)
            return Done(code)

        return self.administer(code, by, client, work)

    def _change_thing(self, deed: Deed, thing: Any, wanted: Mapping[str, Any]) -> list[Step] | Refused:
        steps: list[Step] = []
        if "name" in wanted or thing.name is None:
            named = self._name_thing(deed, thing, str(wanted.get("name") or ""))
            if isinstance(named, Refused):
                return named
            steps += named
        for name in GIVES.keys() & wanted.keys():
            given = self._give_things(deed, thing, name, wanted[name])
            if isinstance(given, Refused):
                return given
            steps += given
        return steps

    def _name_thing(self, deed: Deed, thing: Any, name: str) -> list[Step] | Refused:
        clean = "".join(char for char in name if char.isprintable()).strip()
        if not 0 < len(clean) <= MAX_NAME:
            return Refused("bad_name")
        before, model = thing.name, type(thing)
        if clean == before:
            return []
        # Rules of providers and commands name a group by this, so that two of one name would be one too many.
        with deed.db.no_autoflush:
            if deed.db.scalar(select(primary_key(model)).where(model.name == clean).limit(1)) is not None:
                return Refused("name_taken")
        thing.name = clean
        return [] if before is None else [Step("name", f"{before} → {clean}")]

    def _give_things(self, deed: Deed, thing: Any, name: str, wanted: Iterable[Any]) -> list[Step] | Refused:
        model: Any = getattr(self.entities, GIVES[name])
        keys = {as_key(model, one) for one in wanted}
        with deed.db.no_autoflush:
            found = deed.db.scalars(select(model).where(primary_key(model).in_(keys))).all() if keys else []
        if len(found) != len(keys):
            return Refused(f"unknown_{GIVES[name]}")
        label = "token" if name == "permissions" else "name"
        before = {getattr(one, label) for one in getattr(thing, name)}
        after = {getattr(one, label) for one in found}
        if before == after:
            return []
        setattr(thing, name, list(found))
        changed = [*(f"-{one}" for one in sorted(before - after)), *(f"+{one}" for one in sorted(after - before))]
        return [Step(name, " ".join(changed))]

    def _delete_thing(self, kind: str, by: Identity, client: Client, key: Any) -> Done | Refused:
        code = f"{kind}_deleted"

        def work(deed: Deed) -> Done | Refused:
            model: Any = getattr(self.entities, kind)
            thing = self._thing(deed, model, key)
            if thing is None:
                return Refused(f"unknown_{kind}")
            before = self._tokens_of_actor(deed)
            name, members = thing.name or "", self._members_of(deed, kind, key_of(thing))
            deed.db.delete(thing)
            deed.db.flush()
            if before - self._tokens_of_actor(deed):
                return Refused("own_rights")
            deed.tell(code, None, Step(kind, name), Step("members", str(members)))
            return Done(code)

        return self.administer(code, by, client, work)

    def _thing(self, deed: Deed, model: Any, key: Any) -> Any:
        known = as_key(model, key)
        return None if known is None else deed.db.get(model, known)

    def _members_of(self, deed: Deed, kind: str, key: Any) -> int:
        """How many users were given it by hand."""
        table = getattr(self.entities, f"user_{kind}s")
        return int(deed.db.scalar(select(func.count()).where(table.c[f"{kind}_id"] == key)) or 0)

    def _tokens_of_actor(self, deed: Deed) -> frozenset[str]:
        """The permissions of who does it, as of this moment in this unit of work."""
        tokens = select(self.entities.permission.token)
        found = tokens.where(effective(self.entities, key_of(deed.actor), self.clock()))
        return frozenset(deed.db.scalars(found))
