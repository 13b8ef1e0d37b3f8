"""The client of an OpenAI-compatible server, and its failures as LLMErrors of one line."""

from __future__ import annotations

import contextlib
import email.utils
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from scripts_llm.llm.complaints import is_about_form, is_bad_key, is_final, read_limits, refuses_system_role
from scripts_llm.llm.network import environment_fault, is_loopback, without_credentials
from scripts_llm.llm.reply import NoReply, Reply, read_reply
from scripts_llm.plain_text import one_line

if TYPE_CHECKING:
    import openai

OPENAI = "https://api.openai.com/v1"
MOST_BYTES = 8_000_000  # of one reply; a script has some ten thousand
NO_KEY = "local"  # sent to servers that need no key

Form = Literal["json_schema", "json_object", "prompt"]
Clock = Callable[[], float]


@dataclass(frozen=True)
class LLMSettings:
    """The model, its server, and the limits of asking it. The key is never shown or recorded."""

    model: str
    base_url: str = OPENAI  # without a query
    api_key: str = field(default=NO_KEY, repr=False)
    api_version: str = ""  # the `api-version` that Azure wants in the query of every address
    temperature: float | None = None
    answer_tokens: int = 8000  # of one answer
    max_tokens: int | None = None  # of all questions and answers together
    max_cost: float | None = None  # US dollars, likewise
    timeout_seconds: float = 300  # for one answer, from the question to its last byte


@dataclass(frozen=True)
class Call:
    """One call of a model as the manifest records it; None where the server reports no figure."""

    purpose: str
    model: str
    seconds: float
    prompt_tokens: int | None
    completion_tokens: int | None
    finish: str | None
    form: Form
    seed: int | None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None


class LLMError(Exception):
    """The model could not be reached, or its answer cannot be used. `calls` are the calls made so far.

    `is_passing`: the same question may succeed later, after `retry_after` seconds if the server named a time.
    `complaint`: the server's own words, whole, for `scripts_llm.llm.complaints`; never to be shown.
    """

    def __init__(
        self,
        message: str,
        calls: Sequence[Call] = (),
        *,
        status: int | None = None,
        is_passing: bool = False,
        retry_after: float | None = None,
        complaint: str = "",
    ) -> None:
        super().__init__(message)
        self.calls = tuple(calls)
        self.status = status
        self.is_passing = is_passing
        self.retry_after = retry_after
        self.complaint = complaint


class LLMTimeout(LLMError):
    """The answer was not complete within `LLMSettings.timeout_seconds`; its tokens may have been paid for."""


def display_address(settings: LLMSettings) -> str:
    """The server's address as it may be shown: host and path, without user, password or query."""
    return public_address(settings.base_url)


def public_address(address: str) -> str:
    """An address without user, password, query and fragment."""
    return re.sub(r"//[^/?#]*@", "//", address).partition("?")[0].partition("#")[0]


def redact_key(text: str, settings: LLMSettings) -> str:
    """A server's text with our key replaced by ***."""
    key = settings.api_key
    return text if key == NO_KEY or len(key) < 6 else text.replace(key, "***")


def candidate_addresses(settings: LLMSettings) -> list[LLMSettings]:
    """The settings as given, and with /v1 appended if it is missing."""
    if settings.base_url.endswith("/v1"):
        return [settings]
    return [settings, replace(settings, base_url=f"{settings.base_url}/v1")]


# ------------------------------------------------------------------------------------------- the client


class _TooLong(Exception):
    """A reply exceeds the limit of bytes."""


_ENDLESS = f"more than {MOST_BYTES // 1_000_000} MB without an end"


@contextlib.contextmanager
def open_client(settings: LLMSettings, *, clock: Clock = time.monotonic) -> Iterator[openai.OpenAI]:
    """A client for one request; its errors are raised as LLMError.

    The limits of time and size apply to the whole reply, however slowly it arrives.
    """
    import openai

    where = display_address(settings)
    limit = settings.timeout_seconds
    client = _build_client(settings, _bounding(clock() + limit, clock))
    try:
        with client:
            yield client
    except openai.APITimeoutError:
        problem = f"wanted an answer, got none within {limit:g} s, try a smaller model"
        raise LLMTimeout(f"{where}: {problem}", is_passing=True) from None
    except openai.APIConnectionError as fault:
        raise _connection_error(where, fault) from None
    except openai.APIStatusError as fault:
        raise _status_error(where, fault, settings) from None
    except _TooLong:
        raise LLMError(f"{where}: wanted an answer, got {_ENDLESS}") from None
    except (openai.OpenAIError, ValueError) as fault:
        reason = one_line(redact_key(str(fault), settings))
        raise LLMError(f"{where}: wanted an answer, got: {reason}") from None


def complete(settings: LLMSettings, request: Mapping[str, Any], *, clock: Clock = time.monotonic) -> Reply:
    """The reply to one chat request, in whatever shape it comes. Raises LLMError."""
    with open_client(settings, clock=clock) as client:
        create: Any = client.chat.completions.with_raw_response.create
        response = create(**request)
        try:
            return read_reply(response.text)
        except NoReply as fault:
            raise _no_reply(settings, fault) from None


def _build_client(settings: LLMSettings, hook: Callable[[Any], None]) -> openai.OpenAI:
    """A client whose proxy and certificates are the environment's, where the address needs any.

    An address on this machine is called directly. So is a plain http one that gets a key, because a proxy
    would read the key; through https it cannot.
    """
    import httpx2
    import openai

    key_headers = _key_headers(settings)
    is_plain = settings.base_url.startswith("http:")  # no certificates to load, and no way on to https
    is_direct = is_loopback(settings.base_url) or (is_plain and settings.api_key != NO_KEY)
    try:
        return openai.OpenAI(
            api_key=settings.api_key,
            base_url=settings.base_url,
            timeout=settings.timeout_seconds,
            max_retries=0,
            default_query={"api-version": settings.api_version} if settings.api_version else None,
            default_headers=key_headers,
            http_client=openai.DefaultHttpxClient(
                verify=False if is_plain else httpx2.create_ssl_context(),
                trust_env=not is_direct,
                follow_redirects=not (is_plain or key_headers),  # to another host `api-key` would go along
                event_hooks={"request": [_drop_bearer], "response": [hook]},
                timeout=settings.timeout_seconds,
            ),
        )
    except (ImportError, OSError, ValueError, httpx2.InvalidURL, openai.OpenAIError) as error:
        reason = environment_fault(error, os.environ) or without_credentials(redact_key(str(error), settings))
        raise LLMError(f"{display_address(settings)}: cannot be called: {one_line(reason)}") from None


def is_azure(url: str) -> bool:
    """Whether the URL's host is a resource of Azure OpenAI or Azure AI Foundry."""
    host = urlsplit(url).hostname or ""
    return host.endswith((".openai.azure.com", ".cognitiveservices.azure.com", ".ai.azure.com"))


def _key_headers(settings: LLMSettings) -> dict[str, str]:
    """Azure's header of the key, for its own hosts and for every address with an api-version."""
    return {"api-key": settings.api_key} if settings.api_version or is_azure(settings.base_url) else {}


def _drop_bearer(request: Any) -> None:
    """A request hook for Azure's hosts, which take a Bearer token for one of Entra ID."""
    if is_azure(str(request.url)):
        request.headers.pop("Authorization", None)


def _bounding(end: float, clock: Clock) -> Callable[[Any], None]:
    """A response hook that limits the time and size of the body."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self.inner:
                size += len(chunk)
                if size > MOST_BYTES:
                    raise _TooLong
                if clock() > end:
                    raise httpx2.ReadTimeout("the whole reply took too long")
                yield chunk

        def close(self) -> None:
            self.inner.close()

    def hook(response: Any) -> None:
        response.stream = Bounded(response.stream)

    return hook


def _connection_error(where: str, fault: Exception) -> LLMError:
    import httpx2

    cause = fault.__cause__
    if isinstance(cause, _TooLong):
        return LLMError(f"{where}: wanted an answer, got {_ENDLESS}")
    if isinstance(cause, httpx2.LocalProtocolError):  # a header that cannot be sent
        variables = "OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS"
        return LLMError(
            f"{where}: wanted headers of one line each, got others, try {variables} without breaks"
        )
    if isinstance(cause, httpx2.ProxyError):
        said = one_line(without_credentials(str(cause)))
        return LLMError(f"{where}: wanted a way through the proxy, got {said}, try HTTPS_PROXY or NO_PROXY")
    if isinstance(cause, httpx2.ConnectError):
        advice = "try to start it, or another address"
        if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return LLMError(f"{where}: wanted a certificate that is trusted, got another, try SSL_CERT_FILE")
        return LLMError(f"{where}: wanted a server, got no connection, {advice}")
    return LLMError(f"{where}: wanted an answer, got a connection that broke off", is_passing=True)


def _no_reply(settings: LLMSettings, fault: NoReply) -> LLMError:
    """The error for a response with status 200 that has no answer; 404 if another address may have one."""
    message = one_line(redact_key(str(fault), settings))
    advice = ", try another address" if fault.is_page and settings.base_url.endswith("/v1") else ""
    return LLMError(
        f"{display_address(settings)}: wanted an answer, got {message}{advice}",
        status=404 if fault.is_page else fault.code,
        is_passing=_is_passing(fault.code, str(fault)),
        complaint=str(fault),
    )


def _status_error(where: str, fault: openai.APIStatusError, settings: LLMSettings) -> LLMError:
    status = fault.status_code
    reason = one_line(redact_key(_words(fault), settings))
    complaint = f"{fault.message} {fault.body}"
    is_passing = _is_passing(status, complaint)
    if "insufficient_quota" in f"{reason} {fault.code}":
        is_passing, problem = False, f"wanted an answer, got 429 ({reason}), try to pay the provider"
    elif status in (401, 403) or is_bad_key(complaint):
        why = f"{status} ({reason})" if status == 403 else str(status)
        problem = f"wanted a key that it knows, got {why}, try OPENAI_API_KEY (it is sent to OPENAI_BASE_URL)"
    elif 300 <= status < 400:
        target = public_address(fault.response.headers.get("location", "elsewhere"))
        problem = f"wanted an answer, got a redirect to {one_line(target)}, try that address"
    elif status == 402:
        problem = f"wanted an answer, got 402 ({reason}), try to pay the provider"
    elif status == 404:
        problem = f"wanted the model {settings.model!r}, got 404 ({reason}), try another model or address"
    elif read_limits(complaint) is not None:
        problem = f"wanted room for an answer, got {status} ({reason}), try a model with a longer context"
    else:
        problem = f"wanted an answer, got {status} ({reason})" + (", try later" if is_passing else "")
    after = retry_after(fault.response.headers) if is_passing else None
    return LLMError(
        f"{where}: {problem}", status=status, is_passing=is_passing, retry_after=after, complaint=complaint
    )


def _words(fault: openai.APIStatusError) -> str:
    """The server's own words: its message, wherever in the body that is, else the whole body."""
    message = re.sub(r"^Error code: \d+(?: - )?", "", fault.message)
    body: Any = fault.body
    body = body[0] if isinstance(body, list) and body else body  # Gemini's
    while isinstance(body, Mapping) and not message:
        inner = next((body[key] for key in ("error", "message", "detail") if body.get(key)), None)
        message, body = (inner, body) if isinstance(inner, str) else ("", inner)
    return message or str(fault.body or "without a reason")


def _is_passing(status: int | None, complaint: str) -> bool:
    """Whether the same question may succeed later: not if the server wants another one."""
    if status is None or not (status in (408, 409, 425, 429) or status >= 500):
        return False
    wants_another = is_final(complaint) or is_about_form(complaint) or refuses_system_role(complaint)
    return not wants_another and read_limits(complaint) is None


def retry_after(headers: Mapping[str, str], *, now: Clock = time.time) -> float | None:
    """The seconds that a server asks to wait (RFC 9110 `retry-after`, `retry-after-ms`), or None."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        with contextlib.suppress(ValueError):
            if (seconds := float(value) / scale) >= 0:
                return seconds
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now())
    return None
