"""Takes: which there are of a shot, and all of them side by side as one picture."""

from __future__ import annotations

from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes
from flows.studio.filming.shots import WantedShot, with_take
from flows.studio.picture import contact_sheet
from flows.studio.picture.contact_sheet import SheetEntry
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Shelf
from flows.studio.workspace.folder import EpisodeFolder, writing
from scripts_llm.screenplay.script import MAX_TAKES

FOLDER = "takes"


def filmed(shot: WantedShot, clips: Shelf) -> tuple[WantedShot, ...]:
    """The takes of a shot that lie there, in order; whatever the script asks for."""
    takes = (with_take(shot, number) for number in range(1, MAX_TAKES + 1))
    return tuple(take for take in takes if take.digest in clips)


def known(shot: WantedShot, clips: Shelf) -> tuple[int, ...]:
    """The numbers of the takes that were filmed or that the script asks for, in order."""
    asked_for = range(1, (shot.shot.takes or 1) + 1)
    return tuple(sorted({shot.take, *asked_for, *(take.take for take in filmed(shot, clips))}))


def following(shot: WantedShot, clips: Shelf) -> int:
    """The number of the next take: after every known one. Raises StudioError if it is one too many."""
    last = known(shot, clips)[-1]
    if last >= MAX_TAKES:
        raise StudioError(
            f"{shot.label}: wanted at most {MAX_TAKES} takes of a shot, got take {last} already; "
            "cut in one of those there are: --pick N",
            code=2,
        )
    return last + 1


def sheet_of(folder: EpisodeFolder, shot: WantedShot, *, picked: int | None = None) -> Path:
    """Writes takes/s04.2.png, every filmed take with its number and seed; the one that is cut in is named."""
    clips = artifacts.shelf(folder.clips, ".mp4")
    chosen = shot.take if picked is None else picked
    entries = [
        SheetEntry(
            clips[take.digest].path,
            f"take {take.take}{', cut in' if take.take == chosen else ''}",
            f"seed {auto_takes.seed_of(take, clips[take.digest].made)}",
        )
        for take in filmed(shot, clips)
    ]
    path = folder.made / FOLDER / f"{shot.label}.png"
    first = next((clips[take.digest] for take in filmed(shot, clips)), None)
    shape = first.recipe["width"] / first.recipe["height"] if first else 16 / 9
    with writing(path) as part:
        contact_sheet.contact_sheet(entries, part, heading=f"{shot.label}: {shot.words}", shape=shape)
    return path
