"""The pages of the administration that are made of :class:`onegov_auth.web.crud.CrudView`, and where they are."""

from onegov_auth.web.admin import providers
from onegov_auth.web.admin.attempts import Attempts
from onegov_auth.web.admin.catalogue import Permissions
from onegov_auth.web.admin.events import Events
from onegov_auth.web.admin.rights import Bundles, Groups
from onegov_auth.web.admin.sessions import OpenSessions
from onegov_auth.web.admin.users import Users
from onegov_auth.web.pages import AuthPages

__all__ = ["providers"]

Users.mount(AuthPages, "admin/users")
Groups.mount(AuthPages, "admin/groups")
Bundles.mount(AuthPages, "admin/bundles")
Permissions.mount(AuthPages, "admin/permissions")
OpenSessions.mount(AuthPages, "admin/sessions")
Events.mount(AuthPages, "admin/events")
Attempts.mount(AuthPages, "admin/attempts")
