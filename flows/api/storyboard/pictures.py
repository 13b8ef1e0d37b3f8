"""Stills and moving pictures of clips, made once and kept under .board/pictures."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from typing import Literal

from flows.api.jobs.errors import NotThere
from flows.studio.errors import StudioError
from flows.studio.release.moving import moving_picture
from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder

SIDE = 448  # pixels of the longer side, at most
MOST_BYTES = 500_000_000
Kind = Literal["still", "moving"]

_at_work = threading.BoundedSemaphore(2)  # two at a time: there may be a film at work beside them


def picture(folder: EpisodeFolder, output: Path, digest: str, kind: Kind) -> Path:
    """The file of a clip's picture. Raises NotThere if the episode has no such clip."""
    kept = output / ".board" / "pictures"
    name = f"{folder.root.parent.name}-{folder.code}-{digest}"
    path = kept / f"{name}.{kind}.webp"
    if not path.exists():
        clip = find_clip(folder, digest)
        with _at_work:
            if not path.exists():
                try:
                    made = moving_picture(clip, side=SIDE, still_format="WEBP")
                except StudioError as error:
                    raise NotThere(str(error)) from error
                for each, content in (("still", made.still), ("moving", made.moving)):
                    with files.atomic_write(kept / f"{name}.{each}.webp") as part:
                        part.write_bytes(content)
                _prune(kept)
    return path


def find_clip(folder: EpisodeFolder, digest: str) -> Path:
    """The clip of this digest, looked up in the episode's folder. Raises NotThere."""
    return _find(folder.clips, digest, ".mp4")


def first_clip(folder: EpisodeFolder) -> str | None:
    """The digest of the episode's first clip, which stands for it until there is a film; None without any."""
    names = sorted(path.name for path in folder.clips.glob("s*-????????.mp4"))
    return names[0].removesuffix(".mp4")[-8:] if names else None


def find_voice(folder: EpisodeFolder, digest: str) -> Path:
    """The recording of this digest, looked up in the episode's folder. Raises NotThere."""
    return _find(folder.voices, digest, ".wav")


def _find(place: Path, digest: str, suffix: str) -> Path:
    if re.fullmatch("[0-9a-f]{8}", digest) and place.is_dir():
        for path in place.iterdir():
            if path.name.endswith(f"-{digest}{suffix}") and not path.name.startswith("."):
                return path
    raise NotThere(f"there is no file {digest[:20]!r}")


def _prune(kept: Path) -> None:
    """Takes the oldest pictures away where they have become too many."""
    with contextlib.suppress(OSError):
        found = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in found:
            total += path.stat().st_size
            if total > MOST_BYTES:
                path.unlink(missing_ok=True)
