"""Disk usage: the size of episodes, the room for the next one, and what can be deleted of older ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from flows.studio.workspace.files import disk_errors
from flows.studio.workspace.folder import MIN_FREE_BYTES, EpisodeFolder, all_episodes, episodes, locked

MEDIA_SUFFIXES = {".mp4", ".mkv", ".wav", ".png", ".gif", ".jpg", ".jpeg", ".mp3"}
RECENT_EPISODES = 3  # episodes whose mean size says how large the next one will be


@dataclass(frozen=True)
class Removal:
    """The files of one episode that can be made again from its script and recipes."""

    episode: EpisodeFolder
    files: tuple[Path, ...]
    num_bytes: int


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder; 0 if there is none."""
    with disk_errors(folder):
        return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def next_episode_bytes(output: Path, show: str) -> int:
    """The expected size of a show's next episode: the mean of its last three, else MIN_FREE_BYTES."""
    sizes = [folder_bytes(episode.root) for episode in episodes(output, show)[-RECENT_EPISODES:]]
    return sum(sizes) // len(sizes) if sizes else MIN_FREE_BYTES


def removable_files(output: Path, *, keep: int, paid: bool = False) -> tuple[Removal, ...]:
    """The clips, upscaled clips, voices and segments of every show's episodes but its newest `keep`.

    With `paid` also films as services sent them, which cost money to make again. Scripts, recipes and
    finished films are never among them; an episode without a film is left whole.
    """
    found = []
    for _, show in groupby(all_episodes(output), key=lambda episode: episode.root.parent):
        for episode in list(show)[: -keep or None]:
            draft = replace(episode, draft=True)
            bought = (episode.jobs, draft.jobs) if paid else ()
            files = tuple(
                _media(dict.fromkeys((*episode.artifact_folders, *draft.artifact_folders, *bought)))
            )
            if files and is_finished(episode):
                found.append(Removal(episode, files, sum(path.stat().st_size for path in files)))
    return tuple(found)


def remove(removal: Removal) -> None:
    """Deletes the files. Raises StudioError if somebody is working on the episode."""
    with locked(removal.episode, check_room=False), disk_errors(removal.episode.root):
        for path in removal.files:
            path.unlink(missing_ok=True)


def is_finished(episode: EpisodeFolder) -> bool:
    """True if the episode's film exists."""
    return episode.film.exists()


def format_bytes(num_bytes: float) -> str:
    """Bytes for people: "340 MB", "1.2 GB"."""
    megabytes = num_bytes / 1e6
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def _media(folders: Iterable[Path]) -> Iterable[Path]:
    """The media files of some folders; a recipe beside one (.json) is none."""
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file() and path.suffix in MEDIA_SUFFIXES:
                yield path


def free_bytes(output: Path) -> int:
    """Free bytes on the disk of the output folder, which need not exist yet."""
    there = next(folder for folder in (output.absolute(), *output.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def space_line(output: Path) -> str:
    """One line about the disk: "1.2 GB in output, 80.3 GB free"."""
    used, free = folder_bytes(output), free_bytes(output)
    return f"{format_bytes(used)} in {output}, {format_bytes(free)} free"
