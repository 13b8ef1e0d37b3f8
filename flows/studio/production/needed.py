"""What the next run makes, and why: the needs of a script against what lies in the episode's folder."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot, with_other_takes
from flows.studio.voice.lines import PlannedLine
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact, Artifacts
from flows.studio.workspace.folder import EpisodeFolder

Kind = Literal["clip", "voice"]
Wanted = TypeVar("Wanted", PlannedShot, PlannedLine)
SHOWN = 12

_REASONS = {
    "prompt": "prompt changed",
    "seed": "seed changed",
    "text": "words changed",
    "parenthetical": "way of saying it changed",
    "voice": "voice changed",
    "weights": "the film model is another one now",
    "model": "the film model is another one now",
    "num_steps": "steps changed",
    "sampler": "sampler changed",
    "speed": "speed changed",
    "takes": "whether takes are judged changed",
    "loras": "LoRAs changed",
    "guidance_scale": "guidance changed",
    "motion_guidance": "how clearly it moves changed",
    "negative_prompt": "style changed",
    "height": "size changed",
    "width": "size changed",
    "num_frames": "frames changed",
    "file": "another file",
    "size": "size changed",
}


@dataclass(frozen=True)
class Todo:
    """One artifact that has to be made, and the reason."""

    kind: Kind
    label: str
    why: str

    def __str__(self) -> str:
        return f"{self.label} {self.kind}: {self.why}"


@dataclass(frozen=True)
class Plan:
    """What is kept and what is made; `seconds` is a guess from what was measured in this folder before."""

    todo: tuple[Todo, ...]
    num_kept: int
    seconds: float | None = None

    @property
    def num_shots(self) -> int:
        return sum(one.kind == "clip" for one in self.todo)

    @property
    def num_lines(self) -> int:
        return len(self.todo) - self.num_shots

    def told(self) -> tuple[str, ...]:
        """The plan in lines for people: one for each thing to make, a summary where all is new."""
        kept = f"; {self.num_kept} kept" if self.num_kept else ""
        head = f"to make: {_count(self.num_shots, 'shot')}, {_count(self.num_lines, 'voice line')}{kept}"
        if not self.num_kept and all(one.why == NEW for one in self.todo):
            return (head,)
        shown = [f"  {one}" for one in self.todo[:SHOWN]]
        rest = len(self.todo) - SHOWN
        return (head, *shown, *([f"  and {rest} more"] if rest > 0 else []))


NEW = "new"
GONE = "its file is gone"
FAILED = "it failed last time"


def make_plan(
    folder: EpisodeFolder,
    shots: Sequence[PlannedShot],
    lines: Sequence[PlannedLine],
    *,
    film: FilmSettings,
    failed: Collection[str] = (),
) -> Plan:
    """Compares what is wanted with what lies there. `failed` are digests of shots that became gag cards."""
    shots = with_other_takes(shots)
    clips, voices = artifacts.stored(folder.clips, ".mp4"), artifacts.stored(folder.voices, ".wav")
    lost = artifacts.orphans(folder.clips, ".mp4") | artifacts.orphans(folder.voices, ".wav")
    known = {**dict.fromkeys(lost, GONE), **dict.fromkeys(failed, FAILED)}
    todo = [
        *(Todo("clip", one.title, why) for one, why in _missing(shots, clips, known)),
        *(Todo("voice", line.label, why) for line, why in _missing(lines, voices, known)),
    ]
    wanted = {shot.digest for shot in shots} | {line.digest for line in lines}
    num_shots = sum(one.kind == "clip" for one in todo)
    pace = seconds_a_shot(clips, film)
    return Plan(
        todo=tuple(todo),
        num_kept=sum(digest in wanted for digest in (*clips, *voices)),
        seconds=None if pace is None else pace * num_shots,
    )


def seconds_a_shot(clips: Artifacts, film: FilmSettings) -> float | None:
    """How long a shot took here with the same model, size and steps; None if none was filmed so."""
    alike = ("model", "height", "width", "num_frames", "num_steps", "speed", "takes")
    recipe = film.recipe
    took = [
        float(clip.notes["seconds"])
        for clip in clips.values()
        if all(clip.recipe.get(key) == recipe.get(key) for key in alike) and "seconds" in clip.notes
    ]
    return statistics.median(took) if took else None


def _missing(
    wanted: Sequence[Wanted], there: Artifacts, known: Mapping[str, str]
) -> list[tuple[Wanted, str]]:
    found: list[tuple[Wanted, str]] = []
    asked: set[str] = set()
    used = {one.digest for one in wanted}
    for one in wanted:
        if one.digest not in there and one.digest not in asked:
            found.append((one, known.get(one.digest) or _why(one, there, used)))
        asked.add(one.digest)
    return found


def _why(one: PlannedShot | PlannedLine, there: Artifacts, used: Collection[str]) -> str:
    earlier = [clip for key, clip in there.items() if clip.label == one.label and key not in used]
    if not earlier:
        return NEW
    before = max(earlier, key=lambda clip: clip.path.stat().st_mtime)
    return _difference(one, before)


def _difference(one: PlannedShot | PlannedLine, before: Artifact) -> str:
    changed = artifacts.changed_keys(before.recipe, one.recipe)
    if isinstance(one, PlannedShot) and "prompt" in changed:
        written = one.shot.prompt_exact or one.shot.prompt
        is_same = written is not None and before.notes.get("written") == written
        return "a look or the style changed" if is_same else _REASONS["prompt"]
    reasons = dict.fromkeys(_REASONS.get(key, f"{key} changed") for key in changed)
    return ", ".join(reasons) or NEW


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
