"""Replies in every shape that servers of this protocol send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.llm.reply import NoReply, Reply, read_reply

GOOD = '{"n": 9}'


def body(message: Any, **more: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more})


def stream(*deltas: dict[str, Any], ending: str = "data: [DONE]\n\n") -> str:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ending


SHAPES: dict[str, str] = {
    "text": body({"content": GOOD}),
    "one part": body({"content": [{"type": "text", "text": GOOD}]}),
    "output_text": body({"content": [{"type": "output_text", "text": GOOD, "annotations": []}]}),
    "two parts": body({"content": [{"type": "text", "text": '{"n"'}, {"type": "text", "text": ": 9}"}]}),
    "text with a value": body({"content": [{"type": "text", "text": {"value": GOOD}}]}),
    "a part without a list": body({"content": {"type": "text", "text": GOOD}}),
    "strings in a list": body({"content": [GOOD]}),
    "the object itself": body({"content": {"n": 9}}),
    "thinking, then text": body(
        {"content": [{"type": "thinking", "thinking": "{8}?"}, {"type": "text", "text": GOOD}]}
    ),
    "thinking in parts": body(
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "8?"}]},
                {"type": "text", "text": GOOD},
            ]
        }
    ),
    "thinking beside it": body({"content": GOOD, "reasoning_content": '{"n": 8}'}),
    "reasoning_content": body({"content": None, "reasoning_content": GOOD}),
    "reasoning": body({"content": "\n\n", "reasoning": GOOD}),
    "thinking": body({"thinking": GOOD}),
    "thinking parts only": body({"content": [{"type": "thinking", "thinking": GOOD}]}),
    "a tool's call": body({"content": None, "tool_calls": [{"function": {"arguments": GOOD}}]}),
    "a tool's call with an object": body({"tool_calls": [{"function": {"arguments": {"n": 9}}}]}),
    "the older protocol": json.dumps({"choices": [{"text": GOOD}]}),
    "a delta": json.dumps({"choices": [{"delta": {"content": GOOD}}]}),
    "a byte order mark": "\ufeff" + body({"content": GOOD}),
    "space before it": "\n \n" + body({"content": GOOD}),
    "an empty error": body({"content": GOOD}, error=None),
    "a stream": stream({"role": "assistant", "content": ""}, {"content": '{"n"'}, {"content": ": 9}"}),
    "a stream with comments": ": PROCESSING\n\n" + stream({"content": GOOD}),
    "a stream with names": "event: message\nid: 1\n" + stream({"content": GOOD}),
    "a stream with carriage returns": stream({"content": GOOD}).replace("\n", "\r\n"),
    "a stream without an end": stream({"content": GOOD}, ending=""),
    "a stream with thinking": stream({"reasoning_content": "8?"}, {"content": GOOD}),
    "a stream of thinking": stream({"reasoning": '{"n":'}, {"reasoning": " 9}"}),
    "a stream of parts": stream({"content": [{"type": "text", "text": GOOD}]}),
    "a stream with torn lines": "data: {torn\n\n" + stream({"content": GOOD}),
    "a stream with one message": f"data: {body({'content': GOOD})}\n\n",
}


@pytest.mark.parametrize("reply", SHAPES.values(), ids=SHAPES)
def test_the_text_is_found_in_every_shape(reply: str) -> None:
    assert json.loads(read_reply(reply).text) == {"n": 9}


def test_thinking_without_an_object_is_no_answer() -> None:
    assert read_reply(body({"content": "", "reasoning": "nine, or ten?"})).text == "<think>nine, or ten?"
    assert read_reply(body({"content": ""})).text == ""
    assert read_reply(body(None)).text == ""


def test_a_character_that_a_stream_cuts_in_two_is_whole() -> None:
    assert read_reply(stream({"content": "\ud83d"}, {"content": "\ude00"})).text == "\U0001f600"
    assert read_reply(body({"content": "a \ud83d"})).text == "a \ufffd"


def test_a_refusal_is_told_apart() -> None:
    assert read_reply(body({"content": None, "refusal": "No."})) == Reply("", refusal="No.", finish="stop")


def test_what_a_stream_says_of_itself_is_kept() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    end = [
        {"model": "m", "choices": [{"delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": usage},
    ]
    ending = "".join(f"data: {json.dumps(event)}\n\n" for event in end)
    assert read_reply(stream({"content": "{"}, ending=ending)) == Reply("{", "", "length", "m", 3, 2)


@pytest.mark.parametrize("reason", ["length", "LENGTH", "max_tokens", "MAX_TOKENS", "model_length"])
def test_a_cut_has_one_name(reason: str) -> None:
    choice = {"message": {"content": "{"}, "finish_reason": reason}
    assert read_reply(json.dumps({"choices": [choice]})).finish == "length"


@pytest.mark.parametrize("reason", ["", None, 3])
def test_an_end_without_a_reason_is_none(reason: Any) -> None:
    assert read_reply(json.dumps({"choices": [{"text": "{}", "finish_reason": reason}]})).finish is None


ERRORS: dict[str, tuple[str, str, int | None, bool]] = {
    "a message": ('{"error": {"message": "credits exhausted"}}', "credits exhausted", None, False),
    "a code": ('{"error": {"message": "slow down", "code": 429}}', "slow down", 429, False),
    "a status": ('{"error": {"message": "slow down", "status": 503}}', "slow down", 503, False),
    "a code in words": ('{"error": {"message": "m", "code": "credits"}}', "m", None, False),
    "a text": ('{"error": "out of memory"}', "out of memory", None, False),
    "an object": ('{"error": {"reason": "x"}}', '"reason": "x"', None, False),
    "null choices": ('{"choices": null, "error": {"message": "m"}}', "m", None, False),
    "in the choice": (
        '{"choices": [{"message": {}, "error": {"message": "m", "code": 502}}]}',
        "m",
        502,
        False,
    ),
    "in a stream": (
        stream({"content": "{"}, ending='data: {"error": {"message": "m"}}\n\n'),
        "m",
        None,
        False,
    ),
    "no such page": (
        '{"error": "Unexpected endpoint or method. (POST /chat/completions)"}',
        "Unexpected endpoint",
        None,
        True,
    ),
    "no choices": ('{"choices": []}', "a reply without one", None, True),
    "empty choices": ('{"choices": [null]}', "a reply without one", None, True),
    "a text alone": ('"hi"', "a reply without one", None, True),
    "a page": ("<html>Welcome</html>", "a page that is no JSON", None, True),
    "nothing": ("", "an empty reply", None, True),
    "an empty stream": ("data: [DONE]\n\n", "a reply without one", None, True),
    "brackets": ("[" * 100_000, "a page that is no JSON", None, True),
}


@pytest.mark.parametrize(("reply", "message", "code", "is_page"), ERRORS.values(), ids=ERRORS)
def test_what_is_no_answer_is_told(reply: str, message: str, code: int | None, is_page: bool) -> None:
    with pytest.raises(NoReply) as told:
        read_reply(reply)
    assert message in str(told.value)
    assert (told.value.code, told.value.is_page) == (code, is_page)


KEYS = ("choices", "message", "delta", "content", "type", "text", "thinking", "reasoning", "error", "usage")
MORE_KEYS = ("code", "tool_calls", "function", "arguments", "finish_reason", "model", "index")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 900) | st.text(max_size=5) | st.just("thinking"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS + MORE_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES, VALUES, VALUES)
def test_any_json_is_a_reply_or_none(message: Any, usage: Any, error: Any) -> None:
    whole = {"choices": [{"message": message}], "usage": usage, "error": error}
    for reply in (message, {"choices": message}, whole):
        for text in (json.dumps(reply), f"data: {json.dumps(reply)}\n\n"):
            try:
                found = read_reply(text)
            except NoReply:
                continue
            assert isinstance(found.text, str)


@given(st.text(max_size=40))
def test_any_text_is_a_reply_or_none(text: str) -> None:
    with pytest.raises(NoReply):
        read_reply(text)
