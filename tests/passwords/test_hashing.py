"""Hashing: today's cost, yesterday's formats, and the same cost for everybody."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable

import pytest
from passlib.hash import bcrypt, bcrypt_sha256, md5_crypt, pbkdf2_sha256, pbkdf2_sha512

from onegov_auth.errors import InvalidPasswordError
from onegov_auth.passwords import Hasher, Scheme, hash_password, random_password, verify_dummy, verify_password
from onegov_auth.passwords.hashing import KeyDerivation, make_context
from onegov_auth.settings.accounts import Passwords

CHEAP = {"argon2__memory_cost": 8, "argon2__time_cost": 1, "argon2__parallelism": 1}

CLEAR = "correct horse battery"

OLD: dict[str, Callable[[str], str]] = {
    "bcrypt_sha256": bcrypt_sha256.using(rounds=4).hash,
    "bcrypt": bcrypt.using(rounds=4).hash,
    "pbkdf2_sha256": pbkdf2_sha256.using(rounds=10).hash,
    "pbkdf2_sha512": pbkdf2_sha512.using(rounds=10).hash,
}


class Counter:
    """Counts how often a key is derived, and in how many threads at once."""

    def __init__(self) -> None:
        self._real: KeyDerivation = make_context(cost=CHEAP)
        self._lock = threading.Lock()
        self.derived: list[str] = []
        self.running = self.most = 0
        self.slow = 0.0

    def hash(self, secret: str) -> str:
        """One derivation."""
        with self._lock:
            self.derived.append("hash")
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self.slow)
        with self._lock:
            self.running -= 1
        return self._real.hash(secret)

    def verify(self, secret: str, hash: str) -> bool:  # noqa: A002 -- libpass's name
        """One derivation, unless there is nothing to verify."""
        found = self._real.verify(secret, hash)
        self.derived.append("verify")
        return found

    def needs_update(self, hash: str) -> bool:  # noqa: A002 -- the same
        """None."""
        return self._real.needs_update(hash)


@pytest.fixture(name="hasher")
def _hasher() -> Hasher:
    return Hasher.cheap()


@pytest.fixture(name="counter")
def _counter() -> Counter:
    return Counter()


@pytest.mark.sec("PWD-01", "NIST-15", "NIST-16", "ASVS-11.4.2")
def test_default_parameters() -> None:
    """A hash is argon2id with the low-memory profile of RFC 9106 §4, and says so itself."""
    hashed = hash_password(CLEAR)

    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert verify_password(CLEAR, hashed).ok
    assert verify_password(CLEAR, hashed).renewed is None
    assert not verify_password("wrong", hashed)
    verify_dummy(CLEAR)


@pytest.mark.sec("NIST-16")
def test_salt(hasher: Hasher) -> None:
    """The same password has a hash of its own every time, with 128 bits of salt."""
    one, other = hasher.hash(CLEAR), hasher.hash(CLEAR)

    assert one != other
    assert len(one.split("$")[4]) == 22


@pytest.mark.sec("ASVS-11.4.2")
@pytest.mark.parametrize(
    ("scheme", "begin"),
    [
        ("argon2id", "$argon2id$v=19$m=65536,t=3,p=4$"),
        ("bcrypt_sha256", "$bcrypt-sha256$v=2,t=2b,r=12$"),
        ("pbkdf2_sha256", "$pbkdf2-sha256$600000$"),
        ("pbkdf2_sha512", "$pbkdf2-sha512$210000$"),
    ],
)
def test_schemes(scheme: Scheme, begin: str) -> None:
    """Every scheme that can be chosen has a cost of today, and verifies without being renewed."""
    hasher = Hasher.from_settings(Passwords(scheme=scheme))
    hashed = hasher.hash(CLEAR)
    verification = hasher.verify(CLEAR, hashed)

    assert hashed.startswith(begin)
    assert (verification.ok, verification.renewed) == (True, None)


def test_max_length_from_settings() -> None:
    """The longest password is that of the settings."""
    assert Hasher.from_settings(Passwords(max_length=64)).max_length == 64


@pytest.mark.sec("PWD-07", "ASVS-11.2.2")
@pytest.mark.parametrize("name", OLD)
def test_older_formats(hasher: Hasher, name: str) -> None:
    """What the seeds wrote still verifies, and comes back renewed."""
    verification = hasher.verify(CLEAR, OLD[name](CLEAR))

    assert verification.ok
    assert verification.renewed is not None
    assert verification.renewed.startswith("$argon2id$")
    assert hasher.verify(CLEAR, verification.renewed).ok


@pytest.mark.parametrize("name", OLD)
def test_older_formats_with_wrong_password(hasher: Hasher, name: str) -> None:
    """A wrong password is wrong in every format, and nothing is renewed."""
    verification = hasher.verify("wrong", OLD[name](CLEAR))

    assert (verification.ok, verification.renewed) == (False, None)


@pytest.mark.sec("PWD-07", "ENUM-03")
def test_older_cost() -> None:
    """A hash of the same scheme and another cost is renewed, after the right password only."""
    old = Hasher.cheap().hash(CLEAR)
    hasher = Hasher(cost=CHEAP | {"argon2__time_cost": 2})
    verification = hasher.verify(CLEAR, old)

    assert verification.renewed is not None
    assert "t=2" in verification.renewed
    assert hasher.verify("wrong", old).renewed is None


UNUSABLE = [
    "",
    "!",
    "*",
    "!$argon2id$v=19$m=8,t=1,p=1$",
    "x",
    "\0",
    "ä",
    CLEAR,
    md5_crypt.using(salt="salt").hash(CLEAR),
    None,
]


@pytest.mark.sec("PWD-08")
@pytest.mark.parametrize("hashed", UNUSABLE, ids=repr)
def test_unusable_hashes(hasher: Hasher, hashed: str | None) -> None:
    """What is no hash never verifies, whatever the password."""
    assert not hasher.verify(CLEAR, hashed).ok
    assert not hasher.verify(hashed or "", hashed).ok


@pytest.mark.sec("PWD-08")
@pytest.mark.filterwarnings("ignore:encountered a bcrypt .* padding bits")  # what libpass says of a cut hash
@pytest.mark.parametrize("name", [*OLD, "argon2id"])
def test_damaged_hashes(hasher: Hasher, name: str) -> None:
    """A hash that was cut or changed anywhere never verifies, and is no error."""
    whole = hasher.hash(CLEAR) if name == "argon2id" else OLD[name](CLEAR)
    middle = range(len(whole) // 2, len(whole) - 2)

    assert not any(hasher.verify(CLEAR, whole[:end]).ok for end in range(len(whole)))
    assert not any(hasher.verify(CLEAR, f"{whole[:at]}!{whole[at + 1 :]}").ok for at in range(len(whole)))
    assert not any(hasher.verify(CLEAR, whole[:at] + whole[at].swapcase() + whole[at + 1 :]).ok
                   for at in middle if whole[at].swapcase() != whole[at])  # fmt: skip


@pytest.mark.sec("ENUM-02", "PWD-08", "ASVS-6.3.8")
@pytest.mark.parametrize("hashed", ["good", *UNUSABLE], ids=repr)
def test_one_derivation(counter: Counter, hashed: str | None) -> None:
    """A wrong password costs exactly one derivation, whatever is stored."""
    hasher = Hasher(context=counter)
    stored = hasher.hash(CLEAR) if hashed == "good" else hashed
    counter.derived.clear()

    hasher.verify("wrong", stored)

    assert len(counter.derived) == 1


@pytest.mark.sec("ENUM-02", "ENUM-03", "ASVS-6.3.8")
def test_dummy(counter: Counter) -> None:
    """A user who does not exist costs one derivation with the current parameters."""
    Hasher(context=counter).verify_dummy("anything")

    assert counter.derived == ["hash"]


@pytest.mark.sec("ENUM-02")
@pytest.mark.parametrize("clear", ["", "x" * 257, "a\0b", "\ud800"], ids=["empty", "long", "nul", "surrogate"])
def test_impossible_passwords_cost_nothing(counter: Counter, clear: str) -> None:
    """A password that can't be hashed costs nothing, whether there is such a user or not."""
    hasher = Hasher(context=counter)
    stored = make_context(cost=CHEAP).hash(CLEAR)

    assert not hasher.verify(clear, stored).ok
    assert not hasher.verify(clear, None).ok
    hasher.verify_dummy(clear)
    assert counter.derived == []


@pytest.mark.sec("PWD-05", "PWD-02", "NIST-08", "UNI-08")
@pytest.mark.parametrize(
    ("clear", "message"),
    [
        ("", "is empty"),
        ("secret\0x", "NUL"),
        ("\ud800 secret", "not valid Unicode"),
        ("x" * 257, "more than 256 characters"),
        ("\U0001d160" * 256, "too long"),
    ],
    ids=["empty", "nul", "surrogate", "long", "growing"],
)
def test_refused(hasher: Hasher, clear: str, message: str) -> None:
    """What can't be a password is refused with a sentence that says why, and not the password."""
    with pytest.raises(InvalidPasswordError, match=message) as caught:
        hasher.hash(clear)

    assert not clear or clear not in str(caught.value)


@pytest.mark.sec("PWD-02")
@pytest.mark.parametrize(
    "clear", ["x" * 1_000_000, "e" + "\u0301\u0316" * 50_000, "\0" * 1_000_000], ids=["plain", "nfd", "nul"]
)
def test_a_megabyte(hasher: Hasher, clear: str) -> None:
    """What is far too long is refused before its marks are put in order, which takes seconds."""
    hashed = hasher.hash(CLEAR)
    before = time.thread_time()

    assert not hasher.verify(clear, hashed).ok
    assert time.thread_time() - before < 1


@pytest.mark.sec("PWD-04", "NIST-07", "ASVS-6.2.8")
@pytest.mark.parametrize("scheme", ["argon2id", "bcrypt_sha256"])
def test_never_cut(scheme: Scheme) -> None:
    """Every character counts, in long passwords too."""
    hasher = Hasher(scheme, cost=CHEAP if scheme == "argon2id" else {"bcrypt_sha256__rounds": 4})
    hashed = hasher.hash("x" * 256)

    assert hasher.verify("x" * 256, hashed).ok
    assert not any(hasher.verify(other, hashed).ok for other in ("x" * 255, "x" * 72, "x" * 255 + "y", "X" * 256))


@pytest.mark.sec("PWD-04")
def test_more_than_bcrypt_takes(hasher: Hasher) -> None:
    """A password of more than 72 bytes is wrong for a plain bcrypt hash, even if it begins with the right one."""
    hashed = OLD["bcrypt"]("x" * 72)

    assert hasher.verify("x" * 72, hashed).ok
    assert not hasher.verify("x" * 73, hashed).ok
    assert not hasher.verify("ü" * 40, hashed).ok


@pytest.mark.sec("NIST-03", "NIST-02", "ASVS-6.2.5", "ASVS-6.2.9")
@pytest.mark.parametrize(
    "clear", ["  spaces  ", "a" * 64, "пароль пароль", "🔑" * 256, "\t~`!@#$%^&*()'\"\\"], ids=repr
)
def test_every_character(hasher: Hasher, clear: str) -> None:
    """Every printing character, space and Unicode is taken as it is."""
    hashed = hasher.hash(clear)

    assert hasher.verify(clear, hashed).ok
    assert not hasher.verify(clear.strip() + "x", hashed).ok


@pytest.mark.sec("NIST-08", "UNI-08")
def test_normalised(hasher: Hasher) -> None:
    """The same letter typed on two keyboards is the same, and letters that only look alike are not."""
    hashed = hasher.hash(unicodedata.normalize("NFD", "Zürich für alle"))

    assert hasher.verify(unicodedata.normalize("NFC", "Zürich für alle"), hashed).ok
    assert not hasher.verify("Zurich fur alle", hashed).ok
    assert not hasher.verify("ﬁne", hasher.hash("fine")).ok


@pytest.mark.sec("PWD-03")
def test_bounded(counter: Counter) -> None:
    """No more hashes are computed at once than there are slots."""
    counter.slow = 0.02
    hasher = Hasher(context=counter, slots=2)
    threads = [threading.Thread(target=hasher.verify_dummy, args=("x",)) for _ in range(10)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counter.derived) == 10
    assert counter.most == 2


@pytest.mark.sec("PWD-03")
def test_slot_is_given_back(hasher: Hasher) -> None:
    """A password that is refused takes no slot away."""
    one = Hasher.cheap(slots=1)
    for _ in range(3):
        one.verify("\0", "")
        one.verify(CLEAR, "")

    assert one.verify(CLEAR, hasher.hash(CLEAR)).ok


@pytest.mark.sec("PWD-10", "LOG-02")
def test_verification_is_not_shown(hasher: Hasher) -> None:
    """Printing a verification does not show the new hash."""
    assert "$" not in repr(hasher.verify(CLEAR, OLD["bcrypt"](CLEAR)))


SCRIPT = """
from onegov_auth.passwords import Hasher
from onegov_auth.errors import InvalidPasswordError
hasher = Hasher.cheap()
good = hasher.hash("correct horse")
print(*(hasher.verify("correct horse", hashed).ok for hashed in [good, "", "!", good[:-1]]))
try:
    hasher.hash("a\\0b")
except InvalidPasswordError:
    print("refused")
"""


@pytest.mark.sec("PWD-09")
def test_without_asserts() -> None:
    """Nothing depends on an assertion that python -O leaves out."""
    run = subprocess.run([sys.executable, "-O", "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["True", "False", "False", "False", "refused"]


@pytest.mark.sec("ASVS-11.5.1")
def test_random_password() -> None:
    """A random password is different every time and has letters and digits only."""
    made = {random_password() for _ in range(200)}

    assert len(made) == 200
    assert all(len(password) == 16 and password.isalnum() and password.isascii() for password in made)


def test_length_of_a_random_password() -> None:
    """A random password is as long as asked, and never short."""
    assert len(random_password(30)) == 30
    with pytest.raises(ValueError, match="at least 8"):
        random_password(7)
