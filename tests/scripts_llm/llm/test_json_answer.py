"""One JSON object out of whatever a language model wraps around it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.llm.json_answer import extract_object

GOOD = {"title": "The {Ninth} Lemon", "scenes": [{"line": 'She said "no"}'}]}
TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        json.dumps(GOOD, indent=2),
        f"```json\n{TEXT}\n```",
        f"Here it is:\n\n```\n{TEXT}\n```\nEnjoy!",
        f'<think>Maybe {{"title": 1}}? No.</think>\n{TEXT}',
        f"<thinking>\nA lemon.\n</thinking>```json\n{TEXT}\n```",
        f"A lemon, I think.</think>{TEXT}",
        f"Sure! {{just kidding}} {TEXT} Bye.",
        f'{{"title": "first try"}}\n\nBetter:\n{TEXT}',
        TEXT.replace("]}", ",]}"),
        TEXT.replace('"title"', "'title'"),
    ],
    ids=[
        "plain",
        "indented",
        "fenced",
        "fenced-in-prose",
        "think",
        "thinking",
        "think-without-a-beginning",
        "braces-in-prose",
        "two-objects",
        "trailing-comma",
        "single-quotes",
    ],
)
def test_the_object_is_found(answer: str) -> None:
    assert extract_object(answer) == GOOD


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "got no answer"),
        ("   \n", "got no answer"),
        ("<think>I wonder about {lemons}", "got no answer behind the thinking"),
        ("I would rather not.", "wanted a JSON object, got 'I would rather not.'"),
        ("[1, 2]", "wanted a JSON object"),
        ("null", "wanted a JSON object"),
        (TEXT[:-3], "cut off"),
        (f"```json\n{TEXT[:40]}\n```", "cut off"),
        ('{"scenes": [{"who": "joe", "line": "Hello"}, {"who": "don", "line": "Wai', "cut off"),
        ("{" * 5000, "wanted a"),
        ("[" * 5000, "wanted a"),
    ],
)
def test_what_is_no_whole_object_is_refused(answer: str, said: str) -> None:
    with pytest.raises(ScriptError) as refused:
        extract_object(answer)
    assert said in str(refused.value)


@given(st.text(alphabet='{}[]",:\\ab1 \n`<think>/', max_size=60))
def test_any_answer_is_an_object_or_a_script_error(answer: str) -> None:
    try:
        found = extract_object(answer)
    except ScriptError:
        found = {}
    assert isinstance(found, dict)


@given(st.integers(1, len(TEXT) - 1))
def test_a_beginning_of_an_object_is_never_completed(length: int) -> None:
    with pytest.raises(ScriptError):
        extract_object(TEXT[:length])


@pytest.mark.parametrize(
    "answer",
    [
        f"An object starts with {{ and ends with }}. {TEXT}",
        f"An object starts with {{ as you know: {TEXT}",
        f'It starts with {{" as asked: {TEXT}',
        f'A 5" lemon: {TEXT}',
        f"{TEXT} and a lone {{",
        f"{TEXT}\n\nNote: {{}} is empty.",
        f"Set {{1, 2}} is none. {TEXT}",
        f"{{{TEXT}}}",
        f'[THINK]{{"title": 1}}[/THINK]{TEXT}',
        f"<thought>{{</thought>{TEXT}",
        f"<|channel|>analysis<|message|>{{hm<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}",
        TEXT.replace("{", "{ /* the show */", 1),
        TEXT.replace("{", "{ // the show\n", 1),
    ],
)
def test_a_lone_brace_in_prose_hides_no_object(answer: str) -> None:
    assert extract_object(answer) == GOOD


@pytest.mark.parametrize(
    "piece", ["{", '{"', "{'", "{ ", "{a:", '"', '{"a":"', "{“", "{//", "{/*", "{" + " " * 300]
)
def test_a_hostile_answer_is_read_at_once(piece: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ScriptError):
        extract_object(piece * (60_000 // len(piece)))
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (r'{"n": "\ud83d\ude00"}', "😀"),
        (r'{"n": "a \ud83d b"}', "a � b"),
        (r"{'n': 'a \ude00',}", "a �"),
    ],
)
def test_half_a_character_is_no_traceback_later(answer: str, text: str) -> None:
    assert extract_object(answer) == {"n": text}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (json.dumps(TEXT), GOOD),
        (r'{"who\_is": "a \*star\*, C:\\_x"}', {"who_is": r"a *star*, C:\_x"}),
        ('{"n": "he said "hi" to me"}', {"n": 'he said "hi" to me'}),
        ('{"a": None, "b": True}', {"a": None, "b": True}),
    ],
)
def test_small_slips_are_repaired(answer: str, found: dict[str, object]) -> None:
    assert extract_object(answer) == found
