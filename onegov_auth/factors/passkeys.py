"""
The two ceremonies of Web Authentication Level 3, by py_webauthn: make a passkey (§7.1), use one (§7.2).

What the library leaves to its caller is checked here: the frame it was made in, the strength of keys, the size of the
credential id, and that the browser sent the JSON it should have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

__all__ = ["Asserted", "Ceremonies", "NewPasskey", "PasskeyError"]

#: An answer has some thousand characters; with an attestation that nobody asked for, some ten thousand.
MAX_ANSWER = 65_536

#: Web Authentication Level 3 §7.1 step 25.
MAX_CREDENTIAL_ID = 1023

#: A credential's id in base64url; anything else is nobody's, and some of it no database takes.
_ID = re.compile(f"[A-Za-z0-9_-]{{1,{MAX_CREDENTIAL_ID * 4 // 3}}}", re.ASCII)

#: BSI TR-02102-1 and NIST SP 800-131A: no shorter RSA keys.
MIN_RSA_BITS = 2048

#: Milliseconds until the browser gives up; Web Authentication Level 3 §15.1 recommends five to ten minutes.
TIMEOUT = 300_000

#: What every platform has one of; the first is preferred.
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]

#: What the library raises at input that is none, beside errors of its own.
_MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError, IndexError, RecursionError, UnsupportedAlgorithm)


class PasskeyError(ValueError):
    """
    Raised when an answer is not the right one.

    Args:
        code: ``invalid_code`` if it is none at all, or ``wrong_code``.
        why: For the event log; nothing that the browser chose.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """
    A passkey that was made.

    Attributes:
        id: The credential's id, in base64url.
        public_key: Its COSE key, in base64url.
        count: How often it was used, if it counts.
        aaguid: The authenticator's model, or zeros.
        transports: How the browser reaches it, for the next time.
        backup_eligible: Whether it can be on several devices (Level 3 §6.1.3); never changes.
        backed_up: Whether it is.
        verified: Whether the authenticator made sure of the person, by PIN or biometry.
    """

    id: str
    public_key: str
    count: int
    aaguid: str
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class Asserted:
    """
    A passkey that was used.

    Attributes:
        count: As of :class:`NewPasskey`; zero where nothing is counted.
        user_handle: Whose it is, as it was told at its making; ``None`` if the authenticator did not say.
        backup_eligible: As of :class:`NewPasskey`.
        backed_up: As of :class:`NewPasskey`.
        verified: As of :class:`NewPasskey`.
    """

    count: int
    user_handle: str | None
    backup_eligible: bool
    backed_up: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """
    What the browser is asked, and what is right.

    Args:
        rp_id: The domain passkeys belong to.
        rp_name: The name the browser shows.
        origin: Where our pages are.
    """

    rp_id: str
    rp_name: str
    origin: str

    def creation_options(
        self, user: tuple[str, str, str], challenge: str, known: Iterable[str], *, passwordless: bool
    ) -> dict[str, Any]:
        """
        What ``navigator.credentials.create`` is given, as JSON.

        Args:
            user: The user's handle, name and name to show.
            challenge: What has to be signed, in base64url.
            known: The ids of passkeys the user has; an authenticator with one of them makes no second one.
            passwordless: It has to remember the user and to make sure of the person.
        """
        handle, name, title = user
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=self.rp_name,
            user_id=handle.encode(),
            user_name=name,
            user_display_name=title,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED if passwordless else ResidentKeyRequirement.PREFERRED,
                user_verification=_verification(required=passwordless),
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(id_)) for id_ in known],
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json_dict(options)

    def created(self, answer: str, challenge: str, *, passwordless: bool) -> NewPasskey:
        """
        The passkey of an answer to :meth:`creation_options`.

        Raises:
            PasskeyError: If the answer is not right.
        """
        credential = _loaded(answer)
        with _judged():
            made = verify_registration_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                require_user_verification=passwordless,
                supported_pub_key_algs=ALGORITHMS,
            )
            _refuse_weak(made.credential_public_key)
        _refuse_frames(credential)
        if len(made.credential_id) > MAX_CREDENTIAL_ID:
            raise PasskeyError("invalid_code", "credential id")
        return NewPasskey(
            id=bytes_to_base64url(made.credential_id),
            public_key=bytes_to_base64url(made.credential_public_key),
            count=made.sign_count,
            aaguid=made.aaguid,
            transports=_transports(credential),
            backup_eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            backed_up=made.credential_backed_up,
            verified=made.user_verified,
        )

    def request_options(
        self, challenge: str, known: Mapping[str, Iterable[str]], *, passwordless: bool
    ) -> dict[str, Any]:
        """
        What ``navigator.credentials.get`` is given, as JSON.

        Args:
            challenge: What has to be signed, in base64url.
            known: The passkeys to choose from, with their transports; none leaves it to the authenticator.
            passwordless: The person has to be made sure of.
        """
        allowed = [
            PublicKeyCredentialDescriptor(
                base64url_to_bytes(id_), transports=[AuthenticatorTransport(name) for name in transports]
            )
            for id_, transports in known.items()
        ]
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT,
            allow_credentials=allowed,
            user_verification=_verification(required=passwordless),
        )
        return options_to_json_dict(options)

    def asserted(self, answer: str, challenge: str, public_key: str, *, passwordless: bool) -> Asserted:
        """
        What an answer to :meth:`request_options` says, once everything about it is right but the count.

        Args:
            answer: What the browser sent.
            challenge: What had to be signed.
            public_key: That of the passkey which :func:`credential_id` names.
            passwordless: Whether the person has to be made sure of.

        Raises:
            PasskeyError: If the answer is not right.
        """
        credential = _loaded(answer)
        with _judged():
            used = verify_authentication_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=base64url_to_bytes(public_key),
                # Compared by the caller, who tells a count that went back from a wrong answer.
                credential_current_sign_count=-1,
                require_user_verification=passwordless,
            )
            handle = credential["response"].get("userHandle")
            owner = None if handle is None else base64url_to_bytes(handle).decode()
        _refuse_frames(credential)
        return Asserted(
            count=used.new_sign_count,
            user_handle=owner,
            backup_eligible=used.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            backed_up=used.credential_backed_up,
            verified=used.user_verified,
        )


def credential_id(answer: str) -> str:
    """
    The id of the passkey that *answer* is by, as it says.

    Raises:
        PasskeyError: If it does not say.
    """
    id_ = _loaded(answer).get("id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise PasskeyError("invalid_code", "id")
    return id_


def _verification(*, required: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if required else UserVerificationRequirement.PREFERRED


def _loaded(answer: str) -> dict[str, Any]:
    if len(answer) > MAX_ANSWER:
        raise PasskeyError("invalid_code", "length")
    try:
        credential = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise PasskeyError("invalid_code", "json") from error
    if not isinstance(credential, dict):
        raise PasskeyError("invalid_code", "json")
    return credential


@contextmanager
def _judged() -> Iterator[None]:
    """Whatever the library says of an answer is a refusal, and no error of ours."""
    try:
        yield
    except PasskeyError:
        raise
    except _MALFORMED as error:
        raise PasskeyError("wrong_code", type(error).__name__) from error


def _refuse_weak(public_key: bytes) -> None:
    # Read now, so that a key nobody could ever use is not found out at the next login: points off the curve raise.
    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise PasskeyError("wrong_code", "rsa")


def _refuse_frames(credential: Mapping[str, Any]) -> None:
    """Nobody else's page may have ours in a frame (Level 3 §7.1 step 11, §7.2 step 14; WAN-03)."""
    client_data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    if client_data.get("crossOrigin") or client_data.get("topOrigin") is not None:
        raise PasskeyError("wrong_code", "frame")


def _transports(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """Those we know; the browser is free to send others."""
    told = credential["response"].get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    return tuple(sorted(known & {name for name in told if isinstance(name, str)})) if isinstance(told, list) else ()
