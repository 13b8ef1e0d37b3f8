"""Asks a model one question and returns one checked JSON object; faults are sent back once for repair.

The object is requested by JSON schema, else as any JSON object, else in words, whichever the server accepts.
The answer is always parsed and checked here.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from scripts_llm.errors import MalformedAnswer, ScriptError
from scripts_llm.llm import budget, capabilities
from scripts_llm.llm.budget import Spent
from scripts_llm.llm.capabilities import Capabilities
from scripts_llm.llm.client import Call, LLMError, LLMSettings, LLMTimeout, complete, redact_key
from scripts_llm.llm.complaints import (
    TokenLimits,
    is_about_form,
    is_final,
    read_limits,
    refuses_system_role,
    wants_stream,
)
from scripts_llm.llm.json_answer import extract_object
from scripts_llm.llm.prices import Price, call_cost
from scripts_llm.llm.reply import Reply
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
            if call.finish == "content_filter":
                raise ScriptError("wanted a whole answer, got one that the server's content filter stopped")
            return read(extract_object(answer), turn == question.turns)
        except ScriptError as fault:
            faults = str(fault).splitlines()
            is_form = isinstance(fault, MalformedAnswer)
            is_full = (call.completion_tokens or 0) >= server.last_limit  # some servers call this a stop
            is_cut_off = call.finish == "length" or (is_form and is_full)
            server.adapt_after_failure(is_cut_off=is_cut_off, is_form=is_form)
        if is_cut_off:
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
        self._last_prompt = 1  # tokens by our own count, which is high
        self._prompt_share = 1.0  # of those, the part that the server counts

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
        """Doubles the answer's limit if it was cut off, adds the schema to the prompt if it was malformed.

        If the limit was the server's, it is asked for anew: it may have been raised since it was saved.
        """
        if is_cut_off:
            if self.last_limit < self.settings.answer_tokens:
                self._learn(replace(self.capabilities, answer_tokens=None, context_tokens=None))
            self.settings = replace(self.settings, answer_tokens=self.settings.answer_tokens * 2)
        elif is_form and not self.capabilities.is_in_words:
            self._learn(replace(self.capabilities, is_in_words=True))

    def _learn(self, new: Capabilities) -> None:
        self.capabilities, self._is_known = new, False

    def _lower_demands(self, fault: LLMError) -> bool:
        """Whether the question can be asked in another way after this refusal."""
        if fault.status in (404, 405) and self._may_need_v1():
            self._learn(replace(self.capabilities, needs_v1=True))
            return True
        if fault.status in (401, 403, 404) or is_final(fault.complaint):
            return False
        limits = read_limits(fault.complaint)
        if limits is not None:
            return self._follow_limits(limits)
        able, plainer = self.capabilities, None
        if able.has_system_role and refuses_system_role(fault.complaint):
            plainer = replace(able, has_system_role=False)
        elif not able.is_streamed and wants_stream(fault.complaint):
            plainer = replace(able, is_streamed=True)
        elif fault.status in (400, 422) or is_about_form(fault.complaint):
            plainer = able.reduced(str(fault))
        if plainer is not None:
            self._learn(plainer)
        return plainer is not None

    def _follow_limits(self, limits: TokenLimits) -> bool:
        """Lowers the answer's limit to what the server states; False if too little is left for an answer."""
        prompt = limits.prompt_tokens(self.last_limit)
        room = limits.room(self.last_limit, self._server_tokens(self._last_prompt))
        if room < budget.LEAST_ANSWER:
            return False
        if prompt is not None:
            self._prompt_share = prompt / self._last_prompt
        if not limits.is_lasting:
            self.settings = replace(self.settings, answer_tokens=room)
            return True
        able = replace(
            self.capabilities,
            answer_tokens=limits.answer or self.capabilities.answer_tokens,
            context_tokens=limits.context or self.capabilities.context_tokens,
        )
        self._learn(able)
        if self._longest_answer(self._last_prompt) > room:  # the numbers that it states do not explain it
            self._learn(replace(able, answer_tokens=room))
        return True

    def _longest_answer(self, prompt: int) -> int:
        """The most tokens that an answer to a prompt of so many tokens may have, the budget apart."""
        able, most = self.capabilities, self.settings.answer_tokens
        if able.answer_tokens is not None:
            most = min(most, able.answer_tokens)
        left = most if able.context_tokens is None else able.context_tokens - self._server_tokens(prompt)
        return (
            min(most, left) if left >= budget.LEAST_ANSWER else most
        )  # our count is high: the server decides

    def _server_tokens(self, prompt: int) -> int:
        """The tokens that the server will probably count in a prompt of so many by our own count."""
        return math.ceil(prompt * self._prompt_share)

    def _request_once(self, question: Question, repair: Sequence[Mapping[str, str]]) -> tuple[str, Call]:
        request = self._request(question, repair)
        prompt = budget.upper_token_bound(message["content"] for message in request["messages"])
        self._last_prompt = prompt
        limited = replace(self.settings, answer_tokens=self._longest_answer(prompt))
        self.last_limit = budget.answer_limit(limited, self.spent, prompt, self.price)
        request[self.capabilities.limit] = self.last_limit
        address = replace(self.settings, base_url=self._address())
        clock = self.retry_policy.clock

        def once() -> tuple[Reply, float]:
            start = clock()
            try:
                reply = complete(address, request, clock=clock)
            except LLMTimeout:  # the model may have written a whole answer, which is paid for
                self.spent = self.spent.with_call(prompt, self.last_limit, self.price)
                raise
            return reply, clock() - start

        reply, seconds = call_with_retries(self.retry_policy, once)
        return self._record(reply, seconds, question, prompt)

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
        opening = [{"role": "system", "content": question.system}, {"role": "user", "content": text}]
        if not able.has_system_role:
            opening = [{"role": "user", "content": f"{question.system}\n\n{text}"}]
        request: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [*opening, *repair],
            "seed": question.seed % 2**31,
            "temperature": self.settings.temperature,
        }
        if able.form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": schema}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        elif able.form == "json_object":
            request["response_format"] = {"type": "json_object"}
        if able.is_streamed:  # the whole stream is read at once
            request["extra_body"] = {"stream": True, "stream_options": {"include_usage": True}}
        return {
            key: value for key, value in request.items() if value is not None and key not in able.left_out
        }

    def _record(self, reply: Reply, seconds: float, question: Question, prompt: int) -> tuple[str, Call]:
        answer = redact_key(reply.text, self.settings)
        sent, received = reply.prompt_tokens, reply.completion_tokens
        call = Call(
            purpose=question.purpose,
            model=redact_key(strip_controls(reply.model or self.settings.model), self.settings),
            seconds=round(seconds, 3),
            prompt_tokens=sent,
            completion_tokens=received,
            finish="refusal" if reply.refusal else reply.finish,
            form=self.capabilities.form,
            seed=None if "seed" in self.capabilities.left_out else question.seed % 2**31,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
            cost_usd=call_cost(self.price, sent, received, reply.cached_tokens),
        )
        self.calls.append(call)
        longest = budget.upper_token_bound([answer])
        self.spent = self.spent.with_call(
            prompt if sent is None else sent, longest if received is None else received, self.price
        )
        if not self._is_known:
            capabilities.save(self.capabilities_file, self.settings, self.capabilities)
            self._is_known = True
        return (answer or redact_key(reply.refusal, self.settings)), call


def without_bounds(schema: Any) -> Any:
    """The schema without minimum and maximum lengths, for servers that refuse them."""
    if isinstance(schema, list):
        return [without_bounds(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: without_bounds(each) for key, each in schema.items() if key not in _BOUNDS}
