"""`takes: auto`: a take of another kind or colour than it should show is filmed again with another seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flows.studio.filming.shots import WantedShot
from flows.studio.workspace import artifacts

if TYPE_CHECKING:
    from t2v import Video
    from t2v.judge import Verdict
    from t2v.toon.world import Described

MOST_TAKES = 3
SURE = 0.5  # a judge that is less sure of what it sees is not listened to


def best_take(shot: WantedShot, take: Callable[[int], Video]) -> tuple[Video, dict[str, Any]]:
    """The first attempt with no fault, else the one with the fewest; and what was seen in each, to be noted.

    The seeds of the attempts follow from the take's own, so that no two takes of a shot are the same film.
    """
    from t2v.judge import judge
    from t2v.toon.prompts.understand import understand

    asked = understand(shot.prompt).figures
    films: list[Video] = []
    judged: list[dict[str, Any]] = []
    for number in range(MOST_TAKES):
        seed = artifacts.seed_from(shot.seed, "again", number) if number else shot.seed
        films.append(take(seed))
        judged.append({"seed": seed, "faults": list(faults(asked, judge(films[-1].frames)))})
        if not judged[-1]["faults"]:
            break
    kept = min(range(len(films)), key=lambda i: len(judged[i]["faults"]))
    return films[kept], {"seed": judged[kept]["seed"], "judged": {"kept": kept + 1, "takes": judged}}


def faults(asked: tuple[Described, ...], verdict: Verdict) -> tuple[str, ...]:
    """What is wrong with kinds and colours, in words; a colour that was not asked for is never wrong."""
    from t2v.judge import standing_at

    found = []
    for figure in asked:
        seen = standing_at(figure.place, verdict, alone=len(asked) == 1)
        want = f"{figure.colour or ''} {figure.kind}".strip()
        if seen is None:
            found.append(f"wanted {want}, nobody is there")
        elif seen.sure >= SURE and (seen.kind != figure.kind or figure.colour not in (None, seen.colour)):
            found.append(f"wanted {want}, it is {seen.colour} {seen.kind}")
    return tuple(found)


def seed_of(shot: WantedShot, noted: Mapping[str, Any]) -> int:
    """The seed of the attempt that was kept, else the shot's own; `noted` is its clip's note."""
    return noted.get("seed", shot.seed)


def told(noted: Mapping[str, Any]) -> str:
    """What the judging of a shot came to, in a line; nothing where the first take was right."""
    judged = noted.get("judged")
    if not judged or not judged["takes"][0]["faults"]:
        return ""
    takes, kept = judged["takes"], judged["kept"]
    why = "; ".join(takes[0]["faults"])
    left = takes[kept - 1]["faults"]
    end = f"and still: {'; '.join(left)}" if left else "and is right"
    return f"filmed {len(takes)} times ({why}), take {kept} is kept {end}"
