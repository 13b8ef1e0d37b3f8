"""One question to a model, one JSON object back, checked, and asked for once more with its faults.

Nothing that a server promises is trusted. The object is asked for by schema, else as any JSON object, else in
words, whichever the server takes; what comes is parsed and judged here.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scripts_llm.answers import json_object
from scripts_llm.endpoint import Call, Form, LLMError, LLMSettings, addresses, connected
from scripts_llm.errors import ScriptError
from scripts_llm.prompts import render

T = TypeVar("T")

_STEPS_BACK = 6


@dataclass(frozen=True)
class Question:
    """What is asked, and where an answer goes that cannot be used."""

    purpose: str
    system: str
    text: str
    schema: Mapping[str, Any]
    seed: int
    raw: Path | None = None


Judge = Callable[[dict[str, Any], bool], T]
"""Makes a value of the object, or raises ScriptError with one line a fault. True: let small things pass."""


def ask(settings: LLMSettings, question: Question, judge: Judge[T]) -> tuple[T, tuple[Call, ...]]:
    """What `judge` makes of the model's answer, after at most one turn of repair. Raises LLMError."""
    line = _Line(settings)
    calls: list[Call] = []
    answers: list[str] = []
    repair: list[dict[str, str]] = []
    faults: list[str] = []
    for is_last in (False, True):
        try:
            answer, call = line.say(question, repair)
        except LLMError as fault:
            raise LLMError(str(fault), calls, status=fault.status) from None
        calls.append(call)
        answers.append(answer)
        try:
            if call.finish == "length":
                raise ScriptError(f"wanted a whole answer, got one cut off after {line.max_tokens} tokens")
            return judge(json_object(answer), is_last), tuple(calls)
        except ScriptError as fault:
            faults = str(fault).splitlines()
        if call.finish == "length":
            line.max_tokens *= 2
            answer = answer[:200] + " ..."
        repair = [
            {"role": "assistant", "content": answer or "{}"},
            {"role": "user", "content": render("repair", faults=faults[:30])},
        ]
    saved = _save(question.raw, answers)
    told = "; ".join(faults[:3])
    raise LLMError(f"{settings.model}: wanted {question.purpose}, got an unusable one: {told}{saved}", calls)


def _save(path: Path | None, answers: Sequence[str]) -> str:
    """Keep what the model said; the tail of a message that tells where."""
    if path is None:
        return ""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n--- the answer to the repair ---\n\n".join(answers) + "\n", encoding="utf-8")
        return f", see {path}"
    return ""


@dataclass
class _Line:
    """The line to one server: it learns what the server takes."""

    settings: LLMSettings
    form: Form = "json_schema"
    max_tokens: int = 0
    limit: str = "max_tokens"
    left_out: set[str] = field(default_factory=set)
    has_switched: bool = False

    def __post_init__(self) -> None:
        self.max_tokens = self.settings.max_tokens

    def say(self, question: Question, repair: Sequence[Mapping[str, str]]) -> tuple[str, Call]:
        """The answer's text, and the record of the call."""
        last: LLMError | None = None
        for candidate in addresses(self.settings):
            try:
                completion, seconds = self._complete(candidate, question, repair)
            except LLMError as fault:
                if fault.status != 404:
                    raise
                last = last or fault
                continue
            if getattr(completion, "choices", None):
                self.settings = candidate
                return self._heard(completion, seconds, question)
            last = LLMError(f"{self.settings.model}: wanted an answer, got a reply without one, try URL/v1")
        assert last is not None
        raise last

    def _complete(
        self, settings: LLMSettings, question: Question, repair: Sequence[Mapping[str, str]]
    ) -> tuple[Any, float]:
        import openai

        with connected(settings) as client:
            create: Any = client.chat.completions.create
            for _ in range(_STEPS_BACK):
                start = time.monotonic()
                try:
                    return create(**self._request(question, repair)), time.monotonic() - start
                except (openai.BadRequestError, openai.UnprocessableEntityError) as fault:
                    if not self._step_back(str(fault)):
                        raise
            return create(**self._request(question, repair)), time.monotonic() - start

    def _request(self, question: Question, repair: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        schema = dict(question.schema)
        text = question.text
        if self.form != "json_schema":
            text += f"\nAnswer with one JSON object of this schema, nothing else:\n{json.dumps(schema)}\n"
        request: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": text},
                *repair,
            ],
            "seed": question.seed % 2**31,
            "temperature": self.settings.temperature,
            self.limit: self.max_tokens,
        }
        if self.form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": schema}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self.form == "json_object":
            request["response_format"] = {"type": "json_object"}
        return {
            key: value for key, value in request.items() if value is not None and key not in self.left_out
        }

    def _step_back(self, complaint: str) -> bool:
        """Ask for less after a 400: without what the server complains about, else in a plainer form."""
        complaint = complaint.lower()
        if "max_tokens" in complaint and not self.has_switched:
            self.has_switched, self.limit = True, "max_completion_tokens"
            return True
        for name in ("temperature", "seed"):
            if name in complaint and name not in self.left_out:
                self.left_out.add(name)
                return True
        plainer: dict[Form, Form] = {"json_schema": "json_object", "json_object": "prompt"}
        if self.form not in plainer:
            return False
        self.form = plainer[self.form]
        return True

    def _heard(self, completion: Any, seconds: float, question: Question) -> tuple[str, Call]:
        choice = completion.choices[0]
        usage = getattr(completion, "usage", None)
        call = Call(
            purpose=question.purpose,
            model=getattr(completion, "model", None) or self.settings.model,
            seconds=round(seconds, 3),
            prompt_tokens=getattr(usage, "prompt_tokens", None),
            completion_tokens=getattr(usage, "completion_tokens", None),
            finish=choice.finish_reason,
            form=self.form,
            seed=None if "seed" in self.left_out else question.seed % 2**31,
        )
        return str(getattr(choice.message, "content", None) or ""), call
