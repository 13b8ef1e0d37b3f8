"""Caption cues from lines: broken as a person would, long enough to be read, never across a scene's end.

A caption starts with its words and stays until they are read (17 letters a second, at least one second).
Where people talk faster than that it comes a little early, or makes the next one wait a little; two lines
that follow each other too closely share one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from flows.studio.rates import FPS
from flows.studio.timeline.model import Caption, LineCue, Span, Word
from flows.studio.typography import linebreak
from flows.studio.typography.linebreak import TextPiece
from scripts_llm.plain_text import display_width

LETTERS_A_SECOND = 17
SHORTEST = FPS
LONGEST = 7 * FPS  # so long a caption stays at the most, where its line can be parted
FEWEST = 14  # letters of a caption that is parted because it would stand too long
LINGER = 10  # a caption stays this long after its line, while nobody else speaks
EARLY = LATE = 8  # it may come or go this much beside its words
EARLY_WITHIN = 30  # inside one person's line it may come earlier: the words are known to follow
CLOSE = 3 * FPS // 2  # two lines no further apart may share a caption
DASH = 2  # the width of the dash before each of two speakers
FLICKER = 3  # a shorter gap between two captions is none
_PAUSES = {True: 1.2, False: 0.5}  # syllables of silence behind a sentence, and behind a phrase


@dataclass(frozen=True)
class _Draft:
    """A caption before its times: `first` and `last` are where its words start and end."""

    lines: tuple[int, ...]
    rows: tuple[str, ...]
    speakers: tuple[str, ...]  # of each row
    words: tuple[Word, ...]
    first: int
    last: int
    need: int

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


def make_captions(lines: Sequence[LineCue], spans: Iterable[Span], *, limit: int) -> tuple[Caption, ...]:
    """The captions of all lines, in order, each within the scene of its line; rows of `limit` letters."""
    places = {span.id: span for span in spans}
    found: list[Caption] = []
    for scene, group in groupby(enumerate(lines), key=lambda numbered: numbered[1].scene):
        drafts = [draft for number, line in group for draft in _drafts(number, line, limit)]
        span = places[scene]
        found += _timed(_shared(drafts, span, limit), span)
    return tuple(found)


def reading_speed(caption: Caption) -> float:
    """The letters a second that a viewer has to read."""
    return display_width(caption.text.replace("\n", " ")) * FPS / (caption.end - caption.start)


def _need(text: str) -> int:
    return max(SHORTEST, math.ceil(display_width(text.replace("\n", " ")) * FPS / LETTERS_A_SECOND))


# --------------------------------------------------------------------------------------------- words


def _drafts(number: int, line: LineCue, limit: int) -> list[_Draft]:
    """A line's captions, its words with the times in which they are heard."""
    parts = linebreak.split_pieces(line.text, limit)
    if not parts or line.end <= line.start:
        return []
    times = _times(line, parts)
    whole = display_width(linebreak.join_pieces(parts))
    most = max(FEWEST, min(2 * limit, whole * LONGEST // (line.end - line.start)))
    drafts = []
    at = 0
    for cue in linebreak.split_cues(parts, limit, most):
        text = linebreak.break_rows(cue, limit)
        places = times[at : at + len(cue)]
        at += len(cue)
        words = tuple(Word(part.text, a, b) for part, (a, b) in zip(cue, places, strict=True))
        rows = tuple(text.split("\n"))
        who = (line.who,) * len(rows)
        drafts.append(_Draft((number,), rows, who, words, places[0][0], places[-1][1], _need(text)))
    return drafts


def _times(line: LineCue, parts: Sequence[TextPiece]) -> list[tuple[int, int]]:
    """When each piece is heard: by the voice's own count of its words, else as long as its syllables."""
    numbers: list[int] = []
    for part in parts:
        numbers.append(numbers[-1] + (not part.is_glued) if numbers else 0)
    if len(line.words) != numbers[-1] + 1:
        return _spread(parts, line.start, line.end)
    found: list[tuple[int, int]] = []
    for number, word in enumerate(line.words):
        inside = [part for part, of in zip(parts, numbers, strict=True) if of == number]
        found += _spread(inside, word.start, word.end)
    return found


def _spread(parts: Sequence[TextPiece], start: int, end: int) -> list[tuple[int, int]]:
    weights = [float(linebreak.count_syllables(part.text)) for part in parts]
    pauses = [_pause(parts, n) for n in range(1, len(parts) + 1)]
    whole = sum(weights) + sum(pauses)
    found = []
    now = 0.0
    for weight, pause in zip(weights, pauses, strict=True):
        a, b = (start + round((end - start) * place / whole) for place in (now, now + weight))
        found.append((a, b))
        now += weight + pause
    return found


def _pause(parts: Sequence[TextPiece], at: int) -> float:
    cost = linebreak.break_cost(parts, at) if at < len(parts) else 16
    return _PAUSES[cost == 0] if cost < 10 else 0.0


# -------------------------------------------------------------------------------------------- timing


def _shared(drafts: list[_Draft], span: Span, limit: int) -> list[_Draft]:
    """The drafts of a scene, those put together that could not be read one by one."""
    while (crowded := _crowded(_starts(drafts, span)[1])) is not None:
        pairs = [n for n in (crowded - 1, crowded) if 0 <= n < len(drafts) - 1]
        fitting = [n for n in pairs if _can_share(drafts[n], drafts[n + 1], limit)]
        if fitting:
            n = min(fitting, key=lambda n: drafts[n].need + drafts[n + 1].need)
            drafts = [*drafts[:n], _together(drafts[n], drafts[n + 1]), *drafts[n + 2 :]]
        else:
            drafts = _hurried(drafts, crowded, span)
    return drafts


def _starts(drafts: Sequence[_Draft], span: Span) -> tuple[list[int], list[int]]:
    """Where each draft starts so that all can be read, and by how many frames that fails."""
    latest = [0] * (len(drafts) + 1)
    latest[-1] = span.end
    for n in range(len(drafts) - 1, -1, -1):
        latest[n] = min(drafts[n].first + LATE, latest[n + 1] - drafts[n].need)
    starts: list[int] = []
    lacks: list[int] = []
    free = span.start
    for n, draft in enumerate(drafts):
        within = n > 0 and draft.lines[0] == drafts[n - 1].lines[-1]
        soonest = max(free, draft.first - (EARLY_WITHIN if within else EARLY))
        start = max(soonest, min(max(draft.first, free), latest[n]))
        starts.append(start)
        lacks.append(max(0, soonest - latest[n]))
        free = start + draft.need
    return starts, lacks


def _crowded(lacks: Sequence[int]) -> int | None:
    """The first caption that does not get its time."""
    return next((n for n, lack in enumerate(lacks) if lack > 0), None)


def _can_share(one: _Draft, other: _Draft, limit: int) -> bool:
    """Whether both are a row each, closely one after the other, and not parts of one line."""
    rows = (*one.rows, *other.rows)
    apart = one.speakers[-1] != other.speakers[0]
    return (
        len(rows) == 2
        and one.lines[-1] != other.lines[0]
        and other.first - one.last <= CLOSE
        and all(display_width(row) + DASH * apart <= limit for row in rows)
    )


def _together(one: _Draft, other: _Draft) -> _Draft:
    rows = (*one.rows, *other.rows)
    return _Draft(
        lines=(*one.lines, *other.lines),
        rows=rows,
        speakers=(*one.speakers, *other.speakers),
        words=(*one.words, *other.words),
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        need=_need("\n".join(rows)),
    )


def _hurried(drafts: list[_Draft], crowded: int, span: Span) -> list[_Draft]:
    """The drafts with a little less time for the one that is in the way: nobody reads as fast as that."""
    lack = _starts(drafts, span)[1][crowded]
    candidates = [n for n in (crowded, crowded - 1) if n >= 0 and drafts[n].need > 1]
    if not candidates:
        return [replace(draft, need=0) for draft in drafts]
    n = max(candidates, key=lambda n: drafts[n].need)
    less = replace(drafts[n], need=max(1, drafts[n].need - lack))
    return [*drafts[:n], less, *drafts[n + 1 :]]


def _timed(drafts: Sequence[_Draft], span: Span) -> list[Caption]:
    starts = _starts(drafts, span)[0]
    for n in range(len(starts)):  # only where a voice is faster than a frame a caption
        starts[n] = min(max(starts[n], starts[n - 1] + 1 if n else span.start), span.end - (len(starts) - n))
    found = []
    for draft, start, following in zip(drafts, starts, [*starts[1:], span.end], strict=True):
        end = min(following, max(draft.last + LINGER, start + draft.need))
        if end > following - FLICKER and following != span.end:
            end = following
        words = tuple(_clamped(word, start, max(start + 1, end)) for word in draft.words)
        who = draft.speakers[0]
        speakers = draft.speakers if any(speaker != who for speaker in draft.speakers) else ()
        found.append(Caption(start, max(start + 1, end), draft.text, who, speakers=speakers, words=words))
    return found


def _clamped(word: Word, start: int, end: int) -> Word:
    a = min(max(word.start, start), end - 1)
    return replace(word, start=a, end=min(max(word.end, a + 1), end))
