"""The sections of the administration."""

from __future__ import annotations

from dataclasses import dataclass

from onegov_auth.i18n import _

__all__ = ["SECTIONS", "Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """
    A section of the administration; whether it is there, and for whom, its page says.

    Attributes:
        path: Where it is, below the mount point.
        label: What it is called, marked for translation.
        text: What it is for, likewise.
    """

    path: str
    label: str
    text: str


SECTIONS = (
    Section("admin/users", _("Users"), _("Find people, invite them, and look after their accounts.")),
    Section("admin/groups", _("Groups"), _("Give several people the same rights.")),
    Section("admin/bundles", _("Bundles"), _("Put permissions together that are given together.")),
    Section("admin/permissions", _("Permissions"), _("See what may be allowed, who has it, and why.")),
    Section("admin/signup-links", _("Signup links"), _("Let people make accounts themselves.")),
    Section("admin/sessions", _("Open sessions"), _("See who is logged in, and end sessions.")),
    Section("admin/events", _("Events"), _("Find out what happened, and why somebody was refused.")),
    Section("admin/attempts", _("Attempts"), _("See who tried to get in, and unlock accounts and addresses.")),
    Section("admin/providers", _("Providers"), _("See the ways to log in, and whether they can be reached.")),
)
