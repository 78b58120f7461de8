"""A throw-away certificate authority and the server certificates it issues."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onegov_auth.clock import utcnow

__all__ = ["Authority", "Certificate"]

#: Longer than what is worth a warning.
_VALID = timedelta(days=60)
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Certificate:
    """Where a certificate and its key lie, both PEM."""

    certificate: Path
    key: Path


class Authority:
    """
    A certificate authority that signs what it is asked to.

    The extensions are those RFC 5280 §4.2.1 demands, because Python ≥ 3.13 verifies strictly (VERIFY_X509_STRICT).

    Args:
        directory: Where the files are written.
        name: The common name, which is part of the file names too.
    """

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.directory = directory
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(f"onegov_auth test {name}")
        self._certificate = self._make()
        self.ca_file = directory / f"{name}.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @classmethod
    def at(cls, directory: Path, name: str = "ca") -> Self:
        """An authority in a directory that is made if it isn't there."""
        directory.mkdir(parents=True, exist_ok=True)
        return cls(directory, name)

    def _make(self) -> x509.Certificate:
        public = self._key.public_key()
        builder = _builder(self._subject, self._subject, public, utcnow() + _VALID)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, *names: str, expires: datetime | None = None, names_authority: bool = True) -> Certificate:
        """
        A certificate for host names and addresses, usable by servers and clients.

        Args:
            names: The subject alternative names; the first is the common name and part of the file names.
            expires: When it ends, in two months unless said; may lie in the past.
            names_authority: Whether it has the authority key identifier, which Python ≥ 3.13 demands.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(names[0]), self._subject, key.public_key(), expires or utcnow() + _VALID)
        issuer = self._key.public_key()
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs_certificates=False), True),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
            (x509.ExtendedKeyUsage(both), False),
            (x509.SubjectAlternativeName([_general_name(name) for name in names]), False),
        ]
        if not names_authority:
            extensions = [pair for pair in extensions if not isinstance(pair[0], x509.AuthorityKeyIdentifier)]
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(self._key, hashes.SHA256())
        return self._write(names[0], certificate, key)

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
        stem = f"{self.name}-{name.replace('*', 'any').replace(':', '-')}"
        paths = Certificate(self.directory / f"{stem}.pem", self.directory / f"{stem}.key")
        paths.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths.key.touch(mode=0o600)
        paths.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, expires: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(utcnow(), expires) - _SKEW)
        .not_valid_after(expires)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
