"""The nights: what was made, what was not and why; and the morning's scenes, to be looked at one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.api.jobs.errors import NotThere
from flows.api.storyboard.boards import Boards
from flows.api.storyboard.episodes import name_of
from flows.api.storyboard.model import Board, SceneCard
from flows.studio.rates import FPS
from flows.studio.workspace import disk_usage, files, manifest
from flows.studio.workspace.folder import EpisodeFolder, all_episodes

MOST_NIGHTS = 30


@dataclass(frozen=True)
class ShowOfNight:
    """What a night made of one premise. `episode` is its name in addresses, empty if there is none."""

    premise: str
    title: str
    made: str
    minutes: int
    notes: str
    episode: str
    is_unfinished: bool


@dataclass(frozen=True)
class NightCard:
    """A night: when it began, what it says of itself, and its shows."""

    began: str
    summary: str
    space: str
    shows: tuple[ShowOfNight, ...]

    @property
    def episodes(self) -> tuple[str, ...]:
        """The episodes that it worked on, each once."""
        return tuple(dict.fromkeys(show.episode for show in self.shows if show.episode))


@dataclass(frozen=True)
class MorningScene:
    """A scene to be looked at: where its film lies, from and to which second; None without a film."""

    board: Board
    scene: SceneCard
    film: str | None
    start: float
    end: float


def read_nights(output: Path) -> tuple[NightCard, ...]:
    """The nights that are on record, the newest first."""
    rows = (files.read_json(output / "nights.json") or {}).get("nights")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    known = {name_of(folder): folder for folder in all_episodes(output)}
    by_premise = {
        Path(path).name: name
        for name, folder in known.items()
        if (path := manifest.read_memory(folder).premise_path) is not None
    }
    return tuple(_night(row, known, by_premise) for row in found[:MOST_NIGHTS])


def space(output: Path) -> str:
    """A line on the room on the disk."""
    return disk_usage.space_line(output)


def _night(
    row: Mapping[str, Any], known: Mapping[str, EpisodeFolder], by_premise: Mapping[str, str]
) -> NightCard:
    shows = [each for each in row.get("shows") or () if isinstance(each, dict)]
    return NightCard(
        began=str(row.get("began") or "")[:16].replace("T", " "),
        summary=str(row.get("summary") or ""),
        space=str(row.get("space") or ""),
        shows=tuple(_show(each, known, by_premise) for each in shows),
    )


def _show(
    row: Mapping[str, Any], known: Mapping[str, EpisodeFolder], by_premise: Mapping[str, str]
) -> ShowOfNight:
    premise = str(row.get("premise") or "")
    parts = Path(str(row.get("film") or "")).parts
    name = next((f"{a}/{b}" for a, b in itertools.pairwise(parts) if f"{a}/{b}" in known), "")
    name = name or by_premise.get(premise, "")
    folder = known.get(name)
    made = (files.read_json(folder.manifest) or {}) if folder is not None else {}
    seconds = str(row.get("seconds") or "0")
    return ShowOfNight(
        premise=premise,
        title=" · ".join(str(each) for each in (made.get("show"), made.get("title")) if each) or premise,
        made=str(row.get("made") or ""),
        minutes=round(int(seconds) / 60) if seconds.isdecimal() else 0,
        notes=str(row.get("notes") or ""),
        episode=name,
        is_unfinished=folder is not None and (not folder.film.exists() or bool(made.get("gag_cards"))),
    )


def morning(boards: Boards, output: Path, episodes: Iterable[str]) -> tuple[MorningScene, ...]:
    """The scenes of these episodes that are not approved yet, in the order of their films."""
    found = []
    for name in episodes:
        try:
            board = boards.get(name)
        except NotThere:
            continue
        spans = _spans(output / name)
        for scene in board.scenes:
            if scene.skip or scene.is_approved:
                continue
            film = f"{board.url}/files/episode.mp4" if board.head.has_film and scene.id in spans else None
            start, end = spans.get(scene.id, (0.0, 0.0))
            found.append(MorningScene(board, scene, film, start, end))
    return tuple(found)


def _spans(root: Path) -> dict[str, tuple[float, float]]:
    """From and to which second of the film each scene is seen."""
    timeline = (files.read_json(root / "manifest.json") or {}).get("timeline") or {}
    spans = timeline.get("spans") if isinstance(timeline, dict) else None
    return {
        str(span["id"]): (round(span["start"] / FPS, 2), round(span["end"] / FPS, 2))
        for span in spans or ()
        if isinstance(span, dict) and {"id", "start", "end"} <= span.keys()
    }
