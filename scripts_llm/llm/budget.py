"""Limits on tokens and dollars, checked before a question is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scripts_llm.llm.client import LLMError, LLMSettings
from scripts_llm.llm.prices import Price, call_cost

LEAST_ANSWER = 200  # tokens; with less room than this nothing is asked
_A_MESSAGE = 8  # tokens that a chat template puts around one


class BudgetError(LLMError):
    """The next question might exceed a limit, so it was not asked."""


@dataclass(frozen=True)
class Spent:
    """Tokens and dollars used so far; an upper bound where the server reports no usage."""

    tokens: int = 0
    dollars: float = 0.0

    def with_call(self, prompt: int, answer: int, price: Price | None) -> Spent:
        """The sum with another call of these tokens."""
        return Spent(
            self.tokens + prompt + answer, self.dollars + (call_cost(price, prompt, answer, 0) or 0.0)
        )


def upper_token_bound(texts: Iterable[str]) -> int:
    """An upper bound of the tokens in these messages: three bytes a token (English has four or five)."""
    return sum(-(-len(text.encode()) // 3) + _A_MESSAGE for text in texts)


def answer_limit(settings: LLMSettings, spent: Spent, prompt: int, price: Price | None) -> int:
    """The most tokens that the next answer may have. Raises BudgetError if those are too few."""
    left: list[tuple[float, str]] = [(settings.answer_tokens, "")]
    if settings.max_tokens is not None:
        used = f"max_tokens {settings.max_tokens:,}: {spent.tokens:,} are used"
        left.append((settings.max_tokens - spent.tokens - prompt, used))
    if settings.max_cost is not None and price is not None:
        dollars = settings.max_cost - spent.dollars - (call_cost(price, prompt, 0, 0) or 0.0)
        used = f"max_cost {settings.max_cost:g} dollars: {spent.dollars:.4f} are spent"
        left.append(
            (dollars * 1_000_000 / price.output if price.output else (0 if dollars < 0 else 1e9), used)
        )
    tokens, used = min(left)
    if used and tokens < LEAST_ANSWER:
        need = f"the next question needs {prompt:,} tokens and at least {LEAST_ANSWER} for its answer"
        raise BudgetError(f"{used}, and {need}; nothing more was asked, try a higher bound")
    return int(tokens)
