"""Takes: which there are of a shot, and all of them side by side as one picture."""

from __future__ import annotations

from flows.studio.errors import StudioError
from flows.studio.filming.shots import WantedShot, with_take
from flows.studio.workspace.artifacts import Artifacts
from scripts_llm.screenplay.script import MAX_TAKES


def filmed(shot: WantedShot, clips: Artifacts) -> tuple[WantedShot, ...]:
    """The takes of a shot that lie there, in order; whatever the script asks for."""
    takes = (with_take(shot, number) for number in range(1, MAX_TAKES + 1))
    return tuple(take for take in takes if take.digest in clips)


def known(shot: WantedShot, clips: Artifacts) -> tuple[int, ...]:
    """The numbers of the takes that were filmed or that the script asks for, in order."""
    asked_for = range(1, (shot.shot.takes or 1) + 1)
    return tuple(sorted({shot.take, *asked_for, *(take.take for take in filmed(shot, clips))}))


def following(shot: WantedShot, clips: Artifacts) -> int:
    """The number of the next take: after every known one. Raises StudioError if it is one too many."""
    last = known(shot, clips)[-1]
    if last >= MAX_TAKES:
        raise StudioError(
            f"{shot.label}: wanted at most {MAX_TAKES} takes of a shot, got take {last} already; "
            "cut in one of those there are: --pick N",
            code=2,
        )
    return last + 1
