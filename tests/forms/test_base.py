from __future__ import annotations

from wtforms.fields import FieldList, FormField, StringField
from wtforms.validators import InputRequired

from onegov_auth.forms import Form
from onegov_auth.forms.base import Texts
from onegov_auth.i18n import _, translator


class Named(Form):
    """A form with a message of WTForms' own."""

    name = StringField("Name", [InputRequired()])


class Greeting(Form):
    """A form whose texts are marked."""

    name = StringField(_("Password"), [InputRequired(_("Please enter your password."))], description=_("Password"))


def test_messages_come_from_our_own_catalogues() -> None:
    """A form in a language that WTForms has no catalogue for works, and has our translator."""
    form = Named(None, language="rm")

    assert not form.validate()
    assert form.name.errors == ["Quest champ è necessari."]
    assert isinstance(form.meta.get_translations(form), Texts)


def test_meta_of_the_caller_stays() -> None:
    """Options for WTForms are handed on."""
    form = Named(None, meta={"csrf": False, "language": "de"})

    assert form.meta.language == "de"


def test_marked_texts_are_translated() -> None:
    """Labels, descriptions and messages of a form's own come out in its language."""
    form = Greeting(None, language="de")

    assert not form.validate()
    assert [form.name.label.text, form.name.description] == ["Passwort", "Passwort"]
    assert form.name.errors == ["Bitte geben Sie Ihr Passwort ein."]


class Several(Form):
    """A form with several of another."""

    all = FieldList(FormField(Greeting), min_entries=1)


def test_forms_in_forms() -> None:
    """Errors of a form within a form stay with its fields."""
    form = Several(None, language="de")

    assert not form.validate()
    assert form.all.errors == [{"name": ["Please enter your password."]}]


def test_texts_count() -> None:
    """One has the singular, everything else the plural, as the language has them."""
    texts = Texts(translator("de"))
    one, many = "Field must be exactly %(max)d character long.", "Field must be exactly %(max)d characters long."

    assert [texts.ngettext(one, many, n) for n in (1, 2)] == [
        "Das Feld muss genau %(max)d Zeichen lang sein.",
        "Das Feld muss genau %(max)d Zeichen lang sein.",
    ]
    assert texts.gettext("This field is required.") == "Dieses Feld muss ausgefüllt werden."
