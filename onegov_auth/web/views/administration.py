"""The pages of the administration that are made of :class:`onegov_auth.web.crud.CrudView`, and where they are."""

from onegov_auth.web.admin.events import Events
from onegov_auth.web.admin.users import Users
from onegov_auth.web.pages import AuthPages

__all__: list[str] = []

Events.mount(AuthPages, "admin/events")
Users.mount(AuthPages, "admin/users")
