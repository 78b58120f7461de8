from __future__ import annotations

import base64
import hashlib
import json
import ssl
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from onegov_auth.providers import Secret
from onegov_auth.testing.servers.certificates import Authority
from onegov_auth.testing.servers.hostile_oidc import make_pair
from onegov_auth_oidc.client_keys import ClientKeyError, ClientKeys, read_private_key
from onegov_auth_oidc.errors import OIDCUnreachableError


def pem(key: Key, *, private: bool = True) -> str:
    return cast("RSAKey", key).as_pem(private=private).decode("ascii")


KEYS = {
    "RS256": make_pair("one").private,
    "ES256": make_pair("one", "EC").private,
    "EdDSA": make_pair("one", "OKP").private,
}


@pytest.mark.parametrize("alg", KEYS)
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_private_key(alg: str, form: str) -> None:
    """RSA, P-256 and Ed25519 keys are read from PEM and JWK; each signs with its own algorithm."""
    key = KEYS[alg]
    text = pem(key) if form == "pem" else json.dumps(key.as_dict(private=True))
    found = read_private_key(text)

    assert (found.alg, found.key.is_private) == (alg, True)
    assert found.published()["alg"] == alg


def test_a_jwk_may_say_its_name_and_algorithm() -> None:
    """A key id given out by a provider's console is used; an RSA key may ask for PS256."""
    members = KEYS["RS256"].as_dict(private=True) | {"kid": "from-the-console", "alg": "PS256"}
    found = read_private_key(json.dumps(members))

    assert (found.kid, found.alg) == ("from-the-console", "PS256")


def test_a_key_without_a_name_gets_its_thumbprint() -> None:
    """The name is made of the key itself (RFC 7638), so that it is the same after every restart."""
    assert read_private_key(pem(KEYS["RS256"])).kid == KEYS["RS256"].thumbprint()


@pytest.mark.sec("OAUTH-25")
@pytest.mark.parametrize("alg", KEYS)
def test_nothing_private_is_published(alg: str) -> None:
    """What is published checks signatures, and can make none."""
    found = read_private_key(pem(KEYS[alg])).published()

    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(found)
    assert {"kty", "kid", "use", "alg"} <= set(found)


@pytest.mark.sec("OAUTH-25")
def test_a_jwk_publishes_what_checks_signatures_only() -> None:
    """What somebody noted in the file beside the key stays in the file."""
    members = {**KEYS["ES256"].as_dict(private=True), "password": "canary"}

    assert set(read_private_key(json.dumps(members)).published()) == {"kty", "crv", "x", "y", "use", "alg", "kid"}


def test_a_certificate_may_stand_beside_the_key(tmp_path: Path) -> None:
    """Entra ID knows a key by its certificate's thumbprint; the order of the two does not matter."""
    issued = Authority(tmp_path).issue("app.example.org")
    key, certificate = issued.key.read_text("ascii"), issued.certificate.read_text("ascii")
    leaf = certificate.partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    found = read_private_key(leaf + key)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).digest()

    assert found.header()["x5t#S256"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert read_private_key(key + leaf).header() == found.header()
    assert "x5t#S256" not in read_private_key(key).header()


BAD = {
    "half a certificate": pem(KEYS["RS256"]) + "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----",
    "nothing": "",
    "text": "s3cret",
    "public": pem(make_pair("one").private, private=False),
    "public P-256": pem(KEYS["ES256"], private=False),
    "public Ed25519": pem(KEYS["EdDSA"], private=False),
    "public jwk": json.dumps(make_pair("one").published),
    "shared": json.dumps(OctKey.generate_key(256).as_dict(private=True)),
    "list": "[1]",
    "with a password": str(RSAKey.generate_key(2048).as_pem(private=True, password="x"), "ascii"),
    "another curve": pem(ECKey.generate_key("P-384")),
    "no signing curve": pem(OKPKey.generate_key("X25519")),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_cannot_sign_is_refused(text: str) -> None:
    """A text that is no private key, or one that may not sign, is refused without being repeated."""
    with pytest.raises(ClientKeyError, match="must be") as caught:
        read_private_key(text)

    assert not text or text not in str(caught.value)


def test_a_short_rsa_key_is_refused() -> None:
    """NIST SP 800-131A asks for 2048 bits."""
    short = generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.warns(SecurityWarning), pytest.raises(ClientKeyError, match="2048"):
        read_private_key(short.decode("ascii"))


def test_keys_are_read_again(tmp_path: Path) -> None:
    """A key whose file changes is another one from then on; a half-written file keeps the last one."""
    path = tmp_path / "key.pem"
    path.write_text(pem(KEYS["ES256"]), "ascii")
    keys = ClientKeys([Secret(path=path), Secret(pem(KEYS["RS256"]))])
    before = keys.all()
    path.write_text(pem(KEYS["ES256"])[:40], "ascii")
    during = keys.all()
    path.write_text(pem(make_pair("two", "EC", 1).private), "ascii")
    after = keys.all()

    assert [key.alg for key in before] == ["ES256", "RS256"]
    assert during == before
    assert (after[0].kid, after[1].kid) == (make_pair("two", "EC", 1).private.thumbprint(), before[1].kid)


def test_a_key_is_parsed_once() -> None:
    """As long as the text is the same, so is the key."""
    keys = ClientKeys([Secret(pem(KEYS["RS256"]))])

    assert keys.all()[0] is keys.all()[0]


def test_a_key_that_is_there_twice_is_published_once(tmp_path: Path) -> None:
    """The second file may wait for the next key with a copy of the first, and be written while it runs."""
    path = tmp_path / "next.pem"
    path.write_text(pem(KEYS["ES256"]), "ascii")
    keys = ClientKeys([Secret(pem(KEYS["ES256"])), Secret(path=path)])
    before = keys.all()
    path.write_text(pem(make_pair("two", "EC", 1).private), "ascii")

    assert [key.kid for key in before] == [KEYS["ES256"].thumbprint()]
    assert [key.kid for key in keys.all()] == [before[0].kid, make_pair("two", "EC", 1).private.thumbprint()]


def test_a_first_key_that_cannot_be_read_is_an_error() -> None:
    """Without a last key there is none to go on with."""
    with pytest.raises(OIDCUnreachableError, match="client_key: must be a private key"):
        ClientKeys([Secret("x")]).all()
