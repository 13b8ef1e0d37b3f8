"""Faulty servers over real HTTP; the table in docs/writers.md lists the result of each behaviour."""

from __future__ import annotations

import itertools
import json
import re
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, Server, ask
from scripts_llm.llm.client import LLMError, LLMSettings
from scripts_llm.llm.retry import RetryPolicy
from tests.scripts_llm.conftest import FakeServer, Reply

PAGE = Path(__file__).parents[3] / "docs" / "writers.md"
KEY = "sk-very-secret-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
GOOD = '{"n": 9}'


@dataclass(frozen=True)
class Behaviour:
    """What a server does, in words and in replies."""

    does: str
    replies: list[Reply]
    changes: dict[str, Any] = field(default_factory=dict)  # of the settings
    takes_its_time: bool = False  # by a clock that runs ahead at every look
    is_silent: bool = False
    root: str = "/v1"


def busy(status: int, *headers: tuple[str, str], text: str = "busy") -> Reply:
    return Reply(status=status, error=text, headers=headers or (("retry-after-ms", "0"),))


def twice(content: str | None, **more: Any) -> list[Reply]:
    return [Reply(content, **more)] * 2


def no(text: str) -> Reply:
    return Reply(status=400, error=text)


REFUSED = Reply(
    body=json.dumps(
        {
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": None, "refusal": "I cannot count."},
                }
            ]
        }
    )
)

PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Nine?"}]},
    {"type": "text", "text": GOOD},
]
CHUNKS = ["", '{"n"', ": 9", "}"]
STREAM = "".join(f"data: {json.dumps({'choices': [{'delta': {'content': chunk}}]})}\n\n" for chunk in CHUNKS)
STREAM += "data: [DONE]\n\n"
CONTEXT = "This model's maximum context length is 1024 tokens. However, you requested"
AFFORDABLE = "You requested up to 1000 tokens, but can only afford"
MISTRAL = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "not permitted", "input": 5}]
}
GEMINI = json.dumps([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}])
A_MINUTE = "Request too large for model `small` on tokens per minute (TPM): Limit 900, Requested 1030"


def broken(message: str, code: int | None = None) -> Reply:
    return Reply(body=json.dumps({"error": {"message": message, "code": code}}))


BEHAVIOURS = [
    Behaviour(
        "puts the object into a code fence, with chatter around it",
        [Reply(f"Sure!\n```json\n{GOOD}\n```\nEnjoy!")],
    ),
    Behaviour("thinks aloud first, with braces", [Reply(f'<think>{{"n": 8}}? No.</think>{GOOD}')]),
    Behaviour("sends two objects", [Reply(f'{{"n": 1}}\n{GOOD}')]),
    Behaviour("leaves a comma too many", [Reply('{"n": 9,}')]),
    Behaviour("opens a brace in its chatter", [Reply(f"An object starts with {{ as you know. {GOOD}")]),
    Behaviour("sends its text in parts, its thinking among them", [Reply(message={"content": PARTS})]),
    Behaviour(
        "puts its answer into its thinking",
        [Reply(message={"content": None, "reasoning_content": f"Nine. {GOOD}"})],
    ),
    Behaviour(
        "answers by calling a tool",
        [Reply(message={"content": None, "tool_calls": [{"function": {"name": "n", "arguments": GOOD}}]})],
    ),
    Behaviour("sends a stream of events unasked", [Reply(body=STREAM, content_type="text/event-stream")]),
    Behaviour("tells no usage", [Reply(GOOD, usage=False)]),
    Behaviour("sends wrong keys, then right ones", [Reply('{"m": 9}'), Reply(GOOD)]),
    Behaviour("sends wrong keys twice", twice('{"m": 9}')),
    Behaviour("sends a list", twice("[1, 2]")),
    Behaviour("sends text in a number's place", twice('{"n": "nine"}')),
    Behaviour("sends half an object", twice('{"n": 9, "m": "and th')),
    Behaviour(
        "stops in the middle (finish: length), then has room",
        [Reply('{"n": 9, "m": "an', finish="length"), Reply(GOOD)],
    ),
    Behaviour("stops in the middle every time", twice('{"n": 9, "m": "an', finish="length")),
    Behaviour(
        "calls the end of its room MAX_TOKENS",
        [Reply('{"n": 9, "m": "an', finish="MAX_TOKENS"), Reply(GOOD)],
    ),
    Behaviour("is stopped by its content filter", twice('{"n": 9', finish="content_filter")),
    Behaviour("sends nothing", twice("")),
    Behaviour("sends null for its text", twice(None)),
    Behaviour("thinks and never answers", twice("<think>nine, or ten?")),
    Behaviour(
        "thinks in a field of its own and never answers",
        [Reply(message={"content": "", "reasoning": "nine, or ten?"})] * 2,
    ),
    Behaviour("refuses in words", twice("I'm sorry, I can't help with that.")),
    Behaviour("refuses in the field made for it", [REFUSED] * 2),
    Behaviour("has no choices in its reply", [Reply(body='{"choices": []}')]),
    Behaviour("sends an error with status 200", [broken("credits exhausted")]),
    Behaviour("is busy, with status 200", [broken("Provider returned error", 429), Reply(GOOD)]),
    Behaviour("is a web page", [Reply(body="<html>Welcome</html>", content_type="text/html")]),
    Behaviour("sends an empty page", [Reply(body="")]),
    Behaviour("moved", [Reply(status=308, headers=(("location", "https://key@new.example/v1?key=1"),))]),
    Behaviour(
        "has no /v1 in the address that was given", [Reply(GOOD)], {"base_url": "/api"}, root="/api/v1"
    ),
    Behaviour(
        "has a smaller context, and says how small",
        [no(f"{CONTEXT} 1160 tokens (160 in the messages, 1000 in the completion)."), Reply(GOOD)],
    ),
    Behaviour(
        "takes shorter answers, and says how short",
        [no("max_tokens is too large: 1000. This model supports at most 512 completion tokens"), Reply(GOOD)],
    ),
    Behaviour(
        "has a context that the question fills",
        [no(f"{CONTEXT} 1960 tokens (960 in the messages, 1000 in the completion).")],
    ),
    Behaviour("takes fewer tokens a minute", [Reply(status=413, error=A_MINUTE), Reply(GOOD)]),
    Behaviour("has credits for short answers", [Reply(status=402, error=f"{AFFORDABLE} 300."), Reply(GOOD)]),
    Behaviour("has credits for no answer", [Reply(status=402, error=f"{AFFORDABLE} 12.")]),
    Behaviour("has no system role", [no("System role not supported"), Reply(GOOD)]),
    Behaviour(
        "wants the user to speak first, with status 500",
        [
            Reply(status=500, error="Jinja Exception: Conversation roles must alternate user/assistant"),
            Reply(GOOD),
        ],
    ),
    Behaviour(
        "answers by a stream only",
        [
            no("This model only support stream mode, please enable the stream parameter"),
            Reply(body=STREAM, content_type="text/event-stream"),
        ],
    ),
    Behaviour(
        "fails to read the schema, with status 500",
        [Reply(status=500, error="failed to parse grammar")] * 2 + [Reply(GOOD)],
    ),
    Behaviour(
        "forbids the seed, as Mistral does",
        [Reply(status=422, body=json.dumps({"object": "error", "message": MISTRAL})), Reply(GOOD)],
    ),
    Behaviour(
        "has too little memory", [Reply(status=500, error="model requires more system memory (9 GiB)")]
    ),
    Behaviour("does not know the key, with status 400", [Reply(status=400, body=GEMINI)]),
    Behaviour("has no such model, with status 400", [no("small-model is not a valid model ID")]),
    Behaviour("is not for this country", [Reply(status=403, error="Country, region not supported")]),
    Behaviour("filters the question", [no("The prompt triggered Azure OpenAI's content management policy")]),
    Behaviour("does not know lengths in a schema", [no("Invalid schema: maxLength"), Reply(GOOD)]),
    Behaviour(
        "does not know json_schema",
        [no("bad schema"), no("response_format json_schema is not supported"), Reply(GOOD)],
    ),
    Behaviour("knows no response_format at all", [no("x")] * 3 + [Reply(GOOD)]),
    Behaviour(
        "wants max_completion_tokens",
        [no("Use 'max_completion_tokens' instead of 'max_tokens'"), Reply(GOOD)],
    ),
    Behaviour(
        "does not take a temperature", [no("temperature must be 1"), Reply(GOOD)], {"temperature": 0.5}
    ),
    Behaviour("answers 400 whatever is asked", [no("the context is too long")] * 4),
    Behaviour("does not know the model", [Reply(status=404, error="model 'small-model' not found")]),
    Behaviour(
        "does not know the key, and repeats it", [Reply(status=401, error=f"Incorrect API key: {KEY}")]
    ),
    Behaviour("wants to be paid", [Reply(status=429, error="insufficient_quota: check your plan")]),
    Behaviour("is busy (429) and says for how long", [busy(429, ("retry-after", "7")), Reply(GOOD)]),
    Behaviour("is busy for an hour", [busy(429, ("retry-after", "3600"))]),
    Behaviour("stays busy", [busy(429)] * 4),
    Behaviour("is loading (503), then a bad gateway (502), then there", [busy(503), busy(502), Reply(GOOD)]),
    Behaviour("is a bad gateway for good", [busy(502, text="upstream")] * 4),
    Behaviour("breaks off in the middle of a reply, once", [Reply(GOOD, way="cut"), Reply(GOOD)]),
    Behaviour("hangs up on every question", [Reply(way="closed")] * 4),
    Behaviour("sends spaces for ever", [Reply(way="endless")]),
    Behaviour("sends a byte now and then", [Reply(way="drip")] * 2, takes_its_time=True),
    Behaviour("does not answer at all", [], {"timeout_seconds": 0.2}, is_silent=True),
    Behaviour("is not there", [], {"base_url": "http://127.0.0.1:9/v1"}),
    Behaviour("is asked for more than the budget allows", [], {"max_tokens": 120}),
]


def judge(found: dict[str, Any], is_last: bool) -> int:
    if not isinstance(found.get("n"), int):
        raise ScriptError("n: wanted a whole number")
    return int(found["n"])


def outcome(behaviour: Behaviour, server: FakeServer, folder: Path) -> str:
    """What comes of it, as the table tells it."""
    over = threading.Event()
    server.root = behaviour.root
    server.replies = list(behaviour.replies)
    if behaviour.is_silent:
        server.replies = [lambda asked: Reply(str(over.wait(60)))] * 2
    waits: list[float] = []
    clock = itertools.count(0.0, 100.0 if behaviour.takes_its_time else 0.0).__next__
    changes = dict(behaviour.changes)
    if changes.get("base_url", "").startswith("/"):
        changes["base_url"] = server.url.replace("/v1", changes["base_url"])
    settings = replace(
        LLMSettings("small-model", server.url, KEY, answer_tokens=1000, timeout_seconds=300), **changes
    )
    asked = Server(settings, retry_policy=RetryPolicy(sleep=waits.append, clock=clock))
    raw = folder / "writer-answer.txt"
    try:
        value = ask(asked, Question("a number", "You count.", "How many?", SCHEMA, 5, raw), judge)
        told = f"used: {value}"
    except LLMError as fault:
        told = str(fault)
    finally:
        over.set()
    assert KEY not in told
    assert KEY not in (raw.read_text("utf-8") if raw.exists() else "")
    times = len(server.asked)
    waited = f", waiting {sum(waits):g} s" if sum(waits) else ""
    return f"asked {times} time{'' if times == 1 else 's'}{waited}; {told}".replace(str(raw), "FILE")


def row(behaviour: Behaviour, server: FakeServer, folder: Path) -> str:
    told = outcome(behaviour, server, folder)
    told = re.sub(r"http://127\.0\.0\.1:\d+/", "http://HOST/", told).replace("|", "\\|")
    return f"| {behaviour.does} | {told} |"


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda each: each.does)
def test_a_bad_behaviour_comes_to_what_the_table_says(
    behaviour: Behaviour, server: FakeServer, tmp_path: Path
) -> None:
    told = row(behaviour, server, tmp_path)
    assert told in PAGE.read_text("utf-8").splitlines(), f"wanted in docs/writers.md: {told}"


def test_the_table_has_no_row_too_many() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| .* \| asked ", line)]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [each.does for each in BEHAVIOURS]
    assert len(rows) >= 25


def test_every_message_is_one_line_that_says_what_came() -> None:
    for line in PAGE.read_text("utf-8").splitlines():
        if re.match(r"\| .* \| asked ", line) and "used:" not in line:
            assert "got " in line or "max_tokens" in line
            assert len(line) < 420


def test_what_a_server_takes_is_asked_once_and_remembered(server: FakeServer, tmp_path: Path) -> None:
    memory = tmp_path / "endpoints.json"
    settings = LLMSettings("small-model", server.url.replace("/v1", ""), KEY)
    question = Question("a number", "You count.", "How many?", SCHEMA, 5)
    server.replies = [no("bounds"), no("json_schema"), Reply(GOOD), Reply(GOOD)]
    ask(Server(settings, capabilities_file=memory), question, judge)
    assert len(server.keys) == 4  # one without /v1, two that were refused, one that was answered
    ask(Server(settings, capabilities_file=memory), question, judge)
    assert len(server.keys) == 5
    assert server.asked[-1]["response_format"] == {"type": "json_object"}
    assert json.loads(memory.read_text("utf-8"))
    assert KEY not in memory.read_text("utf-8")
