"""Alignment: when each word of a line is heard, from its syllables and the pauses in the sound.

Between two pauses a word lasts as long as its share of syllables. A pause is between two words, more likely
after a comma or a full stop than elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flows.studio.rates import SAMPLE_RATE
from flows.studio.typography import linebreak
from flows.studio.typography.linebreak import TextPiece

HOP = SAMPLE_RATE // 100
QUIET_DB = -38.0  # below the loudest 10 ms
SHORTEST_PAUSE = 12  # times 10 ms; a shorter silence is a consonant
_NO_MARK = 0.6  # seconds, the cost of a pause where the text has no punctuation

WordSpans = tuple[tuple[int, int], ...]


def align_words(samples: NDArray[np.float32], text: str) -> WordSpans:
    """From and to which sample each word of `text.split()` is heard; `samples` (n,) are mono at 48 kHz."""
    words = [TextPiece(word) for word in text.split()]
    if not words or not len(samples):
        return ()
    pauses = _pauses(samples)
    anchors = [(0, 0, 0), *_anchored(words, pauses, len(samples)), (len(words), len(samples), len(samples))]
    spans: list[tuple[int, int]] = []
    for (first, _, start), (last, end, _) in pairwise(anchors):
        weights = np.cumsum([0, *(linebreak.count_syllables(word.text) for word in words[first:last])])
        edges = start + np.rint((end - start) * weights / weights[-1]).astype(int)
        spans += [(int(a), int(b)) for a, b in pairwise(edges)]
    return tuple(spans)


def _pauses(samples: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The silences inside the sound, from and to sample."""
    count = len(samples) // HOP
    power = np.square(samples[: count * HOP].reshape(count, HOP)).mean(axis=1) if count else np.zeros(0)
    level = np.sqrt(power)
    heard = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (QUIET_DB / 20))
    return [(int(a + 1) * HOP, int(b) * HOP) for a, b in pairwise(heard) if b - a - 1 >= SHORTEST_PAUSE]


def _anchored(
    words: Sequence[TextPiece], pauses: Sequence[tuple[int, int]], length: int
) -> list[tuple[int, int, int]]:
    """Each pause with the number of the word that follows it: the cheapest assignment (dynamic programming).

    `length` is that of the whole sound in samples.
    """
    silent = sum(b - a for a, b in pauses)
    weights = np.cumsum([linebreak.count_syllables(word.text) for word in words])
    expected = (length - silent) * weights / weights[-1]  # where each word ends, pauses left out
    best: dict[int, tuple[float, list[tuple[int, int, int]]]] = {0: (0.0, [])}
    before = 0
    for start, end in pauses[: len(words) - 1]:
        now = start - before
        before += end - start
        reached: dict[int, tuple[float, list[tuple[int, int, int]]]] = {}
        for at in range(1, len(words)):
            no_mark = 0.0 if linebreak.break_cost(words, at) <= 4 else _NO_MARK * SAMPLE_RATE
            cost = abs(expected[at - 1] - now) + no_mark
            earlier = [best[n] for n in best if n < at]
            if earlier:
                total, pauses_so_far = min(earlier, key=lambda one: one[0])
                reached[at] = (total + cost, [*pauses_so_far, (at, start, end)])
        best = reached
    return min(best.values(), key=lambda one: one[0])[1] if best else []
