"""Staging: who the figures of a shot are and what each does, and the direction of every frame.

Only for a film model that can act. The prompt names figures; their looks say which of the cast they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.studio.acting.cues import Cue, Part, lay_cues
from flows.studio.acting.directing import ByHand, Directions, Role, direct
from flows.studio.acting.stage_directions import EVERYBODY, StageDirection, find_action, read_stage_direction
from flows.studio.errors import StudioError
from flows.studio.filming import prompt as prompts
from flows.studio.filming import vocabulary
from scripts_llm.errors import suggest
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Shot

if TYPE_CHECKING:
    from t2v.toon.prompts.understand import Understood
    from t2v.toon.world import Described

IDLE = ("standing", "talking")
LISTENING = "0000"  # to somebody who is not seen
USUAL_MOUTHS = "3311220033311220"  # of a speaker whose voice does not move them


@dataclass(frozen=True)
class Staging:
    """A shot as it is acted: its prompt with everybody's action, its cues, the words of its directions.

    `waits` where some of its lines are not spoken yet: then nothing of it is known but its parts.
    """

    prompt: str
    cues: tuple[Cue, ...]
    directions: Directions
    waits: bool = False


def stage(
    words: str,
    shot: Shot,
    scene: Scene,
    premise: Premise,
    *,
    num_frames: int,
    parts: Sequence[Part] | None,
    where: str,
) -> Staging | None:
    """How a shot is acted; None where nobody is seen in it. `words` is its prompt in full.

    `parts` are what it is cut to; None: whoever it is for talks as usual. Raises StudioError, with `where` in
    front, for a `direct:` that is wrong.
    """
    understood = vocabulary.read_prompt(words, "toon", directed=True)
    by_hand = read_by_hand(shot, num_frames=num_frames, where=where)
    if understood is None or not understood.figures:
        if by_hand:
            raise StudioError(f"{where} direct: nobody is seen in this shot; leave direct out", code=2)
        return None
    roles = cast_roles(understood, shot, scene, premise)
    _check_people(by_hand, roles, premise, where=where)
    roles = tuple(_in_time(role, shot, scene, premise, parts or ()) for role in roles)
    seen = _usual_parts(shot, scene, roles) if parts is None else _as_seen(parts, roles)
    cues = lay_cues(seen, num_frames)
    exact = shot.prompt_exact is not None or vocabulary.is_weighted(words)
    text = words if exact else vocabulary.acted_prompt(understood, [role.action for role in roles])
    waits = any(not part.mouths for part in seen if part.on == "line")
    return Staging(text, cues, direct(roles, cues, by_hand=by_hand), waits)


def cast_roles(understood: Understood, shot: Shot, scene: Scene, premise: Premise) -> tuple[Role, ...]:
    """The figures of a prompt in order, each with who it is and what it does."""
    figures = understood.figures
    present = tuple(dict.fromkeys((*_named(scene.action, premise), *_speakers(scene))))
    named = _named(shot.prompt or scene.action, premise) if shot.prompt_exact is None else present
    people = _match(figures, named or present, premise)
    words = shot.prompt_exact or shot.prompt or scene.action
    roles = []
    for figure, who in zip(figures, people, strict=True):
        faces = {"left": 1, "right": -1}.get(figure.place, -1 if who in present[1:] else 1)
        action = _action(figure, who, words, scene, premise, alone=len(figures) == 1)
        roles.append(Role(who or figure.kind, figure.place, action, faces))
    return tuple(roles)


def _named(words: str, premise: Premise) -> tuple[str, ...]:
    return prompts.characters_named(words, premise.characters)


def _speakers(scene: Scene) -> tuple[str, ...]:
    lines = (line for line in scene.dialogue if isinstance(line, Line) and not line.off_screen)
    return tuple(dict.fromkeys(line.who for line in lines))


def _match(figures: Sequence[Described], keys: Sequence[str], premise: Premise) -> list[str]:
    """The character that each figure is, by its look, else in order; "" for somebody else."""
    found = [""] * len(figures)
    left = list(keys)
    for key in keys:
        look = premise.characters[key].look if key in premise.characters else None
        seen = vocabulary.read_prompt(look or "", "toon", directed=True)
        if seen is None or not seen.figures:
            continue
        kind, colour = seen.figures[0].kind, seen.figures[0].colour
        for index, figure in enumerate(figures):
            if not found[index] and figure.kind == kind and figure.colour in (None, colour):
                found[index] = key
                left.remove(key)
                break
    for index in range(len(figures)):
        if not found[index] and left and len(figures) <= len(keys):
            found[index] = left.pop(0)
    return found


def _action(figure: Described, who: str, words: str, scene: Scene, premise: Premise, *, alone: bool) -> str:
    """What a figure does: by the shot's own words, else by the scene's action, else by the prompt."""
    own = words if alone else prompts.clause_of(words, premise.characters, who)
    of_scene = prompts.clause_of(scene.action, premise.characters, who) if who else ""
    for text in (own, of_scene):
        action = find_action(text)
        if action is not None and action not in IDLE:
            return action
    return figure.action


def _as_seen(parts: Sequence[Part], roles: Sequence[Role]) -> list[Part]:
    """The parts; of somebody who speaks and is not seen no mouths count."""
    seen = [role.who for role in roles]
    return [
        replace(part, mouths=LISTENING) if part.on == "line" and part.who not in seen else part
        for part in parts
    ]


def _in_time(role: Role, shot: Shot, scene: Scene, premise: Premise, parts: Sequence[Part]) -> Role:
    """Who enters does so in the first shot that shows them, and who leaves after their last line."""
    if role.action == "entering":
        first = next(
            (one for one in scene.shots or () if role.who in _named(one.prompt or "", premise)), shot
        )
        return role if first is shot else replace(role, action="standing")
    if role.action == "leaving" and role.who in _speakers(scene):
        speaks_last = [part.who for part in parts if part.on == "line" and part.is_last]
        return role if role.who in speaks_last else replace(role, action="standing")
    return role


def _usual_parts(shot: Shot, scene: Scene, roles: Sequence[Role]) -> list[Part]:
    """Whom the shot is for, else the first who speaks in the scene and is seen, talks all the time."""
    seen = [role.who for role in roles]
    speaker = next((who for who in (shot.who, *_speakers(scene)) if who in seen), None)
    if speaker is None or (shot.who is None and shot.size == "establishing"):
        return []
    return [Part("line", speaker, USUAL_MOUTHS)]


# ---------------------------------------------------------------------------------------------- by hand


def read_by_hand(shot: Shot, *, num_frames: int, where: str) -> ByHand:
    """A shot's `direct:` by frame and person. Raises StudioError for words or frames that mean nothing."""
    said: dict[int, Mapping[str, StageDirection]] = {}
    for frame, text in (shot.direct or {}).items():
        if frame >= num_frames:
            told = f"{where} direct: wanted a frame from 0 to {num_frames - 1}, got {frame}"
            raise StudioError(f"{told}; a clip has {num_frames}, eight a second", code=2)
        said[frame] = read_stage_direction(text, where=f"{where} direct {frame}")
    return said


def _check_people(by_hand: ByHand, roles: Sequence[Role], premise: Premise, *, where: str) -> None:
    """Raises StudioError for somebody who is not in the shot."""
    seen = [role.who for role in roles]
    for frame, said in by_hand.items():
        looked_at = [each.looks_at for each in said.values() if each.looks_at]
        wrong = [who for who in said if who not in (EVERYBODY, *seen)]
        wrong += [who for who in looked_at if who not in seen and who not in premise.characters]
        if wrong:
            near = suggest(wrong[0], [*seen, *premise.characters])
            hint = f"did you mean {near!r}?" if near else f"try one of: {', '.join(seen)}"
            raise StudioError(
                f"{where} direct {frame}: wanted somebody of this shot, got {wrong[0]!r}, {hint}", code=2
            )
