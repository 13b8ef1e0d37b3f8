"""Addresses on this machine, and the proxy and certificate variables that HTTP clients read."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")  # in either case of letters
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_SCHEMES = ("http", "https", "socks5", "socks5h")


def is_loopback(url: str) -> bool:
    """True if the URL's host is this machine: localhost, 127.0.0.0/8, ::1, or 0.0.0.0, where Ollama listens.

    A request to such a host uses neither a proxy nor a certificate file of the environment.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return is_loopback_host(host)


def is_loopback_host(host: str) -> bool:
    """`is_loopback` for a host name or an IP address without brackets."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _is_short_loopback(host)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _is_short_loopback(host: str) -> bool:
    """Whether the host is 127.0.0.1 in one of its short forms, such as 127.1."""
    if not re.fullmatch(r"[\d.]+", host):
        return False
    try:
        return socket.inet_aton(host)[0] == ipaddress.IPv4Network("127.0.0.0/8").network_address.packed[0]
    except OSError:
        return False


def without_credentials(text: str) -> str:
    """The text, without the user and password of any URL in it."""
    return re.sub(r"//[^/?#\s'\"]*@", "//", text)


def environment_fault(error: Exception, environ: Mapping[str, str]) -> str | None:
    """One line that names the variable for which an HTTP client could not be built.

    `error` is what the client's constructor raised. None if no variable explains it. The value of a
    proxy variable is never part of the line: it may hold a password.
    """
    if isinstance(error, OSError):
        name = next((name for name in CERTIFICATES if environ.get(name)), None)
        return name and f"{name}: wanted a readable file or folder, got {environ[name]!r} ({_reason(error)})"
    if isinstance(error, ImportError):
        name = _proxy_variable(environ, ("socks5", "socks5h"))
        return name and f"{name}: a SOCKS proxy needs the package socksio, try: pip install socksio"
    for name in _set(PROXIES[:-1], environ):
        if _scheme(environ[name]) not in _SCHEMES:
            return f"{name}: wanted a proxy such as http://host:port, got another kind of address"
    if type(error).__name__ != "InvalidURL":  # of httpx and httpx2
        return None
    name = next(iter(_set(("NO_PROXY",), environ)), None)
    return name and f"{name}: wanted hosts with commas between them, got one that is no host"


def _scheme(url: str) -> str:
    """The scheme of a proxy's address; `http` where there is none, as urllib takes it."""
    return url.partition("://")[0].lower() if "://" in url else "http"


def _proxy_variable(environ: Mapping[str, str], schemes: tuple[str, ...]) -> str | None:
    names = _set(PROXIES[:-1], environ)
    return next((name for name in names if _scheme(environ[name]) in schemes), None)


def _set(names: tuple[str, ...], environ: Mapping[str, str]) -> list[str]:
    """Those of the names, in small or capital letters, that have a value."""
    return [each for name in names for each in (name.lower(), name) if environ.get(each)]


def _reason(error: OSError) -> str:
    return str(error.strerror or error)
