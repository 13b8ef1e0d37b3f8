"""What a run tells of its work: lines for the screen, chapters for the manifest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flows.studio.filming import auto_takes, vocabulary
from flows.studio.filming.settings import picture_size
from flows.studio.media import loudness
from flows.studio.media.clips import clip_hash
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import script as scripts
from flows.studio.production import writer
from flows.studio.production.episode import Job, Written
from flows.studio.production.plan import Survey
from flows.studio.release import publish
from flows.studio.timeline.model import Timeline
from flows.studio.voice.catalog import SPEAKER_CREDITS
from flows.studio.voice.lines import PlannedLine
from flows.studio.workspace import artifacts, manifest
from flows.studio.workspace import files as files_
from flows.studio.workspace.files import hash_if_present

Chapters = dict[str, Any]


def keep(job: Job, **chapters: Any) -> None:
    """Writes chapters into the manifest; the others stay."""
    manifest.write(job.folder, job.memory, show=job.premise.show, **chapters)


# ---------------------------------------------------------------------------------------------- script


def script_chapter(job: Job, written: Written) -> Chapters:
    """What the manifest knows of the script; the calls of a writer stay from the run that made them."""
    memory = written.memory
    chapters: Chapters = {
        "scenes": [
            {"id": scene.id, "part": scene.part, "slugline": scene.slugline, "action": scene.action}
            for scene in written.script.scenes
        ],
        "title": written.script.title,
        "logline": written.script.logline or job.premise.logline,
        "settings": {"seed": job.seed, "film_seed": job.film_seed, "size": list(picture_size(job.premise))},
        "script": {
            "sha256": hash_if_present(job.folder.script),
            "written_by": memory.written_by,
            "fell_back": memory.fell_back,
            "edited": scripts.was_edited(job),
            "written_from": memory.written_from,
        },
    }
    if written.calls:
        chapters["writer_calls"] = writer.call_rows(written.calls)
    return chapters


# ------------------------------------------------------------------------------------------------ plan


# ----------------------------------------------------------------------------------------------- shots


def shots_chapter(plan: Survey) -> Chapters:
    """Every shot with its words, how the film model understood them, its seed and its clip."""
    clips = artifacts.stored(plan.job.folder.clips, ".mp4")
    rows = []
    for shot in plan.shots:
        clip = clips.get(shot.digest)
        found = None if shot.file else vocabulary.read_prompt(shot.words, plan.film.traits.dialect)
        rows.append(
            {
                "id": shot.label,
                "scene": shot.scene.id,
                "size": shot.shot.size,
                "prompt": shot.shot.prompt_exact or shot.shot.prompt,
                "composed": shot.words,
                "understood": found.prompt if found else shot.prompt,
                **(
                    {"mapped": vocabulary.replacements(found), "unknown": list(found.unknown)}
                    if found
                    else {}
                ),
                "seed": auto_takes.filmed_seed(shot.seed, clip.notes if clip else {}),
                "take": shot.shot.pick or 1,
                **({"judged": clip.notes["judged"]} if clip and "judged" in clip.notes else {}),
                "clip": clip.path.name if clip else None,
                "sha256": clip_hash(clip.path)[:16] if clip else None,
                "seconds": clip.notes.get("seconds") if clip else None,
                "device": clip.notes.get("device") if clip else None,
            }
        )
    film = {**asdict(plan.film), "source": plan.film.model, "model": plan.film.name}
    return {"film_model": film, "shots": rows}


def table_of_shots(plan: Survey) -> list[dict[str, str]]:
    """The shots as a table for Prefect's page of the run."""
    keys = ("id", "size", "prompt", "understood", "seed", "clip", "seconds")
    return [{key: str(row[key] or "") for key in keys} for row in shots_chapter(plan)["shots"]]


# ----------------------------------------------------------------------------------------------- lines


def lines_chapter(plan: Survey) -> Chapters:
    """Every spoken line with its voice."""
    voices = artifacts.stored(plan.job.folder.voices, ".wav")
    return {
        "lines": [
            {
                "id": line.label,
                "scene": line.scene.id,
                "who": line.line.who,
                "line": line.line.line,
                "wav": voices[line.digest].path.name,
                "murmured": voices[line.digest].notes["murmured"],
                "voice": _speaker_of(line),
            }
            for line in plan.lines
        ]
    }


def _speaker_of(line: PlannedLine) -> str:
    """Who spoke it, with the licence, for the credits."""
    if line.file is not None:
        return "recordings"
    return SPEAKER_CREDITS[line.recipe.get("voice", {}).get("speaker", "embedded")].licensed


# ------------------------------------------------------------------------------------------------ film


def film_chapter(job: Job, finished: FinishedFilm) -> Chapters:
    """What was measured in the film, and the hashes of everything that was made."""
    place = job.folder
    made = (place.film, place.gif, place.srt, place.vtt, place.ass, place.poster, place.contact_sheet)
    files = {path.name: hash_if_present(path) for path in made if path.exists()}
    heard = loudness.loudness_curve(place.film) if finished.loudness_lufs is not None else ()
    return {"film": {**asdict(finished), "loudness_curve": heard}, "files": files}


def timeline_chapter(timeline: Timeline) -> Chapters:
    """Where scenes, lines and laughs lie, in frames of the film."""
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


def ready_to_publish(job: Job, plan: Survey, timeline: Timeline) -> None:
    """publish.txt, with the credits that the manifest knows by now."""
    made = files_.read_json(job.folder.manifest) or {}
    premise, script = plan.written.premise, plan.written.script
    publish.write_publish(job.folder, premise, script, timeline, publish.credit_lines(made, premise))
