"""The address of a farm, and whether one answers there.

`tls://head.lan:8786` needs the farm's certificates; `tcp://127.0.0.1:8786` needs none and stays on this
machine.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.studio.errors import StudioError
from flows.studio.farm import keys

if TYPE_CHECKING:
    from distributed.security import Security

FARM = "COLDOPEN_FARM"
PORT = 8786
EXTRA = 'the farm needs another package: pip install "cold-open[farm]"'
_ADDRESS = re.compile(r"(?:(?P<scheme>\w+)://)?(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?")
ANSWER_SECONDS = 5.0  # how long a farm may take to answer a call


class NoAnswer(StudioError):
    """No farm answers at an address, or it does not take our certificate."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)


@dataclass(frozen=True)
class Address:
    """Where a farm is. `keys` is the folder of the certificates, of which `tcp` needs none."""

    scheme: Literal["tls", "tcp"]
    host: str
    port: int
    keys: Path

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def security(self) -> Security:
        """The certificates as Dask takes them. Raises StudioError if they are missing."""
        from distributed.security import Security

        if self.scheme == "tcp":
            return Security()
        files = keys.find(self.keys)
        return Security(
            require_encryption=True,
            tls_ca_file=str(files.authority),
            **{
                f"tls_{role}_{part}": str(path)
                for role in ("client", "worker", "scheduler")
                for part, path in (("cert", files.certificate), ("key", files.key))
            },
        )


def parse_address(text: str, *, folder: Path | None = None, option: str = "--farm") -> Address:
    """The address in a text; without scheme it is TLS, without port 8786.

    `folder` holds the certificates, left out the one that `keys.folder` names. Raises StudioError for what is
    no address, has a password in it, or would send orders over a network without TLS.
    """
    if "@" in text:
        raise StudioError(
            f"{option}: wanted an address without a password; the certificates take its place",
            code=2,
        )
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match["port"] or PORT) < 65536:
        raise StudioError(f"{option}: wanted an address like tls://head.lan:8786, got {text!r}", code=2)
    scheme, host = match["scheme"] or "tls", match["host"].strip("[]")
    if scheme not in ("tls", "tcp"):
        raise StudioError(f"{option}: wanted tls:// (or tcp:// on this machine alone), got {text!r}", code=2)
    if scheme == "tcp" and not _is_this_machine(host):
        raise StudioError(
            f"{option}: {text} is another machine, and tcp:// lets everybody on the way run programs on it; "
            f"wanted tls://{host} (coldopen farm keys makes the certificates)",
            code=2,
        )
    port = int(match["port"] or PORT)
    return Address("tls" if scheme == "tls" else "tcp", host, port, folder or keys.default_folder())


def _is_this_machine(host: str) -> bool:
    """Whether it is a loopback address; 0.0.0.0, which listens to all machines, is none."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def chosen_address(
    option: str | None, env: Mapping[str, str] = os.environ, *, folder: Path | None = None
) -> Address | None:
    """The address of `--farm`, else of COLDOPEN_FARM; None where neither names one."""
    if option is not None:
        return parse_address(option, folder=folder)
    return parse_address(env[FARM], folder=folder, option=FARM) if env.get(FARM) else None


def hush_dask() -> None:
    """Keeps Dask's own log lines from the terminal; what people need to know we say ourselves."""
    import distributed  # noqa: F401  # which sets its loggers up

    for name in (
        "distributed",
        "distributed.worker",
        "distributed.scheduler",
        "distributed.client",
        "tornado",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def require_dask() -> None:
    """Raises StudioError where the extra is not installed."""
    if find_spec("distributed") is None:
        raise StudioError(EXTRA, code=2)


def check_answer(address: Address, *, seconds: float = ANSWER_SECONDS) -> None:
    """Raises NoAnswer, in a line, unless a farm answers that takes our certificate."""
    try:
        with socket.create_connection((address.host, address.port), seconds) as plain:
            if address.scheme == "tls":
                _check_certificates(address, plain)
    except ssl.SSLError as error:
        raise NoAnswer(
            f"{address}: the farm and this machine do not trust each other ({_reason(error)}); both need "
            f"certificates of the same `coldopen farm keys`, here in {address.keys}"
        ) from error
    except OSError as error:
        raise NoAnswer(
            f"{address}: no answer ({_reason(error)}); does `coldopen farm` run there, is the port open?"
        ) from error


def _check_certificates(address: Address, plain: socket.socket) -> None:
    """Shakes hands. The farm speaks first; a certificate that it refuses ends the connection before."""
    files = keys.find(address.keys)
    context = ssl.create_default_context(cafile=str(files.authority))
    context.check_hostname = False  # as Dask does: a certificate says that a machine belongs to the farm
    context.load_cert_chain(files.certificate, files.key)
    with context.wrap_socket(plain) as secured:
        if not secured.recv(1):
            raise ssl.SSLError("it hung up")


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error or type(error).__name__)
