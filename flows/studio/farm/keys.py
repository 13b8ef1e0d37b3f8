"""The farm's certificates: an authority of its own, and a certificate for its head and one for its cameras.

A machine has three files in a folder: `ca.pem`, `cert.pem`, `key.pem`. Both ends of every connection show a
certificate and ask for the other's (mutual TLS); the farm takes no one without. Whoever holds one can run
programs on every machine of the farm, for orders are Python.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.studio.errors import StudioError
from flows.studio.workspace.files import disk_errors

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEYS = "COLDOPEN_FARM_KEYS"
VALID_DAYS = 3650
CAMERA = "camera"  # the folder, in the head's, that is copied to the cameras


@dataclass(frozen=True)
class KeyFiles:
    """The three files of a machine."""

    authority: Path
    certificate: Path
    key: Path


def default_folder(env: Mapping[str, str] = os.environ) -> Path:
    """COLDOPEN_FARM_KEYS, else `cold-open/farm` in the user's configuration (XDG Base Directory)."""
    if env.get(KEYS):
        return Path(env[KEYS]).expanduser()
    return Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "cold-open" / "farm"


def files_in(folder: Path) -> KeyFiles:
    return KeyFiles(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def find(folder: Path) -> KeyFiles:
    """The three files of this machine. Raises StudioError if one is missing."""
    files = files_in(folder)
    for path in (files.authority, files.certificate, files.key):
        if not path.is_file():
            raise StudioError(
                f"{path}: this certificate of the farm is missing; make them once (coldopen farm keys), "
                f"and copy its {CAMERA}/ to every other machine",
                code=2,
            )
    return files


def make_keys(folder: Path, hosts: Sequence[str]) -> Path:
    """Makes the authority and both certificates; returns the folder that the other machines get.

    The authority's own key is not kept: nobody can add a certificate later, and nobody can steal it. Raises
    StudioError if there are keys already.
    """
    if (folder / "ca.pem").exists():
        raise StudioError(
            f"{folder}: there are keys already, and every machine of the farm has copies; to make others, "
            "move this folder away, and copy the new ones to all machines",
            code=2,
        )
    authority_key = _new_key()
    authority = _certificate("Cold Open farm", authority_key, None, ())
    with disk_errors(folder):
        for name, place in (("head", folder), (CAMERA, folder / CAMERA)):
            key = _new_key()
            certificate = _certificate(name, key, (authority, authority_key), hosts if name == "head" else ())
            _write(files_in(place), authority, certificate, key)
    return folder / CAMERA


def _write(
    files: KeyFiles, authority: x509.Certificate, certificate: x509.Certificate, key: EllipticCurvePrivateKey
) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder = files.key.parent
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(NotImplementedError, PermissionError):  # file systems without rights
        folder.chmod(0o700)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    contents = {
        files.key: secret,
        files.certificate: certificate.public_bytes(Encoding.PEM),
        files.authority: authority.public_bytes(Encoding.PEM),
    }
    for path, content in contents.items():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, EllipticCurvePrivateKey] | None,
    hosts: Sequence[str],
) -> x509.Certificate:
    """A certificate for ten years; without an issuer it is an authority that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signer = issuer[1] if issuer else key
    if issuer is None:
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
    else:
        usage = _key_usage(digital_signature=True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    builder = builder.add_extension(usage, critical=True)
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _key_usage(**used: bool) -> x509.KeyUsage:
    from cryptography import x509

    unused = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**unused, **used})


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
