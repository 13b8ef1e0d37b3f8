"""A server's limits of tokens over HTTP: they are followed at once, and remembered for that model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, Server, ask
from scripts_llm.llm.client import LLMError, LLMSettings
from scripts_llm.llm.retry import RetryPolicy
from tests.scripts_llm.conftest import FakeServer, Reply

QUESTION = Question(
    "a number", "You count.", "How many? " * 300, {"type": "object", "properties": {}}, seed=5
)
GOOD = Reply('{"n": 9}', usage=False)


def tokens(asked: dict[str, Any]) -> int:
    """The prompt's tokens as this server counts them: one for each word."""
    return sum(len(message["content"].split()) for message in asked["messages"])


def limited(context: int, words: str, status: int = 400) -> Callable[[dict[str, Any]], Reply]:
    """A server with a context of so many tokens, and what it says when a question exceeds it."""

    def answer(asked: dict[str, Any]) -> Reply:
        prompt, room = tokens(asked), asked.get("max_tokens", asked.get("max_completion_tokens"))
        if prompt + room <= context:
            return GOOD
        error = words.format(context=context, prompt=prompt, room=room, all=prompt + room)
        return Reply(status=status, error=error)

    return answer


OPENAI = (
    "This model's maximum context length is {context} tokens. However, you requested {all} tokens ({prompt} "
    "in the messages, {room} in the completion)."
)
VLLM = (
    "This model's maximum context length is {context} tokens. However, you requested {room} output tokens "
    "and your prompt contains at least 193 input tokens, for a total of at least {all} tokens."
)


@pytest.fixture
def settings(server: FakeServer) -> LLMSettings:
    return LLMSettings("small-model", server.url)


@pytest.fixture
def desk(settings: LLMSettings, tmp_path: Path) -> Callable[..., Server]:
    """Makes servers that share one file of capabilities and never wait."""

    def make(**changes: Any) -> Server:
        policy = RetryPolicy(sleep=lambda seconds: pytest.fail(f"waited for {seconds} s"))
        return Server(
            replace(settings, **changes), retry_policy=policy, capabilities_file=tmp_path / "endpoints.json"
        )

    return make


def count(found: dict[str, Any], is_last: bool) -> int:
    return int(found["n"])


def limits(server: FakeServer) -> list[int]:
    return [asked["max_tokens"] for asked in server.asked]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (OPENAI, 400),
        ("Requested tokens ({all}) exceed context window of {context}", 500),
        ("Your request exceeded model token limit: {context} (requested: {all})", 400),
        ("Request too large for model on tokens per minute (TPM): Limit {context}, Requested {all}", 429),
        ("`inputs` tokens + `max_new_tokens` must be <= {context}. Given: {prompt} `inputs` tokens", 422),
    ],
    ids=["openai", "llama-cpp-python", "moonshot", "tokens-a-minute", "tgi"],
)
def test_the_second_question_fits_exactly_and_the_next_run_asks_once(
    server: FakeServer, desk: Callable[..., Server], words: str, status: int
) -> None:
    server.replies = [limited(8192, words, status)] * 4
    assert ask(desk(), QUESTION, count) == 9
    first, second = limits(server)
    assert first == 8000
    assert 8190 - tokens(server.asked[0]) <= second <= 8192 - tokens(server.asked[0])
    assert ask(desk(), QUESTION, count) == 9
    assert len(server.asked) == 3


def test_an_answers_limit_holds_for_every_question_to_that_model(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [
        Reply(
            status=400,
            error="max_tokens is too large: 8000. This model supports at most 4096 completion tokens",
        ),
        *[GOOD] * 4,
    ]
    at = desk()
    ask(at, QUESTION, count)
    ask(at, QUESTION, count)
    ask(desk(), QUESTION, count)
    ask(desk(model="another"), QUESTION, count)
    assert limits(server) == [8000, 4096, 4096, 4096, 8000]


def test_a_lower_bound_of_the_prompt_is_not_taken_for_its_length(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [limited(8192, VLLM)] * 3
    assert ask(desk(), QUESTION, count) == 9
    assert len(server.asked) == 2


def test_a_context_that_our_count_fills_is_tried(server: FakeServer, desk: Callable[..., Server]) -> None:
    server.replies = [limited(1300, VLLM)] * 4
    for _ in range(2):
        assert ask(desk(), replace(QUESTION, text="supercalifragilistic " * 250), count) == 9
    assert limits(server)[0] == 8000
    assert limits(server)[-1] + tokens(server.asked[-1]) <= 1300


def test_a_refusal_without_a_number_is_followed_by_shorter_answers(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [limited(4096, "Please reduce the length of the messages or completion.")] * 3
    assert ask(desk(), QUESTION, count) == 9
    assert limits(server) == [8000, 2000]


def test_a_prompt_that_leaves_no_room_is_an_error_at_once(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [limited(600, OPENAI)] * 3
    with pytest.raises(
        LLMError, match=r"wanted room for an answer, got 400 .*, try a model with a longer context"
    ):
        ask(desk(), QUESTION, count)
    assert len(server.asked) == 1


def test_a_repair_fits_as_well(server: FakeServer, desk: Callable[..., Server]) -> None:
    server.replies = [limited(8192, OPENAI), Reply('{"m": "' + "word " * 200 + '"}', usage=False)]
    server.replies += [limited(8192, OPENAI)] * 2

    def read(found: dict[str, Any], is_last: bool) -> int:
        if "n" not in found:
            raise ScriptError("n: wanted a number")
        return int(found["n"])

    assert ask(desk(), QUESTION, read) == 9
    assert len(server.asked) == 3


def test_a_limit_that_cuts_an_answer_off_is_asked_for_anew(
    server: FakeServer, desk: Callable[..., Server], tmp_path: Path
) -> None:
    server.replies = [limited(2048, OPENAI)] * 2
    ask(desk(), QUESTION, count)
    (known,) = json.loads((tmp_path / "endpoints.json").read_text()).values()
    assert known["context_tokens"] == 2048
    server.asked.clear()
    server.replies = [Reply('{"n', finish="length", usage=False), limited(32_768, OPENAI)]  # it was raised
    ask(desk(), QUESTION, count)
    assert limits(server)[1] == 16_000
    (known,) = json.loads((tmp_path / "endpoints.json").read_text()).values()
    assert known["context_tokens"] is None


def test_credits_are_followed_and_not_remembered(server: FakeServer, desk: Callable[..., Server]) -> None:
    afford = "You requested up to 8000 tokens, but can only afford 2345. To increase, visit https://example"
    server.replies = [Reply(status=402, error=afford), GOOD, GOOD]
    ask(desk(), QUESTION, count)
    ask(desk(), QUESTION, count)
    assert limits(server) == [8000, 2345, 8000]


def test_ones_own_bound_holds_beside_the_servers(server: FakeServer, desk: Callable[..., Server]) -> None:
    server.replies = [limited(8192, OPENAI)] * 2
    assert ask(desk(max_tokens=3000), QUESTION, count) == 9
    assert limits(server)[0] < 3000


def test_a_system_role_is_refused_once_for_each_model(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [Reply(status=400, error="System role not supported"), GOOD, GOOD]
    ask(desk(), QUESTION, count)
    ask(desk(), QUESTION, count)
    assert [[message["role"] for message in asked["messages"]] for asked in server.asked] == [
        ["system", "user"],
        ["user"],
        ["user"],
    ]
    assert server.asked[1]["messages"][0]["content"].startswith("You count.\n\nHow many? ")


def test_a_model_that_only_streams_is_asked_for_a_stream(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    only = Reply(status=400, error="parameter.enable_thinking must be set to false for non-streaming calls")
    chunk = {"choices": [{"delta": {"content": '{"n": 9}'}}], "usage": {"prompt_tokens": 3}}
    answer = Reply(body=f"data: {json.dumps(chunk)}\n\n", content_type="text/event-stream")
    server.replies = [only, answer, answer]
    at = desk()
    ask(at, QUESTION, count)
    ask(desk(), QUESTION, count)
    assert [asked.get("stream") for asked in server.asked] == [None, True, True]
    assert at.calls[0].prompt_tokens == 3


def test_an_answer_that_fills_its_room_was_cut_off_whatever_the_server_calls_it(
    server: FakeServer, desk: Callable[..., Server]
) -> None:
    server.replies = [Reply('{"n": 9, "m": "an'), GOOD]  # 300 tokens by the server's usage
    ask(desk(answer_tokens=300), QUESTION, count)
    assert limits(server) == [300, 600]
