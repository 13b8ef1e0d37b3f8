"""Turns exchanges of the bank into lines of these people, without repeating what the show has said lately."""

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

REWORDINGS = 6  # of an exchange that the show has had just so
OPENING_WORDS = 5  # the film's first line is said within two seconds
STORY_STEPS = frozenset({"trouble", "scheme", "first", "backfire", "worse", "reversal"})


@dataclass(frozen=True)
class WordedLine:
    """A finished line."""

    who: Person
    text: str
    laugh: bool
    parenthetical: str | None
    beat: float


def _candidate_texts(
    line: LineTemplate, speaker: Person, addressee: Person | None, phrasing: Phrasing
) -> Iterator[str]:
    """The texts that fit speaker and addressee, those made for them first."""
    rng = phrasing.rng
    keyed: list[tuple[float, str]] = []
    others = [w for w in line.wordings if bank.ALTERNATIVE in w.tags]
    if phrasing.alternative and others:
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
    phrasing: Phrasing,
    addressee: Person | None,
    *,
    bare: bool,
    limit: int,
    first: bool = False,
) -> str:
    """The first candidate that passes all checks. Raises Unsayable if none does."""
    speaker = phrasing.people[line.role]
    for text in _candidate_texts(line, speaker, addressee, phrasing):
        spent = set(phrasing.spent)
        try:
            said = tidy_line(
                apply_voice(speaker, tidy_line(phrasing.fill(text)), bare=bare, phrasing=phrasing)
            )
            if addressee is not None and limit > OPENING_WORDS:
                said = add_address(said, addressee, phrasing, first=first)
        except Unsayable:
            phrasing.spent = spent
            continue
        key = skeleton(said, phrasing.names)
        catch = said == speaker.catchphrase or any(
            p.catchphrase and p.catchphrase in said for p in phrasing.people.values()
        )
        stale = (key in phrasing.said or key in phrasing.stale) and not catch
        quoted = not catch and phrasing.quotes_premise(said)
        if not (
            stale or quoted or (find_fault(said) and said != speaker.catchphrase) or len(said.split()) > limit
        ):
            phrasing.said.add(key)
            return said
        phrasing.spent = spent
    raise Unsayable(line.wordings[0].text)


def word_exchange(exchange: Exchange, phrasing: Phrasing, previous: str) -> tuple[WordedLine, ...]:
    """The exchange as finished lines. `previous` is the line before it. Raises Unsayable."""
    spoken: list[WordedLine] = []
    before = previous
    last = len(exchange.lines) - 1
    phrasing.here.clear()
    phrasing.alternative = exchange.has_alternative and phrasing.rng.random() < 0.5
    for number, line in enumerate(exchange.lines):
        other = exchange.lines[number - 1 if number else min(1, last)].role
        limit = OPENING_WORDS if exchange.step == "open" and number == 0 else 99
        bare = number == last or limit < 99 or line.parenthetical is not None
        text = _word_line(
            line, phrasing, phrasing.people.get(other), bare=bare, limit=limit, first=number == 0
        )
        if text.lower().split()[:3] == before.lower().split()[:3] and len(text.split()) > 2:
            raise Unsayable(text)
        laugh = number == last or (line.laugh and number < last - 1)
        spoken.append(WordedLine(phrasing.people[line.role], text, laugh, line.parenthetical, line.beat))
        before = text
    return tuple(spoken)


def scene_key(lines: Sequence[str], names: Sequence[str]) -> str:
    """A key that is equal for scenes that say the same."""
    return " / ".join(skeleton(line, names) for line in lines)


def word_exchange_anew(
    step: str, exchange: Exchange, phrasing: Phrasing, previous: str
) -> tuple[WordedLine, ...]:
    """The exchange as lines that the show has not had as a scene; empty if that is impossible."""
    saved = set(phrasing.spent), set(phrasing.said), set(phrasing.openers)
    greeted = step in STORY_STEPS and phrasing.rng.random() < phrasing.greeted
    for attempt in range(REWORDINGS):
        phrasing.tries += 1
        lines: tuple[WordedLine, ...] = ()
        try:
            lines = word_exchange(exchange, phrasing, previous)
            if greeted or attempt >= 2:
                lines = _with_greeting(step, lines, exchange, phrasing, previous)
        except Unsayable:
            if attempt == 0 and not greeted:
                return ()
        if lines and scene_key([line.text for line in lines], phrasing.names) not in phrasing.seen:
            return lines
        phrasing.spent, phrasing.said, phrasing.openers = set(saved[0]), set(saved[1]), set(saved[2])
    return ()


def _with_greeting(
    step: str, lines: tuple[WordedLine, ...], exchange: Exchange, phrasing: Phrasing, previous: str
) -> tuple[WordedLine, ...]:
    """The lines with a remark of the other person in front. Raises Unsayable."""
    first, other = lines[0], next(line.who for line in lines if line.who != lines[0].who)
    role = next(r for r, person in phrasing.people.items() if person == other)
    table = bank.table("hello", other.language)
    key = "asked" if first.text.endswith("?") else "news"
    options = [(0.0, text) for text in table["any"].fact(key)]
    if step == "trouble" and key == "news" and "past" in phrasing.facts:
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
    texts = [text for _, text in sorted(((w + phrasing.rng.random(), t) for w, t in options), reverse=True)]
    for text in texts[:12]:
        limit = OPENING_WORDS if step == "open" else 99
        said = LineTemplate(role, (Wording((), text.replace("{S|", f"{{{role}|")),))
        try:
            words = _word_line(said, phrasing, first.who, bare=True, limit=limit)
        except Unsayable:
            continue
        if words.lower().split()[:3] in (previous.lower().split()[:3], first.text.lower().split()[:3]):
            continue
        return (WordedLine(other, words, False, None, 0.0), *lines)
    raise Unsayable("a greeting")
