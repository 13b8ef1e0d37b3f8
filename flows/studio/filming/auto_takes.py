"""`takes: auto`: a take that shows somebody else than it should, or who acts otherwise, is filmed again.

Beside `vocabulary` the only module that knows TOON: its films alone can be judged, by `t2v.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.studio.acting.directing import Directions
from flows.studio.cameras.facts import DEFAULT_MODEL, ModelFacts
from flows.studio.cameras.film_model import Video
from flows.studio.errors import StudioError
from flows.studio.filming.models import describe_model
from flows.studio.workspace import artifacts
from t2v.configs import TOON_PRESETS

if TYPE_CHECKING:
    from t2v.judge import SeenFigure, Verdict
    from t2v.toon.direction import Direction
    from t2v.toon.world import Described

MOST_TAKES = 3
SURE = 0.5  # below this confidence what the judge sees counts for nothing
ACTED = 0.5  # share of the frames that are looked at in which both arms have to be as directed


def check_can_judge(facts: ModelFacts, size: tuple[int, int]) -> None:
    """Raises StudioError unless films of this model at this (height, width) can be judged."""
    judged = [size for preset in TOON_PRESETS for size in preset.sizes.values()]
    if facts.dialect == "toon" and size in judged:
        return
    toon = describe_model(DEFAULT_MODEL)
    sizes = ", ".join(f"{width}x{height}" for height, width in judged)
    raise StudioError(
        f"video: takes: auto judges films of {toon.title} ({sizes}), got {facts.title} at "
        f"{size[1]}x{size[0]}; leave takes out",
        code=2,
    )


def best_take(
    prompt: str, seed: int, film: Callable[[int], Video], directions: Directions = ()
) -> tuple[Video, dict[str, Any]]:
    """The first take without a fault, else the one with the fewest; and the notes for its clip.

    Who is seen counts before what they do. `film(seed)` films a take, at most three times; `directions` are
    what each frame is told. The seeds of the second and third follow from `seed`, so that no two takes of a
    shot are the same film. The notes have the `seed` of the take that is kept, and under `judged` its number
    from 1 and every take's seed and faults.
    """
    from t2v.judge import judge, sampled_frames  # needs torch
    from t2v.toon.direction import parse_direction
    from t2v.toon.prompts.understand import understand

    figures = understand(prompt, directed=bool(directions)).figures
    looked_at = [directions[i] for i in sampled_frames(len(directions))] if directions else []
    told = [[parse_direction(words.split()) for words in frame] for frame in looked_at]
    films: list[Video] = []
    judged: list[dict[str, Any]] = []
    wrong: list[tuple[int, int]] = []
    for number in range(MOST_TAKES):
        take_seed = artifacts.seed_from(seed, "again", number) if number else seed
        films.append(film(take_seed))
        verdict = judge(films[-1].frames)
        who, acting = faults(figures, verdict), acting_faults(figures, verdict, told)
        judged.append({"seed": take_seed, "faults": [*who, *acting]})
        wrong.append((len(who), len(acting)))
        if not judged[-1]["faults"]:
            break
    best = min(range(len(films)), key=lambda i: wrong[i])
    return films[best], {"seed": judged[best]["seed"], "judged": {"kept": best + 1, "takes": judged}}


def faults(figures: tuple[Described, ...], verdict: Verdict) -> tuple[str, ...]:
    """Figures of another kind or colour than the prompt's, in words; any colour fits where it names none."""
    lines = []
    for figure, seen in _seen(figures, verdict):
        if seen is None:
            lines.append(f"wanted {_name(figure)}, nobody is there")
        elif seen.sure >= SURE and _is_another(figure, seen):
            lines.append(f"wanted {_name(figure)}, it is {seen.colour} {seen.kind}")
    return tuple(lines)


def acting_faults(
    figures: tuple[Described, ...], verdict: Verdict, told: Sequence[Sequence[Direction]]
) -> tuple[str, ...]:
    """Figures whose arms are not as they are told, in words; of those alone who are who they should be.

    `told`: of every frame that the judge looks at, of every figure.
    """
    lines = []
    for number, (figure, seen) in enumerate(_seen(figures, verdict)):
        if told and seen is not None and seen.sure >= SURE and not _is_another(figure, seen):
            right, asked = arms_as_told(seen, [frame[number] for frame in told])
            if right < ACTED * asked:
                lines.append(f"{_name(figure)}: arms are as directed in {right} of {asked} frames")
    return tuple(lines)


def _seen(figures: tuple[Described, ...], verdict: Verdict) -> Iterator[tuple[Described, SeenFigure | None]]:
    from t2v.judge import figure_at  # needs torch

    for figure in figures:
        yield figure, figure_at(figure.place, verdict, alone=len(figures) == 1)


def _is_another(figure: Described, seen: SeenFigure) -> bool:
    return seen.kind != figure.kind or figure.colour not in (None, seen.colour)


def _name(figure: Described) -> str:
    return f"{figure.colour or ''} {figure.kind}".strip()


def arms_as_told(seen: SeenFigure, told: Sequence[Direction]) -> tuple[int, int]:
    """In how many frames both arms of a figure are as it is told, and of how many in which it is seen."""
    pairs = [pair for pair in zip(seen.directions, told, strict=True) if pair[1].step != "gone"]
    right = [(a.left_arm, a.right_arm) == (b.left_arm, b.right_arm) for a, b in pairs]
    return sum(right), len(right)


def filmed_seed(seed: int, notes: Mapping[str, Any]) -> int:
    """The seed that a clip was filmed with: that of the take that was kept, else the shot's own `seed`."""
    own: int = notes.get("seed", seed)
    return own


def describe_takes(notes: Mapping[str, Any]) -> str:
    """The judging of a shot in a line, from its clip's notes; empty if the first take was right."""
    judged = notes.get("judged")
    if not judged or not judged["takes"][0]["faults"]:
        return ""
    takes, kept = judged["takes"], judged["kept"]
    why = "; ".join(takes[0]["faults"])
    left = takes[kept - 1]["faults"]
    end = f"and still: {'; '.join(left)}" if left else "and is right"
    return f"filmed {len(takes)} times ({why}), take {kept} is kept {end}"
