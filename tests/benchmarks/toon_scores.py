"""What a judged clip gets right of its staging, and the shares that a table shows: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from t2v.judge import Verdict, figure_at
from t2v.toon.prompts.captions import unheard_caption
from t2v.toon.world import Staging, is_held_out, sample_staging

SEED = 500_009  # of the prompts; training draws with others
Score = Mapping[str, int]

# name, what is counted, out of how many, wanted in percent
ROWS: tuple[tuple[str, str, str, int], ...] = (
    ("set", "set", "clips", 99),
    ("shot size", "size", "clips", 92),
    ("kind", "kind", "figures", 96),
    ("colour on the right character", "colour", "figures", 98),
    ("action", "action", "figures", 90),
    ("two where two are asked", "two", "pairs", 85),
    ("both right, kind and colour", "both", "pairs", 90),
)


def prompts(count: int, *, held_out: bool = True) -> list[tuple[Staging, str]]:
    """The first `count` of one fixed list in wordings, and combinations or not, that training never sees."""
    rng = np.random.default_rng(SEED)
    found: list[tuple[Staging, str]] = []
    while len(found) < count:
        staging = sample_staging(rng)
        if is_held_out(staging) == held_out:
            found.append((staging, unheard_caption(staging, rng)))
    return found


def score(staging: Staging, verdict: Verdict) -> dict[str, int]:
    """Counts of what is right, and of what was asked."""
    figures = staging.figures
    pairs = [(figure, figure_at(figure.place, verdict, alone=len(figures) == 1)) for figure in figures]
    kinds = [seen is not None and seen.kind == figure.kind for figure, seen in pairs]
    colours = [seen is not None and seen.colour == figure.colour for figure, seen in pairs]
    actions = [seen is not None and seen.action == figure.action for figure, seen in pairs]
    is_pair = len(figures) == 2
    return {
        "clips": 1,
        "set": int(verdict.set == staging.set),
        "size": int(verdict.size == staging.size),
        "figures": len(figures),
        "kind": sum(kinds),
        "colour": sum(colours),
        "action": sum(actions),
        "pairs": int(is_pair),
        "two": int(is_pair and len(verdict.figures) == 2),
        "both": int(is_pair and len(verdict.figures) == 2 and all(kinds) and all(colours)),
    }


def share(scores: Sequence[Score], right: str, asked: str) -> tuple[float, int]:
    """The share that is right, and out of how many."""
    total = sum(one[asked] for one in scores)
    return sum(one[right] for one in scores) / max(1, total), total


def difference(
    scores: Sequence[Score], others: Sequence[Score], right: str, asked: str
) -> tuple[float, float]:
    """How much larger the share is than that of others of the same prompts, and half its 95 % interval.

    Each prompt's two films are one pair, so that what makes a prompt hard is in both: a ratio's standard
    error by linearisation (Cochran 1977, 6.4).
    """
    asks = np.array([one[asked] for one in scores], float)
    gains = np.array([one[right] - other[right] for one, other in zip(scores, others, strict=True)], float)
    total = max(1.0, float(asks.sum()))
    mean = float(gains.sum()) / total
    half = 1.96 * float(np.sqrt(np.square(gains - mean * asks).sum())) / total
    return mean, half


def table(columns: Mapping[str, Sequence[Score]]) -> list[str]:
    """One row for each question, one column for each film; percent with the 95 % interval's half-width."""
    lines = ["| | wanted | " + " | ".join(f"{name} ({len(s)})" for name, s in columns.items()) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(columns))
    for title, right, asked, wanted in ROWS:
        cells = [_cell(*share(scores, right, asked)) for scores in columns.values()]
        lines.append(f"| {title} | {wanted} | " + " | ".join(cells) + " |")
    return lines


def _cell(right: float, total: int) -> str:
    if not total:
        return "none asked"
    half = 1.96 * (right * (1 - right) / total) ** 0.5
    return f"{100 * right:.1f} ± {100 * half:.1f}"


def flicker(frames: np.ndarray) -> float:
    """Mean difference of successive frames in the half of the picture that moves least, of 255."""
    steps = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean((0, 3))
    return float(steps[steps <= np.median(steps)].mean())


def nearest(one: np.ndarray, many: np.ndarray) -> tuple[int, float]:
    """The index of the nearest of many (n, d) to one (d,), and its root mean square distance."""
    distances = np.sqrt(np.square(many.astype(np.float32) - one).mean(1))
    place = int(distances.argmin())
    return place, float(distances[place])
