"""Retries passing failures: 429, 5xx, timeouts and lost connections, with growing waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from scripts_llm.llm.client import LLMError, LLMTimeout

T = TypeVar("T")


def _say_nothing(text: str) -> None:
    del text


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to wait. `sleep` and `clock` are replaced in tests."""

    tries: int = 4
    first_seconds: float = 1.0
    longest_seconds: float = 120.0  # a server that asks for more is an error
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = _say_nothing


def call_with_retries(retry_policy: RetryPolicy, ask: Callable[[], T]) -> T:
    """The result of `ask`, called again after an LLMError that `is_passing`.

    A timeout is retried once only: after two the model is too slow. Raises the last LLMError.
    """
    timeouts = 0
    for number in range(1, retry_policy.tries + 1):
        try:
            return ask()
        except LLMError as fault:
            timeouts += isinstance(fault, LLMTimeout)
            wait = fault.retry_after
            if wait is None:
                wait = retry_policy.first_seconds * 4 ** (number - 1)
            if not fault.is_passing or number == retry_policy.tries or timeouts > 1:
                raise
            if wait > retry_policy.longest_seconds:
                raise LLMError(f"{fault}; the server asks to wait {wait:.0f} s", fault.calls) from None
            retry_policy.say(f"{fault}: again in {wait:.3g} s")
            retry_policy.sleep(wait)
    raise AssertionError("the last try returns or raises")
