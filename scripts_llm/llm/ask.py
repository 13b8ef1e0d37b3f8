"""Asks a model one question and returns one checked JSON object; faults are sent back once for repair.

The object is requested by JSON schema, else as any JSON object, else in words, whichever the server accepts.
The answer is always parsed and checked here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from scripts_llm.errors import MalformedAnswer, ScriptError
from scripts_llm.llm import budget, capabilities
from scripts_llm.llm.budget import Spent
from scripts_llm.llm.capabilities import Capabilities
from scripts_llm.llm.client import Call, LLMError, LLMSettings, LLMTimeout, open_client, redact_key
from scripts_llm.llm.json_answer import extract_object
from scripts_llm.llm.prices import Price, call_cost
from scripts_llm.llm.retry import RetryPolicy, call_with_retries
from scripts_llm.llm.templates import render_prompt
from scripts_llm.plain_text import strip_controls

T = TypeVar("T")

_MOST_REDUCTIONS = 8
_BOUNDS = {"minLength", "maxLength", "minItems", "maxItems"}


def repair_prompt(faults: Sequence[str]) -> str:
    """The prompt that asks for the whole object again."""
    return render_prompt("repair", faults=faults[:30], scenes=[])


@dataclass(frozen=True)
class Question:
    """A prompt, the schema of its answer, and the file (`raw`) for answers that cannot be used."""

    purpose: str
    system: str
    text: str
    schema: Mapping[str, Any]
    seed: int
    raw: Path | None = None
    turns: int = 2
    repair: Callable[[Sequence[str]], str] = repair_prompt


Reader = Callable[[dict[str, Any], bool], T]
"""Makes a value of the object, or raises ScriptError with one line a fault. True: let small things pass."""


class UnusableAnswer(LLMError):
    """The model answered, but no answer passed the checks."""


def ask(server: Server, question: Question, read: Reader[T]) -> T:
    """The value that `read` makes of the model's answer, after at most one repair.

    Raises:
        LLMError: The server failed.
        UnusableAnswer: No answer passed; all of them are saved in `question.raw`.
    """
    answers: list[str] = []
    repair: list[dict[str, str]] = []
    faults: list[str] = []
    for turn in range(1, question.turns + 1):
        answer, call = server.send(question, repair)
        answers.append(answer)
        try:
            if call.finish == "length":
                raise ScriptError(f"wanted a whole answer, got one cut off after {server.last_limit} tokens")
            return read(extract_object(answer), turn == question.turns)
        except ScriptError as fault:
            faults = str(fault).splitlines()
            server.adapt_after_failure(
                is_cut_off=call.finish == "length", is_form=isinstance(fault, MalformedAnswer)
            )
        if call.finish == "length":
            answer = answer[:200] + " ..."
        repair = [
            {"role": "assistant", "content": answer or "{}"},
            {"role": "user", "content": question.repair(faults)},
        ]
    saved = _save(question.raw, answers)
    first = "; ".join(faults[:3])
    name = server.settings.model
    raise UnusableAnswer(
        f"{name}: wanted {question.purpose}, got an unusable one: {first}{saved}", server.calls
    )


def _save(path: Path | None, answers: Sequence[str]) -> str:
    """Saves the answers; returns the end of a message that names the file."""
    if path is None:
        return ""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n--- the answer to the repair ---\n\n".join(answers) + "\n", encoding="utf-8")
        return f", see {path}"
    return ""


# ------------------------------------------------------------------------------------------- the server


@dataclass
class Server:
    """One server during one script: what it accepts, the calls so far, and the tokens and dollars spent."""

    settings: LLMSettings
    price: Price | None = None
    retry_policy: RetryPolicy = RetryPolicy()  # noqa: RUF009  # frozen
    capabilities_file: Path | None = None  # see scripts_llm.llm.capabilities
    calls: list[Call] = field(default_factory=list)
    spent: Spent = Spent()  # noqa: RUF009  # frozen
    last_limit: int = 0

    def __post_init__(self) -> None:
        self.capabilities = capabilities.load(self.capabilities_file, self.settings)
        self._is_known = False

    def send(self, question: Question, repair: Sequence[Mapping[str, str]] = ()) -> tuple[str, Call]:
        """The text of the answer and the record of the call, which is added to `calls`. Raises LLMError."""
        try:
            for _ in range(_MOST_REDUCTIONS):
                try:
                    return self._request_once(question, repair)
                except LLMError as fault:
                    if not self._lower_demands(fault):
                        raise
            return self._request_once(question, repair)
        except LLMError as fault:
            fault.calls = tuple(self.calls)
            raise

    def adapt_after_failure(self, *, is_cut_off: bool, is_form: bool) -> None:
        """Doubles the answer's limit if it was cut off, adds the schema to the prompt if it was malformed."""
        if is_cut_off:
            self.settings = replace(self.settings, answer_tokens=self.settings.answer_tokens * 2)
        elif is_form and not self.capabilities.is_in_words:
            self._learn(replace(self.capabilities, is_in_words=True))

    def _learn(self, new: Capabilities) -> None:
        self.capabilities, self._is_known = new, False

    def _lower_demands(self, fault: LLMError) -> bool:
        if fault.status == 404 and self._may_need_v1():
            self._learn(replace(self.capabilities, needs_v1=True))
            return True
        plainer = self.capabilities.reduced(str(fault)) if fault.status in (400, 422) else None
        if plainer is not None:
            self._learn(plainer)
        return plainer is not None

    def _request_once(self, question: Question, repair: Sequence[Mapping[str, str]]) -> tuple[str, Call]:
        request = self._request(question, repair)
        prompt = budget.upper_token_bound(message["content"] for message in request["messages"])
        self.last_limit = budget.answer_limit(self.settings, self.spent, prompt, self.price)
        request[self.capabilities.limit] = self.last_limit
        address = replace(self.settings, base_url=self._address())
        clock = self.retry_policy.clock

        def once() -> tuple[Any, float]:
            start = clock()
            try:
                with open_client(address, clock=clock) as client:
                    create: Any = client.chat.completions.create
                    completion = create(**request)
            except LLMTimeout:  # the model may have written a whole answer, which is paid for
                self.spent = self.spent.with_call(prompt, self.last_limit, self.price)
                raise
            return completion, clock() - start

        completion, seconds = call_with_retries(self.retry_policy, once)
        return self._record(completion, seconds, question, prompt)

    def _may_need_v1(self) -> bool:
        return not self.capabilities.needs_v1 and not self.settings.base_url.endswith("/v1")

    def _address(self) -> str:
        return self.settings.base_url + ("/v1" if self.capabilities.needs_v1 else "")

    def _request(self, question: Question, repair: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        able = self.capabilities
        schema = dict(question.schema) if able.has_bounds else without_bounds(question.schema)
        text = question.text
        if able.is_in_words:
            schema_text = json.dumps(without_bounds(question.schema), ensure_ascii=False)
            text += f"\nAnswer with one JSON object of this schema, nothing else:\n{schema_text}\n"
        request: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": text},
                *repair,
            ],
            "seed": question.seed % 2**31,
            "temperature": self.settings.temperature,
        }
        if able.form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": schema}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        elif able.form == "json_object":
            request["response_format"] = {"type": "json_object"}
        return {
            key: value for key, value in request.items() if value is not None and key not in able.left_out
        }

    def _record(self, completion: Any, seconds: float, question: Question, prompt: int) -> tuple[str, Call]:
        if not getattr(completion, "choices", None):
            if self._may_need_v1():
                raise LLMError("a page that is no answer", status=404)  # /v1 is tried
            raise LLMError(f"{self.settings.model}: wanted an answer, got a reply without one, try URL/v1")
        choice, usage = completion.choices[0], getattr(completion, "usage", None)
        answer = redact_key(str(getattr(choice.message, "content", None) or ""), self.settings)
        refusal = getattr(choice.message, "refusal", None)
        sent, received = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        cached = _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens")
        call = Call(
            purpose=question.purpose,
            model=redact_key(
                strip_controls(str(getattr(completion, "model", None) or self.settings.model)), self.settings
            ),
            seconds=round(seconds, 3),
            prompt_tokens=sent,
            completion_tokens=received,
            finish="refusal" if refusal else choice.finish_reason,
            form=self.capabilities.form,
            seed=None if "seed" in self.capabilities.left_out else question.seed % 2**31,
            cached_tokens=cached,
            reasoning_tokens=_count(getattr(usage, "completion_tokens_details", None), "reasoning_tokens"),
            cost_usd=call_cost(self.price, sent, received, cached),
        )
        self.calls.append(call)
        longest = budget.upper_token_bound([answer])
        self.spent = self.spent.with_call(
            prompt if sent is None else sent, longest if received is None else received, self.price
        )
        if not self._is_known:
            capabilities.save(self.capabilities_file, self.settings, self.capabilities)
            self._is_known = True
        return (answer or str(refusal or "")), call


def _count(usage: Any, name: str) -> int | None:
    """A token count of the server's usage record; None if it is not a number."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def without_bounds(schema: Any) -> Any:
    """The schema without minimum and maximum lengths, for servers that refuse them."""
    if isinstance(schema, list):
        return [without_bounds(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: without_bounds(each) for key, each in schema.items() if key not in _BOUNDS}
