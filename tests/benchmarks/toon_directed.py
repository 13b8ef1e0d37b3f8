"""How much of what each frame is told a TOON's films show: actions, mouths, looks, arms, moods and bodies.

`bench_toon.py --parts directed`. Held-out scenes of the drawn world are filmed with a direction for every
frame, as an episode's camera writes them, and a judge reads six frames of each. Beside the films stand the
scenes themselves, where what is wrong is the judge's own mistake, and the scenes through the autoencoder.
Figures of medium shots and close-ups count; actions where nobody does anything else besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from t2v.configs import TOON
from t2v.judge import SEEN_PARTS, SeenFigure, Verdict, figure_at, labels, sampled_frames
from t2v.toon.acting import Scene, sample_scene
from t2v.toon.direction import PARTS, describe_direction
from t2v.toon.drawing.poses import PERIOD
from t2v.toon.drawing.scene import draw_with_figures
from t2v.toon.prompts.captions import canonical
from t2v.toon.world import PLACES, is_held_out

SEED = 700_001
COUNT = 60  # scenes
ROWS = ("action", *SEEN_PARTS, "both arms")
SOURCES = ("filmed", "reconstructed", "drawn")
Counts = dict[str, list[int]]  # of each row: right, and asked


class Films(Protocol):
    """What is asked of the benchmark: films, what an autoencoder gives back, verdicts, and a memory."""

    def once(self, part: str, what: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]: ...
    def film(self, prompt: Mapping[int, str], seed: int) -> np.ndarray: ...
    def back(self, frames: np.ndarray) -> np.ndarray: ...
    def verdict(self, frames: np.ndarray) -> Verdict: ...


def scenes(count: int) -> Iterator[tuple[Scene, bool]]:
    """Held-out scenes by a camera that stands still, and whether they are played plainly: every second."""
    rng, found = np.random.default_rng(SEED), 0
    while found < count:
        plainly = found % 2 == 0
        scene = sample_scene(rng, PERIOD, plainly=plainly)
        staging = replace(scene.staging, camera="still")
        if staging.figures and staging.size != "establishing" and is_held_out(staging):
            yield Scene(staging, scene.poses), plainly
            found += 1


def frame_prompts(scene: Scene) -> dict[int, str]:
    """The prompt of every frame, with a direction for each figure."""
    return {
        at: canonical(scene.staging, [" ".join(describe_direction(one)) for one in frame])
        for at, frame in enumerate(scene.directions())
    }


def directed(films: Films) -> list[str]:
    """The table: a row for each part of a direction, percent and of how many."""
    found = [
        films.once("directed", f"{i} {canonical(scene.staging)}", partial(_measure, films, scene, plainly, i))
        for i, (scene, plainly) in enumerate(scenes(COUNT))
    ]
    lines = ["| as directed | " + " | ".join(SOURCES) + " |", "| --- |" + " --- |" * len(SOURCES)]
    for row in ROWS:
        lines.append(
            f"| {row.replace('_', ' ')} | " + " | ".join(_cell(found, s, row) for s in SOURCES) + " |"
        )
    return lines


def _measure(films: Films, scene: Scene, plainly: bool, seed: int) -> dict[str, Any]:
    height, width = TOON.sizes["16:9"]
    drawn, _ = draw_with_figures(
        scene.staging, num_frames=PERIOD, height=height, width=width, poses=scene.poses
    )
    filmed = films.film(frame_prompts(scene), seed)
    pictures = {"filmed": filmed, "reconstructed": films.back(drawn), "drawn": drawn}
    return {
        source: count(scene, films.verdict(frames), plainly=plainly) for source, frames in pictures.items()
    }


def count(scene: Scene, verdict: Verdict, *, plainly: bool) -> Counts:
    """What a verdict gets right of a scene, by row."""
    staging = scene.staging
    looked_at = Scene(staging, tuple(scene.poses[i] for i in sampled_frames(len(scene.poses))))
    right = labels(looked_at, plainly=plainly)
    counts: Counts = {row: [0, 0] for row in ROWS}
    for figure in staging.figures:
        seen = figure_at(figure.place, verdict, alone=len(staging.figures) == 1)
        place = PLACES.index(figure.place)
        if plainly:
            _add(counts["action"], seen is not None and seen.action == figure.action)
        for at in range(len(looked_at.poses)):
            hits = {
                part: _shows(seen, at, part, right[part][at][place])
                for part in SEEN_PARTS
                if right[part][at][place] >= 0
            }
            for part, hit in hits.items():
                _add(counts[part], hit)
            if {"left_arm", "right_arm"} <= hits.keys():
                _add(counts["both arms"], hits["left_arm"] and hits["right_arm"])
    return counts


def _shows(seen: SeenFigure | None, at: int, part: str, answer: int) -> bool:
    return seen is not None and getattr(seen.directions[at], part) == PARTS[part][answer]


def _add(counts: list[int], hit: bool) -> None:
    counts[0] += hit
    counts[1] += 1


def _cell(found: Sequence[Mapping[str, Any]], source: str, row: str) -> str:
    right, asked = (sum(one[source][row][k] for one in found) for k in (0, 1))
    return f"{100 * right / max(1, asked):.1f} ({asked})"
