"""The storyboards of an output folder, kept for as long as nothing on the disk has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from flows.api.storyboard import approvals, undo
from flows.api.storyboard.build import build_board
from flows.api.storyboard.episodes import find_folder
from flows.api.storyboard.model import Board
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeFolder, holder

MOST_KEPT = 8

Stamp = tuple[object, ...]


class Boards:
    """Builds boards and keeps the last ones. Safe to use from several threads."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Stamp, Board]] = OrderedDict()
        self._premises: dict[str, tuple[int, Path | None]] = {}

    def get(self, name: str) -> Board:
        """The board of the episode "show/s01e01" as it is now. Raises NotThere."""
        folder = find_folder(self._output, name)
        with self._lock:
            stamp = self._stamp(name, folder)
            kept = self._kept.get(name)
            if kept is None or kept[0] != stamp:
                kept = stamp, build_board(folder, self._output, kept[1] if kept else None)
                self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return kept[1]

    def _stamp(self, name: str, folder: EpisodeFolder) -> Stamp:
        """The times of everything that a board is made from: a handful of stats."""
        paths = (
            folder.script,
            folder.clips,
            folder.voices,
            folder.segments,
            folder.manifest,
            folder.root,
            folder.film,
            self._premise(name, folder),
            approvals.path_of(self._output),
            undo.path_of(folder, self._output),
        )
        return (*(_time(path) for path in paths), holder(folder))

    def _premise(self, name: str, folder: EpisodeFolder) -> Path | None:
        """The episode's premise file, as its manifest names it."""
        now = _time(folder.manifest)
        known = self._premises.get(name)
        if known is None or known[0] != now:
            path = manifest.read_memory(folder).premise_path
            known = self._premises[name] = now, Path(path) if path else None
        return known[1]


def _time(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path is not None else 0
    except OSError:
        return 0
