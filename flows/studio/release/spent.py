"""What the calls of a writer took, out of the manifest's rows: only numbers count, "n/a" is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def tokens(calls: Sequence[Mapping[str, Any]]) -> int | None:
    """Tokens of all calls, if every one of them was counted; None without calls."""
    counts = []
    for call in calls:
        whole, *parts = (call.get(key) for key in ("total_tokens", "prompt_tokens", "completion_tokens"))
        known = [part for part in parts if isinstance(part, int)]
        counts.append(whole if isinstance(whole, int) else sum(known) if known else None)
    known_counts = [count for count in counts if count is not None]
    return sum(known_counts) if calls and len(known_counts) == len(counts) else None


def dollars(calls: Sequence[Mapping[str, Any]]) -> float | None:
    """Dollars of all calls, if the price of every one of them is known; None without calls."""
    costs = [call.get("cost_usd") for call in calls]
    known = [float(cost) for cost in costs if isinstance(cost, int | float)]
    return sum(known) if calls and len(known) == len(costs) else None
