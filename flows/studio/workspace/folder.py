"""The folder of an episode: its name, the paths in it, which episode is meant, and the lock on it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace import posix
from flows.studio.workspace.files import MAKE_ROOM_HINT, disk_errors, is_temporary

MAX_NAME_BYTES = 80
SWEEP_SECONDS = 600  # the age of a temporary file that nobody writes any more
MIN_FREE_BYTES = 200_000_000
_CODE = re.compile(r"^s(?!0+e)([0-9]{2,6})e(?!0+$)([0-9]{2,6})$")  # seasons and episodes begin with 1
_TYPED_CODE = re.compile(r"s(?!0+e)([0-9]{1,6})e(?!0+$)([0-9]{1,6})")
_WINDOWS_KEEPS = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}


# ---------------------------------------------------------------------------------------------- names


def show_folder_name(show: str) -> str:
    """A show's folder name: lower case, letters and digits, `-` for the rest, at most 80 bytes."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFC", show).lower():
        kind = unicodedata.category(char)[0]
        is_mark_of_a_letter = kind == "M" and bool(kept) and kept[-1] != "-"
        kept.append(char if kind in "LN" or is_mark_of_a_letter else "-")
    name = re.sub("-+", "-", "".join(kept)).strip("-")
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").rstrip("-")
    if not name or name in _WINDOWS_KEEPS:
        return f"show-{hashlib.sha256(show.encode()).hexdigest()[:8]}"
    return name


@dataclass(frozen=True, order=True)
class EpisodeCode:
    """Season and number of an episode; `s01e03` as text."""

    season: int
    number: int

    def __str__(self) -> str:
        return f"s{self.season:02d}e{self.number:02d}"


def parse_code(text: str) -> EpisodeCode:
    """Parses a code such as s01e03. Raises StudioError."""
    match = _TYPED_CODE.fullmatch(text.strip().lower())
    if not match:
        raise StudioError(f"--episode: wanted s01e03 or next, got {text!r}", code=2)
    return EpisodeCode(int(match[1]), int(match[2]))


KEYFRAMES = "keyframes"  # the folder in the episode's own


@dataclass(frozen=True)
class EpisodeFolder:
    """The paths of one episode; making the value creates nothing on the disk.

    A draft has clips, segments, pictures and a film of its own; script and voices are the episode's.
    """

    root: Path
    code: EpisodeCode
    draft: bool = False

    @property
    def media_root(self) -> Path:
        """The folder of clips, segments and pictures: the episode's, or its `draft/`."""
        return self.root / "draft" if self.draft else self.root

    @property
    def script(self) -> Path:
        return self.root / "script.yaml"

    @property
    def outline(self) -> Path:
        return self.root / "outline.yaml"

    @property
    def clips(self) -> Path:
        return self.media_root / "clips"

    @property
    def jobs(self) -> Path:
        """The folder of jobs that servers and services were asked for; see `flows.studio.hosted.jobs`."""
        return self.media_root / "jobs"

    @property
    def voices(self) -> Path:
        return self.root / "voices"

    @property
    def segments(self) -> Path:
        return self.media_root / "segments"

    @property
    def keyframes(self) -> Path:
        return self.root / KEYFRAMES

    @property
    def upscaled(self) -> Path:
        return self.media_root / "upscaled"

    @property
    def artifact_folders(self) -> tuple[Path, ...]:
        """The folders whose files can be made again from the script and their recipes."""
        return (self.clips, self.upscaled, self.voices, self.segments)

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def film(self) -> Path:
        return self.root / ("draft.mp4" if self.draft else "episode.mp4")

    @property
    def gif(self) -> Path:
        return self.film.with_suffix(".gif")

    @property
    def srt(self) -> Path:
        return self.film.with_suffix(".srt")

    @property
    def vtt(self) -> Path:
        return self.film.with_suffix(".vtt")

    @property
    def ass(self) -> Path:
        return self.film.with_suffix(".ass")

    @property
    def poster(self) -> Path:
        return self.media_root / "poster.png"

    @property
    def contact_sheet(self) -> Path:
        return self.media_root / "contact_sheet.png"

    @property
    def publish(self) -> Path:
        return self.root / "publish.txt"

    @property
    def copied(self) -> Path:
        """What was copied to COLDOPEN_PUBLISH; see `flows.studio.release.upload`."""
        return self.root / "copied.json"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"


# --------------------------------------------------------------------------------------- which episode


def episodes(output: Path, show: str) -> tuple[EpisodeFolder, ...]:
    """The episodes of a show that exist, oldest first."""
    root = output / show_folder_name(show)
    with disk_errors(root):
        names = [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []
    codes = sorted(parse_code(name) for name in names if _CODE.match(name))
    return tuple(EpisodeFolder(root / str(code), code) for code in codes)


def choose_episode(output: Path, show: str, *, season: int, wanted: str | None) -> EpisodeFolder:
    """The folder to work in: the newest one, the one asked for, or (`next`, or none yet) a new one."""
    root = output / show_folder_name(show)
    known = episodes(output, show)
    if wanted is None and known:
        return known[-1]
    following = _next_code(known, season)
    if wanted in (None, "next"):
        return EpisodeFolder(root / str(following), following)
    code = parse_code(str(wanted))
    for folder in known:
        if folder.code == code:
            return folder
    if not known and code == following:
        return EpisodeFolder(root / str(code), code)
    there = ", ".join(str(folder.code) for folder in known) or "none yet"
    raise StudioError(
        f"--episode {wanted}: {root} has no such episode (there: {there}); --episode next begins {following}",
        code=2,
    )


def _next_code(known: tuple[EpisodeFolder, ...], season: int) -> EpisodeCode:
    """An episode that was begun and never got a script is begun again."""
    for folder in known:
        if folder.code.season == season and not folder.script.exists():
            return folder.code
    numbers = [folder.code.number for folder in known if folder.code.season == season]
    return EpisodeCode(season, max(numbers, default=0) + 1)


def all_episodes(output: Path) -> tuple[EpisodeFolder, ...]:
    """The episodes under `output` that were begun, by show, each show's oldest first."""
    with disk_errors(output):
        roots = [manifest.parent for manifest in output.glob("*/s*e*/manifest.json")]
    found = [EpisodeFolder(root, parse_code(root.name)) for root in roots if _CODE.match(root.name)]
    return tuple(sorted(found, key=lambda folder: (folder.root.parent.name, folder.code)))


def last_worked_on(output: Path) -> EpisodeFolder | None:
    """The episode under `output`, of any show, whose manifest was written last; None if there is none."""
    return max(all_episodes(output), key=lambda folder: folder.manifest.stat().st_mtime, default=None)


# ------------------------------------------------------------------------------------------------ lock


@contextlib.contextmanager
def locked(folder: EpisodeFolder, *, check_room: bool = True) -> Iterator[None]:
    """Creates the folder and locks it for this process.

    With `check_room`, a disk without room for an episode is refused too.

    Raises:
        StudioError: another process has it (its number is named), or the disk is full.
    """
    with disk_errors(folder.root):
        try:
            folder.root.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:  # /proc, or a working folder that was deleted
            raise StudioError(
                f"{folder.root}: no folder can be made there; choose another --output", code=2
            ) from None
        file = folder.lock.open("a+", encoding="utf-8")
    with file:
        if not posix.try_lock(file):
            file.seek(0)
            raise StudioError(f"{folder.root} is being worked on by {_holder(file.read())}; let it end first")
        file.truncate(0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
        file.flush()
        _sweep(folder)
        if check_room:
            _check_room(folder.root)
        try:
            yield
        finally:  # a process that goes on, as the board's worker does, works on it no longer
            file.truncate(0)


def _check_room(place: Path) -> None:
    """Raises StudioError if the disk has less room than an episode needs while it is made."""
    free = shutil.disk_usage(place).free
    if free < MIN_FREE_BYTES:
        wanted, got = f"{MIN_FREE_BYTES // 10**6} MB of room", f"{free // 10**6} MB"
        raise StudioError(f"{place}: the disk is full; wanted {wanted}, got {got}; {MAKE_ROOM_HINT}")


def holder(folder: EpisodeFolder) -> str | None:
    """The process that works on an episode, and since when; None if nobody does. Takes no lock."""
    try:
        note = json.loads(folder.lock.read_text(encoding="utf-8"))
        return _holder(json.dumps(note)) if posix.is_running(int(note["pid"])) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder(text: str) -> str:
    try:
        note = json.loads(text)
        where = "" if note.get("host") in (None, socket.gethostname()) else f" on {note['host']}"
        return f"process {note['pid']}{where} since {note['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _sweep(folder: EpisodeFolder) -> None:
    """Deletes the temporary files of a killed run; only the holder of the lock may call this.

    Young ones stay: a host that was taken for dead may still be writing them.
    """
    oldest = time.time() - SWEEP_SECONDS
    for place in (folder.root, folder.media_root, folder.jobs, *folder.artifact_folders):
        for entry in place.iterdir() if place.is_dir() else ():
            if is_temporary(entry) and entry.is_file() and _is_older(entry, oldest):
                entry.unlink(missing_ok=True)


def _is_older(path: Path, oldest: float) -> bool:
    try:
        return path.stat().st_mtime < oldest
    except FileNotFoundError:  # it was finished just now
        return False
