"""`takes: auto`: a take that shows another kind or colour than it should is filmed again with another seed.

Beside `vocabulary` the only module that knows TOON: its films alone can be judged, by `t2v.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flows.studio.cameras.facts import DEFAULT_MODEL, ModelFacts
from flows.studio.cameras.film_model import Video
from flows.studio.errors import StudioError
from flows.studio.filming.models import describe_model
from flows.studio.workspace import artifacts
from t2v.configs import TOON_PRESETS

if TYPE_CHECKING:
    from t2v.judge import Verdict
    from t2v.toon.world import Described

MOST_TAKES = 3
SURE = 0.5  # below this confidence the judge's kind and colour count for nothing


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


def best_take(prompt: str, seed: int, film: Callable[[int], Video]) -> tuple[Video, dict[str, Any]]:
    """The first take without a fault, else the one with the fewest; and the notes for its clip.

    `film(seed)` films a take, at most three times. The seeds of the second and third follow from `seed`, so
    that no two takes of a shot are the same film. The notes have the `seed` of the take that is kept, and
    under `judged` its number from 1 and every take's seed and faults.
    """
    from t2v.judge import judge  # needs torch
    from t2v.toon.prompts.understand import understand

    figures = understand(prompt).figures
    films: list[Video] = []
    judged: list[dict[str, Any]] = []
    for number in range(MOST_TAKES):
        take_seed = artifacts.seed_from(seed, "again", number) if number else seed
        films.append(film(take_seed))
        judged.append({"seed": take_seed, "faults": list(faults(figures, judge(films[-1].frames)))})
        if not judged[-1]["faults"]:
            break
    best = min(range(len(films)), key=lambda i: len(judged[i]["faults"]))
    return films[best], {"seed": judged[best]["seed"], "judged": {"kept": best + 1, "takes": judged}}


def faults(figures: tuple[Described, ...], verdict: Verdict) -> tuple[str, ...]:
    """Figures of another kind or colour than the prompt's, in words; any colour fits where it names none."""
    from t2v.judge import figure_at  # needs torch

    lines = []
    for figure in figures:
        seen = figure_at(figure.place, verdict, alone=len(figures) == 1)
        name = f"{figure.colour or ''} {figure.kind}".strip()
        if seen is None:
            lines.append(f"wanted {name}, nobody is there")
        elif seen.sure >= SURE and (seen.kind != figure.kind or figure.colour not in (None, seen.colour)):
            lines.append(f"wanted {name}, it is {seen.colour} {seen.kind}")
    return tuple(lines)


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
