import httpx


class Client:
    """Logs in once, and gets the next access token when one has expired."""

    def __init__(self, site: httpx.Client, username: str, password: str) -> None:
        self.site = site
        self.keep(site.post("/auth/token", json={"username": username, "password": password}))

    def keep(self, answer: httpx.Response) -> None:
        answer.raise_for_status()
        given = answer.json()
        self.access, self.refresh = given["access_token"], given["refresh_token"]

    def get(self, path: str) -> httpx.Response:
        answer = self.ask(path)
        if answer.status_code == 401:
            # Each refresh token is good for one answer: keep the new one.
            self.keep(self.site.post("/auth/token", json={"refresh_token": self.refresh}))
            answer = self.ask(path)
        return answer

    def ask(self, path: str) -> httpx.Response:
        return self.site.get(path, headers={"Authorization": f"Bearer {self.access}"})

    def log_out(self) -> None:
        self.site.post("/auth/token/revoke", json={"refresh_token": self.refresh})
