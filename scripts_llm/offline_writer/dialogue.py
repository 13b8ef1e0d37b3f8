"""An exchange put into words: each line in its speaker's manner, nothing said that was said just now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.bank import Exchange, LineTemplate, Wording
from scripts_llm.offline_writer.person import Person
from scripts_llm.offline_writer.wording import (
    Phrasing,
    Unsayable,
    add_address,
    apply_voice,
    find_fault,
    skeleton,
    tidy_line,
)

GREETED = 0.15  # share of the plot's scenes that the other one opens with a word
REWORDINGS = 6  # of an exchange that the show has had just so
OPENING_WORDS = 5  # the film's first line is said within two seconds
STORY_STEPS = frozenset({"trouble", "scheme", "first", "backfire", "worse", "reversal"})


@dataclass(frozen=True)
class WordedLine:
    """A worded line."""

    who: Person
    text: str
    laugh: bool
    parenthetical: str | None
    beat: float


def _candidate_texts(
    line: LineTemplate, speaker: Person, addressee: Person | None, tongue: Phrasing
) -> Iterator[str]:
    """The line's possible texts, those made for this speaker first."""
    rng = tongue.rng
    keyed: list[tuple[float, str]] = []
    others = [w for w in line.wordings if bank.ALTERNATIVE in w.tags]
    if tongue.alternative and others:
        yield from (w.text for w in others)
        return
    for wording in line.wordings:
        ok = wording not in others and all(
            (addressee is not None and tag[3:] in addressee.traits)
            if tag.startswith("to-")
            else tag in speaker.traits
            for tag in wording.tags
        )
        if ok:
            keyed.append((rng.random() + (0.75 if wording.tags else 0.0), wording.text))
    for _, text in sorted(keyed, reverse=True):
        yield text


def _word_line(
    line: LineTemplate,
    tongue: Phrasing,
    addressee: Person | None,
    *,
    bare: bool,
    limit: int,
    first: bool = False,
) -> str:
    """The first wording that works; raises Unsayable if none does."""
    speaker = tongue.people[line.role]
    for text in _candidate_texts(line, speaker, addressee, tongue):
        spent = set(tongue.spent)
        try:
            said = tidy_line(apply_voice(speaker, tidy_line(tongue.fill(text)), bare=bare, tongue=tongue))
            if addressee is not None and limit > OPENING_WORDS:
                said = add_address(said, addressee, tongue, first=first)
        except Unsayable:
            tongue.spent = spent
            continue
        key = skeleton(said, tongue.names)
        catch = said == speaker.catchphrase or any(
            p.catchphrase and p.catchphrase in said for p in tongue.people.values()
        )
        stale = (key in tongue.said or key in tongue.stale) and not catch
        quoted = not catch and tongue.quotes_premise(said)
        if not (
            stale or quoted or (find_fault(said) and said != speaker.catchphrase) or len(said.split()) > limit
        ):
            tongue.said.add(key)
            return said
        tongue.spent = spent
    raise Unsayable(line.wordings[0].text)


def word_exchange(exchange: Exchange, tongue: Phrasing, previous: str) -> tuple[WordedLine, ...]:
    """The exchange in words; `previous` is the line before it. Raises Unsayable."""
    spoken: list[WordedLine] = []
    before = previous
    last = len(exchange.lines) - 1
    tongue.here.clear()
    tongue.alternative = exchange.has_alternative and tongue.rng.random() < 0.5
    for number, line in enumerate(exchange.lines):
        other = exchange.lines[number - 1 if number else min(1, last)].role
        limit = OPENING_WORDS if exchange.step == "open" and number == 0 else 99
        bare = number == last or limit < 99 or line.parenthetical is not None
        text = _word_line(line, tongue, tongue.people.get(other), bare=bare, limit=limit, first=number == 0)
        if text.lower().split()[:3] == before.lower().split()[:3] and len(text.split()) > 2:
            raise Unsayable(text)
        laugh = number == last or (line.laugh and number < last - 1)
        spoken.append(WordedLine(tongue.people[line.role], text, laugh, line.parenthetical, line.beat))
        before = text
    return tuple(spoken)


def scene_key(lines: Sequence[str], names: Sequence[str]) -> str:
    """What two scenes that are the same share."""
    return " / ".join(skeleton(line, names) for line in lines)


def word_exchange_anew(
    step: str, exchange: Exchange, tongue: Phrasing, previous: str
) -> tuple[WordedLine, ...]:
    """The exchange in words that the show has not had; nothing if there are none."""
    saved = set(tongue.spent), set(tongue.said), set(tongue.openers)
    greeted = step in STORY_STEPS and tongue.rng.random() < GREETED
    for attempt in range(REWORDINGS):
        tongue.tries += 1
        lines: tuple[WordedLine, ...] = ()
        try:
            lines = word_exchange(exchange, tongue, previous)
            if greeted or attempt >= 2:
                lines = _with_greeting(step, lines, exchange, tongue, previous)
        except Unsayable:
            if attempt == 0 and not greeted:
                return ()
        if lines and scene_key([line.text for line in lines], tongue.names) not in tongue.seen:
            return lines
        tongue.spent, tongue.said, tongue.openers = set(saved[0]), set(saved[1]), set(saved[2])
    return ()


def _with_greeting(
    step: str, lines: tuple[WordedLine, ...], exchange: Exchange, tongue: Phrasing, previous: str
) -> tuple[WordedLine, ...]:
    """The scene with a word from the other one first, in that one's own manner. Raises Unsayable."""
    first, other = lines[0], next(line.who for line in lines if line.who != lines[0].who)
    role = next(r for r, person in tongue.people.items() if person == other)
    table = bank.table("hello", other.language)
    key = "asked" if first.text.endswith("?") else "news"
    options = [(0.0, text) for text in table["any"].fact(key)]
    if step == "trouble" and key == "news" and "past" in tongue.facts:
        options += [(0.4, text) for text in table["any"].fact("past")]
    if step in STORY_STEPS - {"trouble"} and key == "news":
        options += [(0.4, text) for text in table["any"].fact("more")]
    for name in (other.register, other.flaw):
        options += [(0.6, text) for text in (table[name].fact(key) if name in table else ())]
    if (
        first.beat
        or first.parenthetical
        or (step == "open" and sum(len(line.text.split()) for line in lines) > 16)
    ):
        raise Unsayable("a greeting")
    texts = [text for _, text in sorted(((w + tongue.rng.random(), t) for w, t in options), reverse=True)]
    for text in texts[:12]:
        limit = OPENING_WORDS if step == "open" else 99
        said = LineTemplate(role, (Wording((), text.replace("{S|", f"{{{role}|")),))
        try:
            words = _word_line(said, tongue, first.who, bare=True, limit=limit)
        except Unsayable:
            continue
        if words.lower().split()[:3] in (previous.lower().split()[:3], first.text.lower().split()[:3]):
            continue
        return (WordedLine(other, words, False, None, 0.0), *lines)
    raise Unsayable("a greeting")
