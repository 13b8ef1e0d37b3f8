"""Reads a server's reply: a JSON document or a stream of events, with the model's text in any known shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts_llm.plain_text import join_surrogates

_THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking")  # DeepSeek and vLLM, OpenRouter and Ollama
_CUT_OFF = ("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length")


@dataclass(frozen=True)
class Reply:
    """The model's text and what the server says about it; None where it says nothing."""

    text: str
    refusal: str = ""
    finish: str | None = None  # "length" for an answer that was cut off, whatever the server calls it
    model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class NoReply(Exception):
    """The reply has no answer.

    `code` is the HTTP status that its own error names; `is_page` says that it is no reply of this protocol.
    """

    def __init__(self, message: str, *, code: int | None = None, is_page: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_page = is_page


def read_reply(body: str) -> Reply:
    """The reply that a response's body holds.

    Raises:
        NoReply: The body is not JSON, is an error with status 200, or has no answer.
    """
    found = _document(body)
    choices = found.get("choices")
    choice = _mapping(choices[0] if isinstance(choices, list) and choices else None)
    text, refusal = _answer(_mapping(choice.get("message") or choice.get("delta")))
    text = text or _text(choice.get("text"))  # of the older protocol, without messages
    error = found.get("error") or choice.get("error")
    if error and not text:
        raise _error(error)
    if not choice:
        raise NoReply("a reply without one", is_page=True)
    usage = _mapping(found.get("usage"))
    return Reply(
        text=join_surrogates(text),
        refusal=join_surrogates(refusal),
        finish=_finish(choice.get("finish_reason")),
        model=join_surrogates(_text(found.get("model"))) or None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        cached_tokens=_count(_mapping(usage.get("prompt_tokens_details")), "cached_tokens"),
        reasoning_tokens=_count(_mapping(usage.get("completion_tokens_details")), "reasoning_tokens"),
    )


def _document(body: str) -> Mapping[str, Any]:
    body = body.lstrip("\ufeff \r\n\t")
    if re.match(r"(?:data|event|id|retry)?:", body):
        return _merged(_events(body))
    try:
        found = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        raise NoReply("a page that is no JSON" if body else "an empty reply", is_page=True) from None
    return found if isinstance(found, Mapping) else {}


def _error(error: Any) -> NoReply:
    """The exception for an `error` in a reply: a text, or `{"message": "...", "code": 429}`."""
    detail = _mapping(error)
    message = _text(detail.get("message")) or (error if isinstance(error, str) else json.dumps(error))
    code = detail.get("code") if isinstance(detail.get("code"), int) else detail.get("status")
    is_page = re.search(
        r"unexpected endpoint|no such (?:page|route)|(?:page|route|url) not found", message, re.I
    )
    return NoReply(
        f"an error ({join_surrogates(message)})",
        code=code if isinstance(code, int) and 400 <= code < 600 else None,
        is_page=bool(is_page),
    )


# ------------------------------------------------------------------------------- a stream of events


def _events(body: str) -> Iterator[Mapping[str, Any]]:
    """The objects behind `data:` (Server-Sent Events), up to `[DONE]`; what is no object is left out."""
    for line in re.split(r"\r\n|\r|\n", body):
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        try:
            event = json.loads(data, strict=False) if data else None
        except (ValueError, RecursionError):
            continue
        if isinstance(event, Mapping):
            yield event


def _merged(events: Iterator[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The chunks of a stream as one reply."""
    whole: dict[str, Any] = {}
    message: dict[str, str] = {}
    choice: dict[str, Any] = {"message": message}
    for event in events:
        if event.get("error"):  # what came before it is no whole answer
            return {"error": event["error"]}
        whole.update({key: event[key] for key in ("model", "usage") if event.get(key)})
        choices = event.get("choices")
        for chunk in map(_mapping, choices if isinstance(choices, list) else []):
            if chunk.get("index") not in (None, 0):
                continue
            whole["choices"] = [choice]
            choice["finish_reason"] = chunk.get("finish_reason") or choice.get("finish_reason")
            _add(message, _mapping(chunk.get("delta") or chunk.get("message")), chunk.get("text"))
    return whole


def _add(message: dict[str, str], delta: Mapping[str, Any], text: Any) -> None:
    """Appends the texts of a chunk to those of the message."""
    content, thinking = _parts(delta.get("content") or text)
    fields = {
        "content": content,
        "reasoning": thinking or _thinking(delta),
        "refusal": _text(delta.get("refusal")),
    }
    for name, more in fields.items():
        message[name] = message.get(name, "") + more


# ------------------------------------------------------------------------------------ a message's text


def _answer(message: Mapping[str, Any]) -> tuple[str, str]:
    """A message's text and its refusal.

    The arguments of a tool call, or the thinking, stand in for a text that is empty. Thinking without an
    object in it is put between <think> tags.
    """
    text, thinking = _parts(message.get("content"))
    refusal = _text(message.get("refusal"))
    if text.strip() or refusal:
        return text, refusal
    calls = message.get("tool_calls")
    function = _mapping(_mapping(calls[0] if isinstance(calls, list) and calls else None).get("function"))
    if arguments := function.get("arguments"):
        return _parts(arguments)[0], ""
    thinking = thinking or _thinking(message)
    return (thinking if "{" in thinking or not thinking else f"<think>{thinking}"), ""


def _thinking(message: Mapping[str, Any]) -> str:
    return next((text for field in _THINKING_FIELDS if (text := "".join(_parts(message.get(field))))), "")


def _parts(content: Any) -> tuple[str, str]:
    """The text and the thinking of a content: a string, a part, a list of parts, or the object itself."""
    if isinstance(content, list):
        pairs = [_parts(part) for part in content]
        return "".join(text for text, _ in pairs), "".join(thinking for _, thinking in pairs)
    if not isinstance(content, Mapping):
        return _text(content), ""
    kind = content.get("type")
    if kind in ("thinking", "reasoning"):
        inner = next(
            (content[key] for key in ("thinking", "reasoning", "text", "content") if content.get(key)), ""
        )
        return "", "".join(_parts(inner))
    if kind is None and "text" not in content:
        return (json.dumps(content, ensure_ascii=False) if content else ""), ""
    text = content.get("text")
    return _text(text.get("value") if isinstance(text, Mapping) else text), ""


def _finish(reason: Any) -> str | None:
    if not isinstance(reason, str) or not reason:
        return None
    return "length" if reason.lower() in _CUT_OFF else join_surrogates(reason)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    """A token count of the server's usage record; None if it is not a number."""
    count = usage.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
