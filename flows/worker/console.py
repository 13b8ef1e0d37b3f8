"""The console of a job: what a run says goes into the job's folder, for pages to read."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.api.jobs.queue import append_event
from flows.studio.production.console import Console
from flows.studio.workspace import files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AGAIN = 0.15  # seconds between two writings of the progress
PREVIEW_SIDE = 448  # pixels of a preview's longer side, at most


class JobConsole(Console):
    """Lines become events; the progress, with the number of the newest preview, is replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(write=self._write_event, terminal=False, silence=1e9)
        self._folder = folder
        self._written = 0.0
        self._shot = ""
        self._previews = 0

    def progress(self, label: str, done: float = 0, total: float = 0, *, shot: str = "") -> None:
        """Writes the progress, at most seven times a second; a new label or shot at once."""
        is_new = shot != self._shot or total != self._total or done >= total > 0
        super().progress(label, done, total, shot=shot)
        self._shot = shot
        if is_new or time.monotonic() - self._written >= AGAIN:
            self._save()

    def _keep_watch(self) -> None:
        """Nothing: a page shows the progress by itself."""

    @property
    def shows_pictures(self) -> bool:
        """True: the page shows them."""
        return True

    def show_picture(self, picture: NDArray[np.uint8]) -> None:
        """Writes a picture, uint8 (h, w, 3), as the job's preview."""
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

    def event(self, kind: str, **what: Any) -> None:
        """Adds an event to the job."""
        append_event(self._folder, kind, **what)

    def _write_event(self, text: str) -> None:
        self.event("said", text=text)

    def _save(self) -> None:
        self._written = time.monotonic()
        value = {
            "label": self._label,
            "shot": self._shot,
            "done": self._done,
            "total": self._total,
            "left": self.time_left(),
            "preview": self._previews,
        }
        with contextlib.suppress(OSError):  # the job's folder was taken away, or the disk is full
            path = self._folder / "progress.json"
            part = path.with_name(f".progress.{os.getpid()}.part")
            part.write_text(files.json_text(value), encoding="utf-8")
            os.replace(part, path)
