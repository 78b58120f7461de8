from __future__ import annotations

from wtforms.fields import StringField
from wtforms.validators import InputRequired

from onegov_auth.forms import Form
from onegov_auth.forms.base import Texts


class Named(Form):
    """A form with a message of WTForms' own."""

    name = StringField("Name", [InputRequired()])


def test_messages_come_from_our_own_catalogues() -> None:
    """A form in a language that WTForms has no catalogue for works, and has our translator."""
    form = Named(None, language="rm")

    assert not form.validate()
    assert form.name.errors == ["This field is required."]
    assert isinstance(form.meta.get_translations(form), Texts)


def test_meta_of_the_caller_stays() -> None:
    """Options for WTForms are handed on."""
    form = Named(None, meta={"csrf": False, "language": "de"})

    assert form.meta.language == "de"


def test_texts_count() -> None:
    """One has the singular, everything else the plural."""
    texts = Texts(str.upper)

    assert [texts.gettext("a"), texts.ngettext("one", "many", 1), texts.ngettext("one", "many", 2)] == [
        "A",
        "ONE",
        "MANY",
    ]
