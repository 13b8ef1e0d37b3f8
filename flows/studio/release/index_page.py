"""`output/index.html`: every episode of every show, newest first, and the results of the last nights.

One file that needs no network; films and posters are linked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.studio.release import pages
from flows.studio.workspace import files, folder
from flows.studio.workspace.folder import EpisodeFolder

NIGHTS_SHOWN = 10


@dataclass(frozen=True)
class Entry:
    """An episode as the page shows it; paths are links, relative to the output folder."""

    show: str
    code: str
    title: str
    logline: str
    made: str
    duration: str
    film: str | None
    poster: str | None
    report: str | None
    warnings: tuple[str, ...]
    newest_first: float
    folder: str = ""  # the show's, under the output folder


def write_index(output: Path) -> Path:
    """Writes the page from the manifests and the record of the nights; returns its path."""
    path = output / "index.html"
    nights = (files.read_json(output / "nights.json") or {}).get("nights")
    page = pages.render("index", entries=list_entries(output), nights=pages.rows(nights)[:NIGHTS_SHOWN])
    with files.atomic_write(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def list_entries(output: Path) -> tuple[Entry, ...]:
    """Every episode that was begun, newest first."""
    found = [_entry(output, episode) for episode in folder.all_episodes(output)]
    return tuple(sorted(found, key=lambda entry: entry.newest_first, reverse=True))


def _entry(output: Path, episode: EpisodeFolder) -> Entry:
    made = files.read_json(episode.manifest) or {}
    film = pages.mapping(made.get("film"))
    path = next((each for each in (episode.film, episode.gif) if each.exists()), None)
    when = (path or episode.manifest).stat().st_mtime
    return Entry(
        show=str(made.get("show") or episode.root.parent.name),
        code=str(episode.code),
        title=str(made.get("title") or "untitled"),
        logline=str(made.get("logline") or ""),
        made=f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M}",
        duration=pages.minutes(film.get("seconds")),
        film=pages.link(path, output),
        poster=pages.link(episode.poster, output),
        report=pages.link(episode.root / "report.html", output),
        warnings=_warnings(made, is_made=path is not None),
        newest_first=when,
        folder=episode.root.parent.name,
    )


def _warnings(made: Mapping[str, Any], *, is_made: bool) -> tuple[str, ...]:
    lines = []
    if not is_made:
        shots = [shot for shot in made.get("shots") or () if isinstance(shot, dict)]
        filmed = sum(bool(shot.get("clip")) for shot in shots)
        lines.append(f"unfinished: {filmed} of {len(shots)} shots are filmed" if shots else "unfinished")
    cards = [str(card) for card in made.get("gag_cards") or ()]
    if cards:
        lines.append(f"gag cards: {', '.join(cards)}")
    fell_back = pages.mapping(made.get("script")).get("fell_back")
    if fell_back:
        lines.append(f"written by the offline writer: {fell_back}")
    return tuple(lines)
