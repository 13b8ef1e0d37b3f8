"""Chooses the model that writes: from command line, premise, environment, or the server's list of models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import (
    NO_KEY,
    OPENAI,
    LLMError,
    LLMSettings,
    candidate_addresses,
    display_address,
    is_azure,
    open_client,
)
from scripts_llm.llm.network import is_loopback
from scripts_llm.llm.retry import RetryPolicy, call_with_retries
from scripts_llm.plain_text import one_line
from scripts_llm.screenplay.premise import Writer

_API_VERSION = re.compile(r"\?api-version=[\w.-]+$")  # Azure's, and no secret


def resolve_settings(
    writer: Writer | None,
    env: Mapping[str, str],
    command_line: str | None,
    *,
    retry_policy: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen
) -> LLMSettings | None:
    """The settings of the model that writes, or None for the offline writer.

    The command line (`MODEL`, `MODEL@URL`, `offline`, `auto`) beats the premise's `writer:`, which beats
    OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL. Without a model's name it is the server's only model.

    Raises:
        ScriptError: The settings are faulty, or the server has several models.
        LLMError: The server does not answer.
    """
    if command_line == "offline":
        return None
    named = None if command_line in (None, "", "auto") else command_line
    has_own = writer is not None and writer.names_a_model
    if named is None and not has_own and not (env.get("OPENAI_BASE_URL") or env.get("OPENAI_API_KEY")):
        return None
    model, url = _model_and_url(named)
    asked = writer or Writer()
    address = url or asked.base_url or env.get("OPENAI_BASE_URL") or OPENAI
    base_url = _clean_url(address)
    settings = LLMSettings(
        model=model or asked.model or env.get("OPENAI_MODEL", "").strip() or _deployment(base_url),
        base_url=base_url,
        api_version=_api_version(address),
        temperature=asked.temperature,
        max_tokens=asked.max_tokens,
        max_cost=asked.max_cost,
    )
    from_premise = not url and asked.base_url is not None
    settings = replace(settings, api_key=_api_key(settings.base_url, env, from_premise=from_premise))
    return settings if settings.model else _only_model(settings, retry_policy)


def refuse_secrets(writer: Writer | None, command_line: str | None) -> None:
    """Raises ScriptError if a premise's or command line's address holds a secret: it is recorded."""
    url = _model_and_url(command_line)[1]
    for source, address in (("writer.base_url", writer.base_url if writer else None), ("--writer", url)):
        if address and re.search(r"//[^/?#]*@|[?#]", _API_VERSION.sub("", address.strip())):
            raise ScriptError(
                f"{source}: wanted an address without user, password or question mark, got one with it, "
                "try OPENAI_API_KEY for the key"
            )


def _model_and_url(named: str | None) -> tuple[str | None, str | None]:
    """`MODEL@URL` as model and URL; http:// is assumed. `@cf/model` is a model's name."""
    match = re.fullmatch(r"(.*?)@((?:https?://|[\w.-]+:\d|\[)\S+)", named or "")
    if not match:
        return named, None
    url = match[2] if match[2].startswith("http") else f"http://{match[2]}"
    return match[1] or None, url


def _clean_url(url: str) -> str:
    """The address without a query and a trailing slash; if it has no path, with that of the protocol."""
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018  # raises ValueError
    except ValueError:  # its text may be a part of a password
        raise ScriptError(
            "wanted an endpoint's address, got one with a wrong host or port, try http://localhost:11434/v1"
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ScriptError(f"wanted an endpoint's address, got {url!r}, try http://localhost:11434/v1")
    path = re.sub(r"(/chat)?/completions$|/responses$", "", parts.path.rstrip("/"))
    path = path or ("/openai/v1" if is_azure(url.strip()) else "/v1")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _api_version(url: str) -> str:
    """The version in the query of an Azure address; empty if there is none."""
    return parse_qs(urlsplit(url.strip()).query).get("api-version", [""])[0].strip()


def _deployment(url: str) -> str:
    """The deployment that an Azure address names, which stands for its model; empty if it names none."""
    match = re.search(r"/openai/deployments/([^/]+)$", urlsplit(url).path)
    return unquote(match[1]) if match else ""


def _api_key(base_url: str, env: Mapping[str, str], *, from_premise: bool) -> str:
    """The environment's key; an unknown host that a premise names does not get it."""
    key = env.get("OPENAI_API_KEY", "").strip() or NO_KEY
    host = urlsplit(base_url).hostname
    if host == urlsplit(OPENAI).hostname and key == NO_KEY:
        raise ScriptError(
            "wanted a key for api.openai.com, got none, try OPENAI_API_KEY, or --writer MODEL@http://localhost:11434/v1"
        )
    known = {urlsplit(OPENAI).hostname, urlsplit(env.get("OPENAI_BASE_URL", "")).hostname}
    is_known = host in known or is_loopback(base_url)
    return _sendable(key) if not from_premise or is_known else NO_KEY


def _sendable(key: str) -> str:
    """The key, if an HTTP header can hold it. Raises ScriptError."""
    for number, letter in enumerate(key, 1):
        if not (letter.isascii() and letter.isprintable()):
            kind = "is not ASCII" if letter.isprintable() else "cannot be seen"
            raise ScriptError(
                f"OPENAI_API_KEY: wanted a key of ASCII letters, got one whose letter {number} {kind}, "
                "try to copy it once more"
            )
    return key


def _only_model(settings: LLMSettings, retry_policy: RetryPolicy) -> LLMSettings:
    settings, names = call_with_retries(retry_policy, lambda: _models(settings))
    if len(names) == 1:
        return replace(settings, model=names[0])
    listed = f"these: {', '.join(names[:20])}" if names else "an empty list"
    raise ScriptError(
        f"{display_address(settings)}: wanted one model, got {listed}, "
        "try OPENAI_MODEL, `writer: {model: ...}` or --writer MODEL"
    )


def _models(settings: LLMSettings) -> tuple[LLMSettings, list[str]]:
    """The settings whose address has a list of models, and the names in that list."""
    import openai

    for candidate in candidate_addresses(settings):
        with open_client(candidate) as client:
            try:
                names = _names(client.models.with_raw_response.list().text)
            except openai.NotFoundError:
                continue
        if names is not None:
            return candidate, names
    raise LLMError(f"{display_address(settings)}: wanted a list of models, got none, try --writer MODEL@URL")


def _names(body: str) -> list[str] | None:
    """The names in a list of models; None if the body is none."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    models = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(models, list):
        return None
    named = (model.get("id") or model.get("name") for model in models if isinstance(model, dict))
    return sorted(one_line(name, 120) for name in named if isinstance(name, str))
