from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth import AuthApp, Personal
from onegov_auth.database import Database


class Base(DeclarativeBase):
    pass


class Visit(Base):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class App(AuthApp):
    pass


@App.path(path="")
class Root:
    pass


@App.html(model=Root, permission=Personal)
def home(self, request):
    request.db.add(Visit(name=request.current_user.username))
    return f"Visit {request.db.scalar(select(func.count()).select_from(Visit))}"


engine = create_engine("sqlite:///auth.db")
database = Database(engine=engine)  # before the engine's first connection
Base.metadata.create_all(engine)
application = App.from_yaml("auth.yml", database=database)
