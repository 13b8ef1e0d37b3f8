"""The journal of a run in its job's folder: what it says, how far it is, what is being filmed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.api.jobs.queue import A_PERSON, TERMINAL, Queue, append_event
from flows.studio.production.console import Console
from flows.studio.production.errors import describe_error_in_a_line
from flows.studio.production.request import Outcome
from flows.studio.workspace import files, posix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AGAIN = 0.15  # seconds between two writings of the progress
PREVIEW_SIDE = 448  # pixels of a preview's longer side, at most


class Journal:
    """Listens to a console: lines become events, progress and the newest preview are replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0.0
        self._last: tuple[str, float] = ("", 0.0)
        self._progress: dict[str, Any] = {"label": "", "shot": "", "done": 0, "total": 0, "left": ""}
        self._previews = 0

    def event(self, kind: str, **what: Any) -> None:
        """Adds an event to the job."""
        with contextlib.suppress(OSError):  # the job's folder was taken away, or the disk is full
            append_event(self._folder, kind, **what)

    def said(self, text: str) -> None:
        """A line that stays."""
        self.event("said", text=text)

    def progressed(self, label: str, done: float, total: float, *, shot: str, left: str) -> None:
        """How far the work is: written at most seven times a second, another shot or total at once."""
        is_new = self._last != (shot, total) or done >= total > 0
        self._last = (shot, total)
        self._progress = {"label": label, "shot": shot, "done": done, "total": total, "left": left}
        if is_new or time.monotonic() - self._written >= AGAIN:
            self._save()

    def pictured(self, picture: NDArray[np.uint8]) -> None:
        """A picture, uint8 (h, w, 3), of what is being filmed."""
        from PIL import Image

        image = Image.fromarray(picture)
        scale = PREVIEW_SIDE / max(image.size)
        if scale > 1:
            image = image.resize((round(image.width * scale), round(image.height * scale)))
        else:
            image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        with files.atomic_write(self._folder / "preview.webp") as part:
            image.save(part, "WEBP", quality=75)
        self._previews += 1
        self._save()

    def ended(self, outcome: Outcome) -> None:
        """The end of a run that has an outcome."""
        made = str(outcome.path) if outcome.path else None
        self.event("made", path=made, lines=list(outcome.lines), code=outcome.code)
        is_made = outcome.code in (0, 3)
        text = "" if is_made else " ".join(outcome.lines)
        self.event("done" if is_made else "failed", code=outcome.code, text=text)

    def _save(self) -> None:
        self._written = time.monotonic()
        with contextlib.suppress(OSError):
            path = self._folder / "progress.json"
            part = path.with_name(f".progress.{os.getpid()}.part")
            part.write_text(files.json_text({**self._progress, "preview": self._previews}), encoding="utf-8")
            os.replace(part, path)


@contextlib.contextmanager
def from_a_terminal(
    output: Path, kind: str, options: Mapping[str, Any], *, title: str, episode: str, console: Console
) -> Iterator[list[Outcome]]:
    """Journals a run of a terminal or a night where there is a board, so that its pages show it.

    The block puts the outcome into the list. Without a board nothing is written.
    """
    outcomes: list[Outcome] = []
    board = output / ".board"
    if not (board / "key").exists():
        yield outcomes
        return
    queue = Queue(board)
    number = queue.add(kind, options, title=title, episode=episode, origin=TERMINAL).job.number
    folder = queue.place(number)
    journal = Journal(folder)
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        posix.try_lock(file)
        journal.event("begun", pid=os.getpid())
        console.listener = journal
        try:
            yield outcomes
            if outcomes:
                journal.ended(outcomes[0])
        except KeyboardInterrupt:
            journal.event("stopped", why=A_PERSON)
            raise
        except BaseException as error:
            journal.event("failed", text=describe_error_in_a_line(error))
            raise
        finally:
            console.listener = None
