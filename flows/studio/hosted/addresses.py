"""Addresses and keys of video servers: which key goes where, and which hosts are in the house."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from flows.studio.cameras.film_model import ModelError
from flows.studio.cameras.names import CameraName
from scripts_llm.llm.network import is_loopback

VIDEO_KEY, FAL_KEY, REPLICATE_KEY = "VIDEO_API_KEY", "FAL_KEY", "REPLICATE_API_TOKEN"
_HOUSE = (".local", ".lan", ".home", ".internal", ".home.arpa")


def host_of(url: str) -> str:
    """The host of an address, in small letters."""
    return (urlsplit(url).hostname or "").lower()


def is_in_the_house(url: str) -> bool:
    """Whether a server is this machine or stands in a private network, by its name or number."""
    host = host_of(url)
    if is_loopback(url) or "." not in host or host.endswith(_HOUSE):
        return not _is_number(host) or _is_private(host)
    return _is_private(host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_link_local


def clean_url(name: CameraName) -> str:
    """The server's address without a slash at its end, `/v1` of a server of videos added where no path is.

    Raises ModelError for one that holds a secret, which would be recorded, and one that is none.
    """
    assert name.url is not None
    if re.search(r"//[^/?#]*@|[?#]", name.url):
        raise ModelError(
            "model: wanted an address without user, password or question mark, got one with it, try "
            f"{VIDEO_KEY} for the key"
        )
    try:
        parts = urlsplit(name.url)
        parts.port  # noqa: B018  # raises ValueError
    except ValueError:
        raise ModelError("model: wanted an address, got one with a wrong host or port") from None
    if not parts.hostname:
        raise ModelError(f"model: wanted an address like http://localhost:8091/v1, got {name.url!r}")
    path = parts.path.rstrip("/")
    if name.place == "server":
        path = re.sub(r"/videos$", "", path) or "/v1"
    return urlunsplit((parts.scheme.lower(), parts.netloc, path, "", ""))


def key_of(name: CameraName, env: Mapping[str, str]) -> tuple[str, str]:
    """(variable, key) of a camera: each service has its own, servers VIDEO_API_KEY; "" where none is set.

    VIDEO_API_KEY goes to the host of VIDEO_BASE_URL, without that to servers in the house: a premise that
    names a stranger's server does not get it. Raises ModelError for a service without a key, and for a key
    that no HTTP header can hold.
    """
    variable = {"fal": FAL_KEY, "replicate": REPLICATE_KEY}.get(name.place, VIDEO_KEY)
    key = env.get(variable, "").strip()
    if name.url is not None:
        known = env.get("VIDEO_BASE_URL", "").strip()
        is_known = host_of(name.url) == host_of(known) if known else is_in_the_house(name.url)
        if not is_known:
            return f"{variable} with VIDEO_BASE_URL={clean_url(name)}", ""
    elif not key:
        raise ModelError(f"{name}: wanted a key for {name.place}, got none, try {variable}")
    for number, letter in enumerate(key, 1):
        if not (letter.isascii() and letter.isprintable()):
            raise ModelError(
                f"{variable}: wanted a key of ASCII letters, got one whose letter {number} is none, try to "
                "copy it once more"
            )
    return variable, key
