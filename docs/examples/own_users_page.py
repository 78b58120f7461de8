from onegov_auth import AuthApp, AuthPages
from onegov_auth.web.admin.user_grid import UserGrid
from onegov_auth.web.admin.users import Users
from onegov_auth.web.columns import LinkColumn, TimeColumn


class ShortGrid(UserGrid):
    columns = (LinkColumn("username", "Name", sort=True), TimeColumn("last_login", "Last seen", sort=True))


class ShortUsers(Users):
    grid_cls = ShortGrid


class Pages(AuthPages):
    pass


ShortUsers.mount(Pages, "admin/users")


class App(AuthApp):
    auth_pages = Pages
