from urllib.parse import urlsplit

from onegov_auth import AuthApp, Personal


class App(AuthApp):
    pass


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    return f"{request.current_user.title} in {request.app.auth.settings.application}"


tenants = [App.from_yaml("two_tenants.yml", name) for name in ("town/portal", "village/portal")]
by_host = {urlsplit(tenant.auth.settings.base_url).netloc: tenant for tenant in tenants}


def application(environ, start_response):
    tenant = by_host.get(environ.get("HTTP_HOST", "").lower())
    if tenant is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"There is no such site."]
    return tenant(environ, start_response)
