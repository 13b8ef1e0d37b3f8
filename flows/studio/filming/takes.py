"""Takes of a shot: which ones are filmed, which numbers are in use, which number comes next."""

from __future__ import annotations

from flows.studio.errors import StudioError
from flows.studio.filming.shots import PlannedShot, other_take
from flows.studio.workspace.artifacts import Artifacts
from scripts_llm.screenplay.script import MAX_TAKES


def stored_takes(shot: PlannedShot, clips: Artifacts) -> tuple[PlannedShot, ...]:
    """The takes of a shot that have a clip, in order, whether or not the script asks for them."""
    takes = (other_take(shot, number) for number in range(1, MAX_TAKES + 1))
    return tuple(take for take in takes if take.digest in clips)


def take_numbers(shot: PlannedShot, clips: Artifacts) -> tuple[int, ...]:
    """The numbers of the takes that are filmed or that the script asks for, in order."""
    in_script = range(1, (shot.shot.takes or 1) + 1)
    return tuple(sorted({shot.take, *in_script, *(take.take for take in stored_takes(shot, clips))}))


def next_take_number(shot: PlannedShot, clips: Artifacts) -> int:
    """The number after the last one in use. Raises StudioError at the most takes that a shot may have."""
    last = take_numbers(shot, clips)[-1]
    if last >= MAX_TAKES:
        raise StudioError(
            f"{shot.label}: wanted at most {MAX_TAKES} takes of a shot, got take {last} already; "
            "cut in one of those there are: --pick N",
            code=2,
        )
    return last + 1
