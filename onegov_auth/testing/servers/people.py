"""The five people in three groups that the throw-away directory and OpenID provider know."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "PEOPLE", "Person", "people_in"]

#: What all of them are called in the directory and at the provider, in order of power.
GROUPS = ("admins", "editors", "staff")


@dataclass(frozen=True)
class Person:
    """Somebody who may log in; the password is known because the server is thrown away."""

    uid: str
    givenname: str
    surname: str
    mail: str
    password: str
    groups: tuple[str, ...]

    @property
    def realname(self) -> str:
        """Given name and surname, as both providers put it together by default."""
        return f"{self.givenname} {self.surname}"


PEOPLE = (
    Person("alice", "Alice", "Amsler", "alice@example.org", "alice-sings-in-the-rain", ("admins", "staff")),
    Person("bob", "Bob", "Brunner", "bob@example.org", "bob-builds-a-boat", ("editors", "staff")),
    Person("chloe", "Chloé", "Müller-Çelik", "chloe@example.org", "chloé-zählt-Käfer", ("editors",)),
    Person("dario", "Dario", "De Luca", "dario@example.org", "dario-drinks-decaf", ("staff",)),
    Person("eve", "Eve", "Egli", "eve@example.org", "eve-eats-every-egg", ("staff",)),
)


def people_in(group: str) -> tuple[Person, ...]:
    """The people of one group."""
    return tuple(person for person in PEOPLE if group in person.groups)
