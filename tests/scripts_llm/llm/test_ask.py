"""One question to a server of any kind: good, fenced, thinking, cut off, nonsense, refusing, busy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, Server
from scripts_llm.llm.ask import ask as ask_server
from scripts_llm.llm.client import LLMError, LLMSettings
from scripts_llm.llm.retry import RetryPolicy

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
QUESTION = Question("a number", "You count.", "How many?", SCHEMA, seed=2**40 + 5)


QUICK = RetryPolicy(tries=3, sleep=lambda seconds: None)


def ask(settings: LLMSettings, question: Question, judge: Any) -> tuple[Any, list[Any]]:
    """The value and the calls."""
    server = Server(settings, retry_policy=QUICK)
    return ask_server(server, question, judge), server.calls


def judge(found: dict[str, Any], is_last: bool) -> int:
    if not isinstance(found.get("n"), int):
        raise ScriptError("n: wanted a whole number\nand nothing else")
    return int(found["n"])


@pytest.fixture
def settings(server) -> LLMSettings:
    return LLMSettings(model="small-model", base_url=server.url, answer_tokens=1000)


@pytest.mark.parametrize(
    "answer",
    ['{"n": 9}', '```json\n{"n": 9}\n```', '<think>8? {"n": 8}</think>\n{"n": 9}', 'Nine: {"n": 9,}'],
    ids=["good", "fenced", "think", "trailing-comma"],
)
def test_a_usable_answer_takes_one_call(server, reply, settings: LLMSettings, answer: str) -> None:
    server.replies = [reply(answer)]
    value, calls = ask(settings, QUESTION, judge)
    assert value == 9
    assert [(call.purpose, call.model, call.form, call.finish) for call in calls] == [
        ("a number", "small-model", "json_schema", "stop")
    ]
    assert (calls[0].prompt_tokens, calls[0].completion_tokens, calls[0].seed) == (900, 300, 5)
    assert calls[0].seconds > 0
    asked = server.asked[0]
    assert asked["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    assert (asked["seed"], asked["max_tokens"]) == (5, 1000)
    assert "temperature" not in asked
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]


def test_usage_that_is_not_told_is_none_and_not_nought(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply('{"n": 9}', usage=False)]
    _, (call,) = ask(settings, QUESTION, judge)
    assert (call.prompt_tokens, call.completion_tokens) == (None, None)


def test_a_wrong_answer_is_asked_for_again_with_its_faults(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply('{"m": 9}'), reply('{"n": 9}')]
    value, calls = ask(settings, QUESTION, judge)
    assert (value, len(calls)) == (9, 2)
    roles = [message["role"] for message in server.asked[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert server.asked[1]["messages"][2]["content"] == '{"m": 9}'
    assert "- n: wanted a whole number\n- and nothing else\n" in server.asked[1]["messages"][3]["content"]


def test_what_is_cut_off_is_never_used_and_gets_more_room(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply('{"n": 9}', finish="length"), reply('{"n": 10}')]
    value, calls = ask(settings, QUESTION, judge)
    assert (value, [call.finish for call in calls]) == (10, ["length", "stop"])
    assert server.asked[1]["max_tokens"] == 2000
    assert "cut off after 1000 tokens" in server.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize("nonsense", ["I am a teapot.", "", None, '{"n": "nine"}', '{"n": 9', "<think>n is"])
def test_nonsense_twice_ends_it_with_the_answers_saved(
    server, reply, settings: LLMSettings, tmp_path: Path, nonsense: str | None
) -> None:
    server.replies = [reply(nonsense), reply(nonsense)]
    raw = tmp_path / "writer" / "answer.txt"
    with pytest.raises(LLMError, match="small-model: wanted a number, got an unusable one: ") as refused:
        ask(settings, replace(QUESTION, raw=raw), judge)
    assert "\n" not in str(refused.value)
    assert f"see {raw}" in str(refused.value)
    assert raw.read_text().count(nonsense or "the answer") == (2 if nonsense else 1)
    assert len(refused.value.calls) == 2


@pytest.mark.parametrize(
    ("complaints", "form", "absent", "present"),
    [
        (["no bounds", "response_format json_schema is not supported"], "json_object", [], ["max_tokens"]),
        (["no bounds", "no json_schema", "no response_format at all"], "prompt", ["response_format"], []),
        (
            ["Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."],
            "json_schema",
            ["max_tokens"],
            ["max_completion_tokens"],
        ),
        (
            ["Unsupported value: 'temperature' must be 1", "unknown field seed"],
            "json_schema",
            ["temperature", "seed"],
            [],
        ),
    ],
)
def test_what_a_server_does_not_take_is_left_out(
    server,
    reply,
    settings: LLMSettings,
    complaints: list[str],
    form: str,
    absent: list[str],
    present: list[str],
) -> None:
    server.replies = [
        *(reply(status=400, error=text) for text in complaints),
        reply('{"m": 1}'),
        reply('{"n": 9}'),
    ]
    value, calls = ask(replace(settings, temperature=0.7), QUESTION, judge)
    assert (value, {call.form for call in calls}) == (9, {form})
    for asked in server.asked[-2:]:  # what was learned holds for the repair
        assert not set(absent) & asked.keys()
        assert set(present) <= asked.keys()
    assert (json.dumps(SCHEMA) in server.asked[-1]["messages"][1]["content"]) == (form != "json_schema")
    assert calls[0].seed == (None if "seed" in absent else 5)


def test_a_server_that_takes_nothing_is_told_in_one_line(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(status=400, error="the context is\ntoo long")] * 9
    with pytest.raises(LLMError, match=r"/v1: wanted an answer, got 400 \(.*too long") as refused:
        ask(settings, QUESTION, judge)
    assert "\n" not in str(refused.value)
    assert len(server.asked) == 4


def test_a_busy_server_is_asked_again(server, reply, settings: LLMSettings) -> None:
    server.replies = [
        reply(status=429, error="slow down"),
        reply(status=503, error="loading"),
        reply('{"n": 9}'),
    ]
    assert ask(settings, QUESTION, judge)[0] == 9


def test_a_server_that_stays_busy_is_told(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(status=429, error="slow down")] * 3
    with pytest.raises(LLMError, match=r"got 429 \(.*slow down.*\), try later"):
        ask(settings, QUESTION, judge)
    assert len(server.asked) == 3


def test_a_key_that_is_not_known_is_told_without_the_key(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(status=401, error="bad key")]
    with pytest.raises(LLMError, match="wanted a key that it knows, got 401, try OPENAI_API_KEY") as refused:
        ask(replace(settings, api_key="secret"), QUESTION, judge)
    assert "secret" not in str(refused.value)
    assert server.keys == ["Bearer secret"]


def test_a_model_that_is_not_there_is_told(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(status=404, error="model 'small-model' not found")]
    with pytest.raises(LLMError, match="wanted the model 'small-model', got 404"):
        ask(settings, QUESTION, judge)


def test_a_missing_v1_is_found_and_remembered(server, reply, settings: LLMSettings) -> None:
    server.root = "/api/v1"
    server.replies = [reply('{"m": 1}'), reply('{"n": 9}')]
    value, _ = ask(replace(settings, base_url=server.url.replace("/v1", "/api")), QUESTION, judge)
    assert value == 9
    assert len(server.keys) == 3  # one try without /v1, then two answers


@pytest.mark.parametrize(
    "body", ["<html>Welcome</html>", '{"error": "Unexpected endpoint"}', '{"choices": []}', '"hi"', ""]
)
def test_a_page_that_is_no_answer_is_told(server, reply, settings: LLMSettings, body: str) -> None:
    server.replies = [reply(body=body)] * 9
    with pytest.raises(LLMError, match="wanted an answer, got"):
        ask(settings, QUESTION, judge)


def test_a_server_that_is_not_there_is_told(settings: LLMSettings) -> None:
    nowhere = replace(settings, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(LLMError, match=r"http://127\.0\.0\.1:9/v1: wanted a server, got no connection"):
        ask(nowhere, QUESTION, judge)


def test_a_server_that_does_not_answer_in_time_is_told(server, reply, settings: LLMSettings) -> None:
    import threading

    over = threading.Event()
    server.replies = [lambda asked: over.wait(60) and reply("late")] * 2
    try:
        with pytest.raises(LLMError, match=r"wanted an answer, got none within 0\.2 s"):
            ask(replace(settings, timeout_seconds=0.2), QUESTION, judge)
    finally:
        over.set()


def test_what_an_address_hides_is_not_shown(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(status=404, error="no")]
    hidden = server.url.replace("http://", "http://user:password@")
    with pytest.raises(LLMError) as refused:
        ask(replace(settings, base_url=hidden), QUESTION, judge)
    assert "password" not in str(refused.value)
