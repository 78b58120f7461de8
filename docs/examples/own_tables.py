from sqlalchemy import Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onegov_auth import AuthApp, Entities, GroupMixin, UserEmailMixin, mapping_table
from onegov_auth.models.base import NAMING_CONVENTION


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Employee(UserEmailMixin, Base):
    __tablename__ = "employees"

    id: Mapped[int] = mapped_column("employee_no", Integer, primary_key=True)
    realname: Mapped[str | None] = mapped_column("full_name", Text)
    office: Mapped[str | None] = mapped_column(Text)


class Team(GroupMixin, Base):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)


members = mapping_table("user_groups", Base.metadata, Employee, Team, name="team_members", columns=("employee", "team"))


class App(AuthApp):
    entities = Entities.on(Base, user=Employee, group=Team, user_groups=members)
