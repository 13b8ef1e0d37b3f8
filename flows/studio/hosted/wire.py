"""Requests to a video server: its faults in a line each, and which of them may be asked again.

A request that may have been taken is never repeated here: `ask` repeats those that were turned away (429,
503) or never left; `look` repeats whatever may pass, because looking costs nothing. Our key goes to the
server's own host and nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from flows.studio.hosted.complaints import is_refusal, message_of
from flows.studio.hosted.errors import HostedError, Refused
from flows.studio.workspace.files import atomic_write
from scripts_llm.llm.client import public_address, retry_after
from scripts_llm.llm.network import environment_fault, is_loopback, without_credentials
from scripts_llm.plain_text import one_line

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
MOST_BYTES = 1_000_000_000  # of one film
MOST_ANSWER = 64_000_000  # bytes of an answer that is no film; one may hold a picture that was sent
MOST_REDIRECTS = 5
_PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524)
_TURNED_AWAY = (425, 429, 503)  # nothing is going on there


@dataclass(frozen=True)
class Patience:
    """How often and how long to wait. `sleep` and `clock` are replaced in tests."""

    tries: int = 6  # of asking for a job
    look_tries: int = 12  # of looking: a server may be away for minutes
    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    look_seconds: float = 5.0  # between two looks at a job
    settle_seconds: float = 20.0  # until a job whose answer nobody heard would be in the server's list
    film_seconds: float = 3600.0  # for one film, the server's queue included
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def repeat(self, once: Callable[[], T], *, is_look: bool) -> T:
        """The result of `once`, called again after a fault that may pass; an ask never if it may be taken."""
        tries = self.look_tries if is_look else self.tries
        for number in range(1, tries + 1):
            try:
                return once()
            except HostedError as fault:
                may_repeat = fault.is_passing and (is_look or not fault.is_unheard)
                wait = (
                    self.first_seconds * 2 ** (number - 1) if fault.retry_after is None else fault.retry_after
                )
                if not may_repeat or number == tries:
                    raise
                if wait > self.longest_seconds and fault.retry_after is not None:
                    raise HostedError(
                        f"{fault}; the server asks to wait {wait:.0f} s", status=fault.status
                    ) from None
                self.sleep(min(wait, self.longest_seconds))
        raise AssertionError("the last try returns or raises")


class Wire:
    """A server by its address, and our key for it.

    `scheme` stands before the key in the Authorization header: Bearer, or fal's Key. An address on this
    machine is called directly, a plain http one too if it gets a key, because a proxy would read the key.
    """

    def __init__(
        self, base: str, key: str = "", *, scheme: str = "Bearer", key_name: str = "", timeout: float = 60.0
    ) -> None:
        self.base = base.rstrip("/")
        self.where = public_address(self.base)
        self._key, self._key_name = key, key_name
        self._headers = {"Authorization": f"{scheme} {key}"} if key else {}
        self._timeout = timeout

    # ------------------------------------------------------------------------------------------ requests

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The object that a POST is answered with. Each goes over a connection of its own.

        (One that was kept open may break just when the request is on it, and nobody knows if it was taken.)
        Raises HostedError, `is_unheard` if the server may have taken the request.
        """
        status, answer, headers = self._request("POST", path, **body)
        if 200 <= status < 300:
            if isinstance(answer, dict):
                return answer
            raise HostedError(
                f"{self.where}: wanted a job, got an answer that is none", status=status, is_unheard=True
            )
        raise self._fault(status, answer, headers, is_ask=True)

    def look(self, address: str, *, may_fail: bool = False) -> dict[str, Any]:
        """The object that a GET is answered with; with `may_fail` also a job that comes with a bad status."""
        status, answer, headers = self._request("GET", address)
        if isinstance(answer, dict) and (200 <= status < 300 or (may_fail and "status" in answer)):
            return answer
        if 200 <= status < 300:
            raise HostedError(f"{self.where}: wanted a job, got an answer that is none", is_passing=True)
        raise self._fault(status, answer, headers, is_ask=False)

    def download(self, address: str, out: Path) -> None:
        """The file at an address, whole or not at all. Redirects are followed, without our key."""
        url = self._whole(address)
        with atomic_write(out) as part, self._faults():
            for _ in range(MOST_REDIRECTS):
                with self._client(url) as client, client.stream("GET", url) as answer:
                    if not answer.is_redirect:
                        self._write(answer, part)
                        return
                    url = urljoin(url, answer.headers.get("location", ""))
                    self._check_scheme(url)
        raise HostedError(f"{self.where}: wanted a film, got redirects in a circle")

    def _write(self, answer: httpx2.Response, part: Path) -> None:
        if not answer.is_success:
            answer.read()
            is_expired = answer.status_code == 403 and not self._is_own(str(answer.url))  # a signed address
            status = 410 if is_expired else answer.status_code
            raise self._fault(status, _json(answer.content), answer.headers, is_ask=False)
        size, told = 0, answer.headers.get("content-length")
        with part.open("wb") as file:
            for chunk in answer.iter_bytes():
                size += len(chunk)
                if size > MOST_BYTES:
                    raise HostedError(
                        f"{self.where}: wanted a film, got more than {MOST_BYTES // 10**6} MB without an end"
                    )
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if not size or (told is not None and "content-encoding" not in answer.headers and int(told) != size):
            raise HostedError(
                f"{self.where}: wanted a film of {told or 'some'} bytes, got {size}", is_passing=True
            )

    def _request(self, method: str, address: str, **body: Any) -> tuple[int, Any, Mapping[str, str]]:
        url = self._whole(address)
        with (
            self._faults(is_ask=method == "POST"),
            self._client(url) as client,
            client.stream(method, url, **body) as answer,
        ):
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > MOST_ANSWER:
                    raise HostedError(
                        f"{self.where}: wanted an answer, got more than {MOST_ANSWER // 10**6} MB of one",
                        is_unheard=method == "POST",
                    )
            return answer.status_code, _json(content), answer.headers

    # ------------------------------------------------------------------------------------------- addresses

    def _whole(self, address: str) -> str:
        url = address if "://" in address else f"{self.base}{address}"
        self._check_scheme(url)
        return url

    def _check_scheme(self, url: str) -> None:
        """Raises HostedError for an address of neither https nor, at a server of plain http, http."""
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and self.base.startswith("http:")):
            raise HostedError(f"{self.where}: wanted an address of https, got one of {scheme or 'nothing'}")

    def _is_own(self, url: str) -> bool:
        """Whether an address is the server's own: its scheme, host and port."""
        return _origin(url) == _origin(self.base)

    def _client(self, url: str) -> httpx2.Client:
        """A client for one request; the key goes along only to the server's own scheme, host and port."""
        import httpx2

        is_own = self._is_own(url)
        is_plain = url.startswith("http:")
        is_direct = is_loopback(url) or (is_plain and is_own and bool(self._key))
        try:
            return httpx2.Client(
                headers=self._headers if is_own else {},
                verify=False if is_plain else httpx2.create_ssl_context(),
                trust_env=not is_direct,
                follow_redirects=False,
                timeout=self._timeout,
            )
        except (ImportError, OSError, ValueError, httpx2.InvalidURL) as error:
            reason = environment_fault(error, os.environ) or without_credentials(self._redact(str(error)))
            raise HostedError(f"{self.where}: cannot be called: {one_line(reason)}") from None

    # ---------------------------------------------------------------------------------------------- faults

    @contextlib.contextmanager
    def _faults(self, *, is_ask: bool = False) -> Iterator[None]:
        """Faults of the connection as HostedError; `is_unheard` where a request may have gone out whole."""
        import httpx2

        try:
            yield
        except httpx2.ProxyError as fault:
            said = one_line(without_credentials(self._redact(str(fault))))
            raise HostedError(
                f"{self.where}: wanted a way through the proxy, got {said}, try HTTPS_PROXY or NO_PROXY"
            ) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as fault:
            if "CERTIFICATE_VERIFY_FAILED" in str(fault):
                raise HostedError(
                    f"{self.where}: wanted a certificate that is trusted, got another, try SSL_CERT_FILE"
                ) from None
            raise HostedError(
                f"{self.where}: wanted a server, got no connection, try to start it, or another address",
                is_passing=True,
            ) from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError) as fault:
            reason = one_line(without_credentials(self._redact(str(fault))))
            raise HostedError(f"{self.where}: cannot be called: {reason}") from None
        except httpx2.HTTPError as fault:
            how = (
                "none in time"
                if isinstance(fault, httpx2.TimeoutException)
                else "a connection that broke off"
            )
            raise HostedError(
                f"{self.where}: wanted an answer, got {how}", is_passing=True, is_unheard=is_ask
            ) from None

    def _fault(self, status: int, body: Any, headers: Mapping[str, str], *, is_ask: bool) -> HostedError:
        """A bad status as an error of one line."""
        said = one_line(self._redact(message_of(body)))[:300]
        reason = f"{status} ({said})" if said else str(status)
        if is_refusal(body):
            return Refused(f"{self.where}: its rules forbid this prompt or picture, {reason}", status=status)
        key = f", try {self._key_name}" if self._key_name else ""
        told = {
            401: f"wanted a key that it knows, got {status}{key}",
            402: f"wanted money on the account, got {reason}, try to pay the provider",
            403: f"wanted a key that may film, got {reason}{key}",
            404: f"wanted a model or job that it has, got {reason}",
            413: f"wanted a smaller request, got {reason}",
        }.get(status, f"wanted a film, got {reason}")
        if 300 <= status < 400:
            target = public_address(headers.get("location", "elsewhere"))
            told = f"wanted an answer, got a redirect to {one_line(target)}, try that address"
        is_out_of_money = "insufficient_quota" in json.dumps(body) if status == 429 else False
        if is_out_of_money:
            told = f"wanted money on the account, got {reason}, try to pay the provider"
        return HostedError(
            f"{self.where}: {told}",
            status=status,
            is_passing=status in (_TURNED_AWAY if is_ask else _PASSING) and not is_out_of_money,
            is_unheard=is_ask and (status >= 500 or status == 408) and status not in _TURNED_AWAY,
            retry_after=retry_after(headers) if status in _PASSING else None,
            body=body,
        )

    def redact(self, text: str) -> str:
        """A server's words with our key replaced by ***, on one line."""
        return one_line(self._redact(text))[:300]

    def _redact(self, text: str) -> str:
        return text.replace(self._key, "***") if len(self._key) >= 6 else text


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
