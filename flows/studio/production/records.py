"""The records of a run: the chapters of the manifest, and publish.txt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flows.studio.filming import auto_takes, vocabulary
from flows.studio.filming.settings import FilmSettings, picture_size
from flows.studio.filming.shots import DIRECTIONS, PlannedShot
from flows.studio.media import loudness
from flows.studio.media.clips import clip_hash
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import script as scripts
from flows.studio.production import writer
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan
from flows.studio.release import publish
from flows.studio.timeline.model import Timeline
from flows.studio.voice.catalog import SPEAKER_CREDITS
from flows.studio.voice.lines import PlannedLine
from flows.studio.workspace import files, manifest
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.files import hash_if_present
from flows.studio.workspace.folder import EpisodeFolder

Chapters = dict[str, Any]


def save(episode: Episode, **chapters: Any) -> None:
    """Writes chapters and the episode's memory into the manifest; the other chapters stay."""
    manifest.write(episode.folder, episode.memory, show=episode.own_premise.show, **chapters)


def script_chapter(episode: Episode) -> Chapters:
    """The script; a writer's calls stay from the run that made them."""
    memory, script, premise = episode.memory, episode.script, episode.own_premise
    assert script is not None
    chapters: Chapters = {
        "scenes": [
            {"id": scene.id, "part": scene.part, "slugline": scene.slugline, "action": scene.action}
            for scene in script.scenes
        ],
        "title": script.title,
        "logline": script.logline or premise.logline,
        "settings": {
            "seed": episode.seed,
            "film_seed": episode.film_seed,
            "size": list(picture_size(premise)),
        },
        "script": {
            "sha256": hash_if_present(episode.folder.script),
            "written_by": memory.written_by,
            "fell_back": memory.fell_back,
            "edited": scripts.was_edited(episode),
            "written_from": memory.written_from,
        },
    }
    if episode.calls:
        chapters["writer_calls"] = writer.call_rows(episode.calls)
    return chapters


# ----------------------------------------------------------------------------------------------- shots


def shots_chapter(plan: Plan) -> Chapters:
    """Every shot with its words, how the film model understood them, its seed and its clip."""
    draft = {} if plan.draft is None else {"draft_model": _film_row(plan.draft)}
    return {
        "film_model": _film_row(plan.film),
        **draft,
        "shots": [_shot_row(plan, shot) for shot in plan.shots],
    }


def _film_row(film: FilmSettings) -> dict[str, Any]:
    return {**asdict(film), "source": film.model, "model": film.name}


def _shot_row(plan: Plan, shot: PlannedShot) -> dict[str, Any]:
    clip = plan.clips.get(shot.digest)
    notes: Mapping[str, Any] = clip.notes if clip else {}
    film = plan.film_of(shot)
    words = "" if shot.file else shot.words
    understood = vocabulary.read_prompt(words, film.dialect, directed=film.directed)
    replaced = (
        {"mapped": vocabulary.replacements(understood), "unknown": list(understood.unknown)}
        if understood
        else {}
    )
    return {
        "id": shot.label,
        "scene": shot.scene.id,
        "size": shot.shot.size,
        "prompt": shot.shot.prompt_exact or shot.shot.prompt,
        "composed": shot.words,
        "understood": understood.prompt if understood and not shot.directions else shot.prompt,
        **replaced,
        **({"directions": shot.recipe[DIRECTIONS]} if DIRECTIONS in shot.recipe else {}),
        "seed": auto_takes.filmed_seed(shot.seed, notes),
        "take": shot.shot.pick or 1,
        **({"film_model": film.name} if plan.draft else {}),
        **({"judged": notes["judged"]} if "judged" in notes else {}),
        "clip": clip.path.name if clip else None,
        "sha256": clip_hash(clip.path)[:16] if clip else None,
        "seconds": notes.get("seconds"),
        "device": notes.get("device"),
        **({"camera": notes["camera"]} if "camera" in notes else {}),
        **({"usd": notes["usd"]} if "usd" in notes else {}),
    }


def shots_table(chapter: Chapters) -> list[dict[str, str]]:
    """The shots' chapter as rows of text, for a page."""
    keys: tuple[str, ...] = ("id", "size", "prompt", "understood", "seed", "clip", "seconds")
    if any("camera" in row for row in chapter["shots"]):
        keys = (*keys, "camera", "device")
    return [{key: str(row.get(key) or "") for key in keys} for row in chapter["shots"]]


# ----------------------------------------------------------------------------------------------- lines


def lines_chapter(plan: Plan) -> Chapters:
    """Every spoken line with its voice."""
    return {"lines": [_line_row(line, plan.voices[line.digest]) for line in plan.lines]}


def _line_row(line: PlannedLine, voice: Artifact) -> dict[str, Any]:
    return {
        "id": line.label,
        "scene": line.scene.id,
        "who": line.line.who,
        "line": line.line.line,
        "wav": voice.path.name,
        "murmured": voice.notes["murmured"],
        "voice": _speaker_of(line),
    }


def _speaker_of(line: PlannedLine) -> str:
    """The speaker with its licence, for the credits."""
    if line.file is not None:
        return "recordings"
    return SPEAKER_CREDITS[line.recipe.get("voice", {}).get("speaker", "embedded")].licensed


# ------------------------------------------------------------------------------------------------ film


def timeline_chapter(timeline: Timeline) -> Chapters:
    """Scenes, lines and laughs, in frames of the film."""
    return {
        "timeline": {
            "num_frames": timeline.num_frames,
            "spans": [{"id": span.id, "start": span.start, "end": span.end} for span in timeline.spans],
            "lines": [
                {"who": cue.who, "text": cue.text, "start": cue.start, "end": cue.end}
                for cue in timeline.lines
            ],
            "laughs": [{"size": cue.size, "start": cue.start, "end": cue.end} for cue in timeline.laughs],
        }
    }


def film_chapter(folder: EpisodeFolder, finished: FinishedFilm) -> Chapters:
    """The film's measurements, and the hashes of everything that was made."""
    paths = (folder.film, folder.gif, folder.srt, folder.vtt, folder.ass, folder.poster, folder.contact_sheet)
    hashes = {path.name: hash_if_present(path) for path in paths if path.exists()}
    curve = loudness.loudness_curve(folder.film) if finished.loudness_lufs is not None else ()
    return {"film": {**asdict(finished), "loudness_curve": curve}, "files": hashes}


def write_publish(plan: Plan) -> None:
    """Writes publish.txt, with the credits that the manifest knows by now."""
    episode, timeline = plan.episode, plan.edit.timeline
    chapters = files.read_json(episode.folder.manifest) or {}
    credit = publish.credit_lines(chapters, episode.premise)
    publish.write_publish(episode.folder, episode.premise, plan.script, timeline, credit)
