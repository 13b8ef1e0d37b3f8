"""Breakdown: shots for scenes whose script lists none, and ids for scenes without one.

A new place gets an establishing shot, the first speaker a medium shot among the others, every other speaker a
close-up, and a thing that is talked about one, too, as far as the camera shows it; no size comes more than
twice in a row, and nobody is framed alike in one place more than twice. The prompts name characters, what
they do and hold; `prompt` fills in their looks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from flows.studio.filming import prompt
from flows.studio.filming.vocabulary import film_words
from scripts_llm.plain_text import split_text
from scripts_llm.screenplay import props
from scripts_llm.screenplay.fields import MAX_PROMPT
from scripts_llm.screenplay.premise import Premise, display_name
from scripts_llm.screenplay.script import Line, Scene, Script, Shot, Size

SHOTS_A_SCENE = 3
SHOTS_AN_EPISODE = 30
MOST_FIGURES = 3
MOST_IN_A_ROW = 2
MOST_ALIKE = 2  # shots of a person in one place with the same size
SIZES: tuple[Size, ...] = ("medium", "close-up", "establishing")
_SIZES_OF_TWO: tuple[Size, ...] = ("medium", "establishing")
_SHOWN_WHILE_TALKING = ("arguing", "dancing", "laughing", "jumping", "waving", "flying")
_ANGRY = re.compile(r"shout|yell|angr|scream|furious", re.IGNORECASE)
_QUARREL = re.compile(r"\b(?:argu|quarrel|bicker|fight|fought)", re.IGNORECASE)
_CLOSE_ON = re.compile(r"\bClose on ((?:a |an |the )?[\w' -]+)")
_HELD_BEHIND = re.compile(r",? ?holding ((?:a|an|the) [\w-]+)", re.IGNORECASE)
_HOLDING = re.compile(r"\b(?:holding|holds) ((?:a|an|the) [\w-]+)", re.IGNORECASE)


def assign_scene_ids(script: Script) -> dict[int, str]:
    """Ids, by index, for the scenes that have none. No id goes to two scenes."""
    taken = {scene.id for scene in script.scenes if scene.id}
    counted = [int(match[1]) for name in taken if (match := re.fullmatch(r"s(\d+)", name))]
    following = max(counted, default=0) + 1
    given: dict[int, str] = {}
    for index, scene in enumerate(script.scenes):
        if scene.id is None:
            given[index] = f"s{following:02d}"
            following += 1
    return given


def break_down(script: Script, premise: Premise, *, is_closed: bool = True) -> dict[int, tuple[Shot, ...]]:
    """Shots, by scene index, for the scenes that list none. `premise` has the whole cast.

    A camera that `is_closed` to all but its own words shows things in somebody's hand, others by themselves.
    """
    written: dict[int, tuple[Shot, ...]] = {}
    places: set[str] = set()
    sizes: list[Size] = []
    framed: Counter[tuple[str, Size, str | None]] = Counter()  # place, size and person of the shots so far
    for index, scene in enumerate(script.scenes):
        where = prompt.place_name(scene, premise)
        shots = scene.shots
        if shots is None:
            limit = _limit(index, len(script.scenes), premise.format.shots)
            shots = break_down_scene(
                scene, premise, limit=limit, is_new_place=where not in places, before=sizes, framed=framed
            )
            shots = _with_insert(shots, scene, premise, is_closed=is_closed)
            written[index] = shots
        places.add(where)
        sizes += [shot.size or "medium" for shot in shots]
        framed.update((where, shot.size or "medium", shot.who) for shot in shots)
    return written


def _limit(index: int, num_scenes: int, asked: int | None) -> int:
    """The most shots of a scene: as the premise asks, else three, fewer in a script of many scenes."""
    if asked is not None:
        return asked
    fair = round((index + 1) * SHOTS_AN_EPISODE / num_scenes) - round(index * SHOTS_AN_EPISODE / num_scenes)
    return max(1, min(SHOTS_A_SCENE, fair))


def break_down_scene(
    scene: Scene,
    premise: Premise,
    *,
    limit: int,
    is_new_place: bool,
    before: Sequence[Size] = (),
    framed: Mapping[tuple[str, Size, str | None], int] = {},
) -> tuple[Shot, ...]:
    """A scene's shots, at most `limit`.

    `before` are the sizes of the shots ahead of it; `framed` counts (place, size, person) of all so far.
    """
    lines = (line for line in scene.dialogue if isinstance(line, Line) and not line.off_screen)
    speakers = tuple(dict.fromkeys(line.who for line in lines))
    named = prompt.characters_named(scene.action, premise.characters)
    present = tuple(dict.fromkeys((*named, *speakers)))
    framings = _framings(speakers, present, limit=limit, is_new_place=is_new_place)
    where = prompt.place_name(scene, premise)
    sizes = list(before)
    seen = Counter(framed)
    two_shot = len(present) > 1 and _is_heated(scene, premise)
    shots: list[Shot] = []
    for size, who in framings:
        size = _vary_size(size, sizes, alone=len(present) < 2 or limit == 1)
        if seen[where, size, who] >= MOST_ALIKE:
            choice = SIZES if not two_shot or shots else _SIZES_OF_TWO
            size = _least_used(size, sizes, {each: seen[where, each, who] for each in choice})
        if seen[where, size, who] >= MOST_ALIKE and len(shots) > 1:
            continue  # a third view alike shows nothing
        sizes.append(size)
        seen[where, size, who] += 1
        shots.append(Shot(size=size, prompt=_words(scene, premise, size, who, present), who=who))
    return tuple(shots)


def _is_heated(scene: Scene, premise: Premise) -> bool:
    """Whether somebody argues, by the action's words or an angry parenthetical: a quarrel is seen whole."""
    named = prompt.characters_named(scene.action, premise.characters)
    argues = any(_QUARREL.search(prompt.clause_of(scene.action, premise.characters, key)) for key in named)
    return argues or any(_is_angry(scene, line.who) for line in scene.dialogue if isinstance(line, Line))


def _with_insert(
    shots: tuple[Shot, ...], scene: Scene, premise: Premise, *, is_closed: bool
) -> tuple[Shot, ...]:
    """The shots with the thing that the scene talks about in place of a second view of its first speaker."""
    if len(shots) < SHOTS_A_SCENE or shots[-1].who is None or shots[-1].who != shots[0].who:
        return shots
    insert = _insert(scene, premise, is_closed=is_closed)
    return (*shots[:-1], insert) if insert else shots


def _insert(scene: Scene, premise: Premise, *, is_closed: bool) -> Shot | None:
    """A close shot of what the action is close on, or of a held thing that a line names; None without one."""
    told = " ".join(line.line for line in scene.dialogue if isinstance(line, Line))
    where = f"{prompt.place_name(scene, premise)}, {prompt.time_of_day(scene)}"
    close = _CLOSE_ON.search(scene.action)
    if close and not is_closed and props.names(told, close[1].split()[-1]):
        thing = close[1]
        return Shot(size="close-up", prompt=f"{thing[:1].upper()}{thing[1:]}, {where}", of=thing.split()[-1])
    for key in prompt.characters_named(scene.action, premise.characters):
        figure = _figure(scene, premise, key, is_speaker=False)
        _, held, thing = figure.partition(", holding ")
        word = props.word_for(thing.split()[-1], told) if held else ""
        if word:
            return Shot(size="close-up", prompt=f"{figure[:1].upper()}{figure[1:]}, {where}", of=word)
    return None


def _least_used(size: Size, before: Sequence[Size], counts: Mapping[Size, int]) -> Size:
    """The size in which a person was framed least in this place; not one that comes a third time in a row."""
    in_a_row = before[-1] if len(before) >= MOST_IN_A_ROW and len({*before[-MOST_IN_A_ROW:]}) == 1 else None
    ranked = sorted(counts, key=lambda each: (each == in_a_row, counts[each]))
    return ranked[0] if ranked[0] != in_a_row else size


def _framings(
    speakers: Sequence[str], present: Sequence[str], *, limit: int, is_new_place: bool
) -> list[tuple[Size, str | None]]:
    """(size, character) of each shot: the place, the first speaker among all, then faces."""
    first = speakers[0] if speakers else None
    if limit == 1:
        return [("establishing" if is_new_place and not speakers else "medium", first)]
    shots: list[tuple[Size, str | None]] = []
    turns = list(speakers)
    if is_new_place:
        crowded = len(speakers) > limit - 1
        shots.append(("establishing", turns.pop(0) if crowded else None))
    shots.append(("medium", turns.pop(0) if turns else first))
    faces = [*turns, *(who for who in speakers if who not in turns)] or list(present)
    shots += [("close-up", who) for who in faces]
    return _spread(shots)[:limit]


def _spread(shots: list[tuple[Size, str | None]]) -> list[tuple[Size, str | None]]:
    """A third close-up in a row becomes a medium shot of the same person."""
    spread: list[tuple[Size, str | None]] = []
    for size, who in shots:
        in_a_row = all(earlier == size for earlier, _ in spread[-MOST_IN_A_ROW:])
        spread.append(("medium" if in_a_row and len(spread) >= MOST_IN_A_ROW else size, who))
    return spread


def _vary_size(size: Size, before: Sequence[Size], *, alone: bool) -> Size:
    if len(before) < MOST_IN_A_ROW or any(earlier != size for earlier in before[-MOST_IN_A_ROW:]):
        return size
    if size == "medium":
        return "close-up" if alone else "establishing"
    return "medium"


# ---------------------------------------------------------------------------------------------- words


def _words(scene: Scene, premise: Premise, size: Size, who: str | None, present: Sequence[str]) -> str:
    """A shot's prompt: the people in it and what they do, the place, the time."""
    where = f"{prompt.place_name(scene, premise)}, {prompt.time_of_day(scene)}"
    setting = premise.settings.get(scene.setting or "")
    if size == "establishing" and who is None and setting and setting.establishing:
        return setting.establishing
    seen = _people_in_shot(who, present, most=1 if size == "close-up" else MOST_FIGURES)
    if not seen:
        seen_first = split_text(scene.action, MAX_PROMPT - len(where) - 2)[0]
        return f"{seen_first.rstrip(' .')}, {where}" if seen_first else where
    figures = ", ".join(_figure(scene, premise, key, is_speaker=key == who) for key in seen)
    return f"{figures[:1].upper()}{figures[1:]}, {where}"


def _people_in_shot(who: str | None, present: Sequence[str], *, most: int) -> tuple[str, ...]:
    """At most `most` people, always in the scene's order, so that nobody changes sides between two shots."""
    chosen = [*([who] if who else []), *(key for key in present if key != who)][:most]
    return tuple(key for key in present if key in chosen)


def _figure(scene: Scene, premise: Premise, key: str, *, is_speaker: bool) -> str:
    character = premise.characters.get(key)
    name = display_name(key, character) if character else prompt.words_of_key(key)
    clause = prompt.clause_of(scene.action, premise.characters, key)
    argues = key in _quarrellers(scene, premise)
    if is_speaker:
        done = _action_in(clause)
        busy = done if done in _SHOWN_WHILE_TALKING else "talking"
        doing = "arguing" if argues or _is_angry(scene, key) else busy
    else:
        doing = _action_in(clause) or ("arguing" if argues else "listening")
    held = _HOLDING.search(clause) or _HELD_BEHIND.match(scene.action.partition(clause)[2] if clause else "")
    name = re.sub(r"^The\b", "the", name)
    return f"{name} {doing}" + (f", holding {held[1]}" if held else "")


def _action_in(clause: str) -> str | None:
    for action in film_words().actions:
        stem = action.removesuffix("ing")
        if re.search(rf"\b{stem}(?:s|es|e|ing|ning)?\b", clause, re.IGNORECASE):
            return action
    return None


def _quarrellers(scene: Scene, premise: Premise) -> set[str]:
    """Two or more characters who argue, by the action's words or by angry parentheticals."""
    arguing = {line.who for line in scene.dialogue if isinstance(line, Line) and _is_angry(scene, line.who)}
    for sentence in re.split(r"[.;!?]", scene.action):
        if _QUARREL.search(sentence):
            arguing |= set(prompt.characters_named(sentence, premise.characters))
    return arguing if len(arguing) > 1 else set()


def _is_angry(scene: Scene, key: str) -> bool:
    lines = (line for line in scene.dialogue if isinstance(line, Line) and line.who == key)
    return any(_ANGRY.search(line.parenthetical or "") for line in lines)
