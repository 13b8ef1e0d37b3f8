"""Waiting as the server asks, ever longer otherwise, and not for ever; what a server takes is remembered."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from scripts_llm.llm.capabilities import Capabilities, load, save
from scripts_llm.llm.client import LLMError, LLMSettings, LLMTimeout, retry_after
from scripts_llm.llm.retry import RetryPolicy, call_with_retries

SETTINGS = LLMSettings("m", "http://user:secret@127.0.0.1:9/v1", "sk-secret-key")
DAY = datetime.date(2026, 11, 25)


class Asking:
    """Fails as it is told to, then answers."""

    def __init__(self, *faults: LLMError) -> None:
        self.faults = list(faults)
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        if self.faults:
            raise self.faults.pop(0)
        return "answer"


def passing(seconds: float | None = None, text: str = "busy") -> LLMError:
    return LLMError(text, is_passing=True, retry_after=seconds)


def test_it_waits_as_long_as_it_is_asked_to_and_ever_longer_otherwise() -> None:
    waits: list[float] = []
    said: list[str] = []
    retry_policy = RetryPolicy(tries=5, sleep=waits.append, say=said.append)
    asking = Asking(passing(), passing(7), passing(), passing())
    assert call_with_retries(retry_policy, asking) == "answer"
    assert waits == [1, 7, 16, 64]
    assert said[1] == "busy: again in 7 s"


def test_the_last_fault_is_raised() -> None:
    waits: list[float] = []
    asking = Asking(*[passing(0, f"fault {number}") for number in range(9)])
    with pytest.raises(LLMError, match="fault 2"):
        call_with_retries(RetryPolicy(tries=3, sleep=waits.append), asking)
    assert (asking.times, len(waits)) == (3, 2)


def test_what_does_not_pass_is_not_asked_again() -> None:
    asking = Asking(LLMError("no such model"))
    with pytest.raises(LLMError, match="no such model"):
        call_with_retries(RetryPolicy(sleep=lambda seconds: None), asking)
    assert asking.times == 1


def test_an_hour_is_not_waited_for() -> None:
    with pytest.raises(LLMError, match="busy; the server asks to wait 3600 s"):
        call_with_retries(RetryPolicy(sleep=lambda seconds: None), Asking(passing(3600)))


def test_a_timeout_is_asked_again_once() -> None:
    asking = Asking(*[LLMTimeout("too slow", is_passing=True)] * 4)
    with pytest.raises(LLMTimeout, match="too slow"):
        call_with_retries(RetryPolicy(sleep=lambda seconds: None), asking)
    assert asking.times == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_a_server_tells_how_long_in_seconds_or_by_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, now=lambda: 10.0) == seconds


# -------------------------------------------------------------------------------------------- ability


def test_a_server_is_reduced_from_to_words_and_no_further() -> None:
    able: Capabilities | None = Capabilities()
    seen = []
    while able is not None:
        seen.append((able.form, able.has_bounds, able.is_in_words))
        able = able.reduced("no")
    assert seen == [
        ("json_schema", True, False),
        ("json_schema", False, False),
        ("json_object", False, True),
        ("prompt", False, True),
    ]


def test_only_what_is_complained_about_is_left_out() -> None:
    able = Capabilities().reduced("Unsupported parameter: max_tokens")
    assert able is not None
    assert (able.limit, able.form) == ("max_completion_tokens", "json_schema")
    again = able.reduced("max_completion_tokens must be smaller")
    assert again is not None
    assert again.limit == "max_completion_tokens", "it does not swing to and fro"


def test_what_was_learned_holds_for_a_week(tmp_path: Path) -> None:
    memory = tmp_path / "cold" / "endpoints.json"
    known = Capabilities(form="json_object", has_bounds=False, is_in_words=True, left_out=("seed",))
    save(memory, SETTINGS, known, today=DAY)
    assert load(memory, SETTINGS, today=DAY + datetime.timedelta(days=6)) == known
    assert load(memory, SETTINGS, today=DAY + datetime.timedelta(days=7)) == Capabilities()
    other = LLMSettings("other", SETTINGS.base_url)
    assert load(memory, other, today=DAY) == Capabilities()
    text = memory.read_text("utf-8")
    assert "secret" not in text
    assert "m at http://127.0.0.1:9/v1" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"m at http://127.0.0.1:9/v1": {"on": "2026-11-25"}}',
        '{"m at http://127.0.0.1:9/v1": 3}',
    ],
)
def test_a_torn_memory_is_no_memory(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "endpoints.json"
    memory.write_text(text)
    assert load(memory, SETTINGS, today=DAY) == Capabilities()
    save(memory, SETTINGS, Capabilities(form="prompt"), today=DAY)
    assert load(memory, SETTINGS, today=DAY).form == "prompt"


def test_openai_itself_is_asked_in_its_own_way() -> None:
    able = load(None, LLMSettings("gpt-5"))
    assert (able.has_bounds, able.limit) == (False, "max_completion_tokens")
