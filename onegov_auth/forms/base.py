"""What every form has in common: its texts come from our own catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from wtforms.fields import FieldList, FormField
from wtforms.meta import DefaultMeta

from onegov_auth.i18n import Translator, translator

__all__ = ["Form", "Texts"]


class Texts:
    """Our translator in the shape WTForms asks for."""

    def __init__(self, translate: Translator) -> None:
        self._translate = translate

    def gettext(self, string: str) -> str:
        """The text in the reader's language."""
        return self._translate(string)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The text for that number, in the reader's language."""
        return self._translate.ngettext(singular, plural, n)


class Form(wtforms.Form):
    """
    The base of all forms: labels, descriptions and messages that are marked come out in the reader's language.

    Args:
        formdata: The posted values, as a multi-dictionary; each a text.
        language: The language of the form, as a tag such as ``"de"``.
        kwargs: As for :class:`wtforms.Form`.

    Attributes:
        translate: Turns a marked text into that language, for what a form makes up itself, such as choices.
    """

    class Meta(DefaultMeta):
        """WTForms has no catalogue for every language we speak; ours have its texts as well."""

        #: Set by the form.
        language: str | None = None

        def get_translations(self, form: Any) -> Texts:  # noqa: ARG002 - WTForms' signature
            """Our texts, in the language of the form."""
            return Texts(translator(self.language))

    def __init__(self, formdata: Any = None, *, language: str | None = None, **kwargs: Any) -> None:
        meta: Mapping[str, object] = kwargs.pop("meta", None) or {}
        super().__init__(formdata, meta={"language": language, **meta}, **kwargs)
        self.translate = translator(self.meta.language)
        for field in self:
            field.label.text = self.translate(field.label.text)
            field.description = self.translate(field.description)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all fields are good; messages that validators were given are translated as WTForms' own are."""
        valid = super().validate(extra_validators)
        for field in self:
            # Those that hold other fields have their errors.
            if not isinstance(field, FieldList | FormField):
                field.errors = [self.translate(error) for error in field.errors]
        return bool(valid)
