"""An OpenAI-compatible server: its address, its client, and its failures in one line each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import openai

OPENAI = "https://api.openai.com/v1"

Form = Literal["json_schema", "json_object", "prompt"]


@dataclass(frozen=True)
class LLMSettings:
    """Which model is asked, where, and how. The key is never shown or recorded."""

    model: str
    base_url: str = OPENAI
    api_key: str = field(default="local", repr=False)
    temperature: float | None = None
    max_tokens: int = 8000
    timeout_seconds: float = 300
    max_retries: int = 3


@dataclass(frozen=True)
class Call:
    """One question to a model, for the manifest. What the server did not tell is None, never 0."""

    purpose: str
    model: str
    seconds: float
    prompt_tokens: int | None
    completion_tokens: int | None
    finish: str | None
    form: Form
    seed: int | None


class LLMError(Exception):
    """A model could not be reached, or did not write what was wanted. `calls` were made and paid for."""

    def __init__(self, message: str, calls: Sequence[Call] = (), *, status: int | None = None) -> None:
        super().__init__(message)
        self.calls = tuple(calls)
        self.status = status


def shown(settings: LLMSettings) -> str:
    """The server as it may be shown: its host and path, without a user or a key in front."""
    parts = urlsplit(settings.base_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def addresses(settings: LLMSettings) -> list[LLMSettings]:
    """The address as given, and with the /v1 that may be missing."""
    if settings.base_url.endswith("/v1"):
        return [settings]
    return [settings, replace(settings, base_url=f"{settings.base_url}/v1")]


@contextlib.contextmanager
def connected(settings: LLMSettings) -> Iterator[openai.OpenAI]:
    """A client that asks again, ever later, after 429, 5xx and lost connections; the rest is an LLMError."""
    import openai

    where = shown(settings)
    is_plain = settings.base_url.startswith("http:")  # no certificates to load, and no way on to https
    http = openai.DefaultHttpxClient(verify=False, follow_redirects=False) if is_plain else None
    client = openai.OpenAI(
        api_key=settings.api_key,
        base_url=settings.base_url,
        timeout=settings.timeout_seconds,
        max_retries=settings.max_retries,
        http_client=http,
    )
    try:
        with client:
            yield client
    except openai.APITimeoutError:
        wanted = f"wanted an answer, got none within {settings.timeout_seconds:g} s"
        raise LLMError(f"{where}: {wanted}, try a smaller model") from None
    except openai.APIConnectionError:
        raise LLMError(
            f"{where}: wanted a server, got no connection, try to start it, or another address"
        ) from None
    except openai.APIStatusError as fault:
        raise LLMError(f"{where}: {_told(fault, settings.model)}", status=fault.status_code) from None
    except (openai.OpenAIError, ValueError) as fault:  # ValueError: a page that is no JSON
        raise LLMError(f"{where}: wanted an answer, got: {_one_line(str(fault))}") from None


def _told(fault: openai.APIStatusError, model: str) -> str:
    said = _one_line(fault.message)
    if fault.status_code in (401, 403):
        hint = "OPENAI_API_KEY (it is sent to OPENAI_BASE_URL)"
        return f"wanted a key that it knows, got {fault.status_code}, try {hint}"
    if fault.status_code == 404:
        return f"wanted the model {model!r}, got 404 ({said}), try another model or address"
    if fault.status_code == 429:
        return f"wanted an answer, got 429 again and again ({said}), try later"
    return f"wanted an answer, got {fault.status_code} ({said})"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197] + "..."
