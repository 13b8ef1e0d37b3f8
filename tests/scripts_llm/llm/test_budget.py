"""Tokens and dollars: bounds that are kept beforehand, prices that a person may write down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, ask
from scripts_llm.llm.budget import BudgetError, Spent, answer_limit, upper_token_bound
from scripts_llm.llm.client import LLMSettings
from scripts_llm.llm.prices import (
    Price,
    Prices,
    call_cost,
    find_price,
    read_prices,
    require_price,
    user_price_files,
)
from tests.scripts_llm.conftest import Reply
from tests.scripts_llm.show import desk

PRICE = Price(input=1, output=10)
OPENAI = LLMSettings("gpt-4o-mini")
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


# --------------------------------------------------------------------------------------------- budget


def test_without_a_bound_an_answer_may_be_as_long_as_answers_may_be() -> None:
    assert answer_limit(OPENAI, Spent(10**9, 10**6), 5000, None) == 8000


@pytest.mark.parametrize(
    ("spent", "prompt", "left"), [(0, 1000, 8000), (3000, 1000, 6000), (8000, 1000, 1000), (8800, 1000, 200)]
)
def test_an_answer_is_as_long_as_the_tokens_that_are_left(spent: int, prompt: int, left: int) -> None:
    assert answer_limit(replace(OPENAI, max_tokens=10_000), Spent(spent), prompt, None) == left


def test_a_question_that_might_exceed_the_tokens_is_not_asked() -> None:
    with pytest.raises(BudgetError, match=r"max_tokens 10,000: 8,801 are used, and the next question needs"):
        answer_limit(replace(OPENAI, max_tokens=10_000), Spent(8801), 1000, None)


def test_dollars_bound_the_answer_as_well() -> None:
    bounded = replace(OPENAI, max_cost=0.05)
    assert answer_limit(bounded, Spent(), 10_000, PRICE) == 4000  # a cent for the prompt, four for the answer
    with pytest.raises(BudgetError, match=r"max_cost 0\.05 dollars: 0\.0390 are spent"):
        answer_limit(bounded, Spent(0, 0.039), 10_000, PRICE)
    free = Price(input=0, output=0)
    assert answer_limit(bounded, Spent(), 10_000, free) == 8000


@given(st.integers(300, 20_000), st.lists(st.integers(10, 3000), min_size=1, max_size=30))
def test_the_sum_never_exceeds_the_bound_whatever_is_asked(bound: int, prompts: list[int]) -> None:
    spent = Spent()
    for prompt in prompts:
        try:
            answer = answer_limit(replace(OPENAI, max_tokens=bound), spent, prompt, None)
        except BudgetError:
            continue
        spent = spent.with_call(prompt, answer, None)  # a model that fills its limit
    assert spent.tokens <= bound


def test_tokens_are_counted_high() -> None:
    assert upper_token_bound(["The quick brown fox jumps over the lazy dog."]) >= 11
    assert upper_token_bound(["Кот идёт домой."]) >= 8
    assert upper_token_bound([]) == 0


def test_what_a_server_does_not_tell_is_counted_as_the_most_it_can_be(server) -> None:
    server.replies = [Reply("{}", usage=False), Reply("{}")]
    at = desk(server.url, max_tokens=1000)
    question = Question("nothing", "s" * 30, "t" * 30, SCHEMA, 1)
    ask(at, question, lambda found, is_last: None)
    assert 20 < at.spent.tokens < 60
    ask(at, question, lambda found, is_last: None)
    assert at.spent.tokens > 1200  # as the server told it, though it was asked for less
    with pytest.raises(BudgetError) as stopped:
        ask(at, question, lambda found, is_last: None)
    assert len(stopped.value.calls) == len(server.asked) == 2


# --------------------------------------------------------------------------------------------- prices


def test_a_price_that_nobody_wrote_down_is_not_known_and_never_nought() -> None:
    assert find_price(Prices(), OPENAI) is None
    assert call_cost(None, 1000, 1000, 0) is None
    assert call_cost(PRICE, None, 1000, 0) is None
    assert call_cost(Price(input=0, output=0), 1000, 1000, 0) == 0


def test_the_cost_counts_what_was_seen_before_at_its_own_price() -> None:
    assert call_cost(PRICE, 1_000_000, 100_000, 400_000) == pytest.approx(2.0)
    assert call_cost(Price(input=1, output=10, cached=0.5), 1_000_000, 100_000, 400_000) == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("model", "is_known"),
    [
        ("gpt-4o-mini", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("gpt-4o-mini-tts", False),
        ("gpt-4o-mega", False),
        ("llama3.2", False),
    ],
)
def test_a_model_has_its_own_price_with_a_date_or_without(model: str, is_known: bool) -> None:
    assert (find_price(read_prices(), LLMSettings(model)) is not None) == is_known


def test_the_longest_name_is_the_one() -> None:
    mini, large = (find_price(read_prices(), LLMSettings(name)) for name in ("gpt-4o-mini", "gpt-4o"))
    assert mini is not None
    assert large is not None
    assert mini.output < large.output


def test_openais_price_is_no_other_hosts() -> None:
    assert find_price(read_prices(), LLMSettings("gpt-4o", "http://localhost:1/v1")) is None


def test_ones_own_prices_win_and_the_premises_win_over_the_homes(tmp_path: Path) -> None:
    home, beside = user_price_files(
        tmp_path / "show" / "premise.yaml", {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    )
    for path, price in ((home, 1), (beside, 2)):
        path.parent.mkdir(parents=True)
        path.write_text(f"endpoints: {{api.openai.com: {{gpt-4o: {{input: {price}, output: {price}}}}}}}\n")
    assert find_price(read_prices([home]), LLMSettings("gpt-4o")) == Price(input=1, output=1)
    assert find_price(read_prices([home, beside]), LLMSettings("gpt-4o")) == Price(input=2, output=2)
    assert find_price(read_prices([home, beside]), OPENAI) is not None


@pytest.mark.parametrize(
    "text", ["endpoints: [1]", "endpoints: {a: {b: {input: -1, output: 2}}}", "x: 1", "a: [b"]
)
def test_prices_that_are_wrong_are_told_by_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text + "\n")
    with pytest.raises(ScriptError, match=r"prices\.yaml:1:\d+: wanted "):
        read_prices([path])


def test_a_file_of_comments_has_no_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("# nothing yet\n")
    assert read_prices([path]) == read_prices()


def test_a_bound_in_dollars_without_a_price_is_refused_with_what_to_write() -> None:
    local = LLMSettings("llama3.2", "http://localhost:1/v1", max_cost=1)
    with pytest.raises(ScriptError) as refused:
        require_price(local, None)
    example = str(refused.value).split("`")[1]
    assert example == "endpoints: {localhost: {llama3.2: {input: 0.15, output: 0.60}}}"
    require_price(local, PRICE)
    require_price(replace(local, max_cost=None), None)


def test_cost_and_its_parts_are_in_the_call(server) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 60},
    }
    message = {"role": "assistant", "content": "{}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    server.replies = [Reply(body=json.dumps({"model": "m", "choices": [choice], "usage": usage}))]
    at = desk(server.url)
    at.price = Price(input=1, output=10, cached=0)
    ask(at, Question("nothing", "s", "t", SCHEMA, 1), lambda found, is_last: None)
    (call,) = at.calls
    assert (call.cached_tokens, call.reasoning_tokens) == (400, 60)
    assert call.cost_usd == pytest.approx(0.0016)
