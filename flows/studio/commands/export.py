"""`export` and `import`: a script as Fountain for screenwriting programs, and one from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio as audio_files
from flows.studio.production import episode, messages, plan
from flows.studio.production import script as scripts
from flows.studio.production.console import Screen
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Job
from flows.studio.production.plan import Survey
from flows.studio.production.request import EpisodeOptions, Outcome
from flows.studio.rates import SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.release.otio import write_otio
from flows.studio.sound import stems
from flows.studio.timeline.model import Timeline
from flows.studio.workspace import artifacts, files, folder, manifest
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.files import schema
from scripts_llm.files.fountain_read import parse_fountain
from scripts_llm.files.fountain_write import format_fountain
from scripts_llm.files.read import read_script
from scripts_llm.files.source import read_text
from scripts_llm.files.write import save_script
from scripts_llm.screenplay.premise import Audio
from scripts_llm.screenplay.script import Script

FOUNTAIN = "script.fountain"


def export(options: EpisodeOptions, out: Path | None) -> Outcome:
    """Writes the script as Fountain, beside script.yaml if no other place is named.

    Raises StudioError rather than writing over a file in the episode's folder that says something else.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    if not scripts.exists(job):
        command = messages.command(job).replace("episode", "script", 1)
        raise StudioError(f"{job.folder.script}: wanted a script, there is none yet; {command}", code=2)
    script = read_script(job.folder.script, cast=job.premise.characters)
    text = format_fountain(script, job.premise.characters)
    path = out or job.folder.root / FOUNTAIN
    if out is None and path.exists() and path.read_text(encoding="utf-8") != text:
        raise StudioError(f"{path}: is there and says something else; name another: --out F", code=2)
    with files.atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    back = messages.command(job).replace("episode", f"import {path}", 1)
    return Outcome(0, path, (f"{job.name} as Fountain: {path}", f"and back: {back}"))


def import_fountain(file: Path, options: EpisodeOptions) -> Outcome:
    """Makes a Fountain file the episode's script; a script that is there is kept beside it.

    Raises ScriptError for a file that is no screenplay, StudioError where it would change a locked scene.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    text = read_text(file, what="Fountain")
    script, left_out = parse_fountain(text, file, job.premise.characters)
    lines = [f"left out, a script has no place for them: {', '.join(left_out)}"] if left_out else []
    with folder.locked(job.folder), files.disk_errors(job.folder.root):
        if scripts.exists(job):
            _respect_locks(job, script)
            lines.append(f"the script that was there is kept as {scripts.put_aside(job.folder)}")
        schema.save_schema(job.folder.root.parent.parent, schema.SCRIPT)
        head = [f"{job.name}, from {file.name}.", schema.modeline(f"../../{schema.SCRIPT}")]
        save_script(script, job.folder.script, head=head)
        written = scripts.read(job)
        manifest.write(job.folder, manifest.with_script_hash(written.memory, job.folder.script))
    told = scripts.told(written.script)
    then = messages.command(job)
    return Outcome(0, job.folder.script, (*told, *lines, f"the script: {job.folder.script}; then: {then}"))


def _respect_locks(job: Job, new: Script) -> None:
    """A locked scene must come back as it is, or not at all be touched."""
    old = read_script(job.folder.script, cast=job.premise.characters)
    changed = [str(scene.id) for scene in old.scenes if scene.lock and scene not in new.scenes]
    if changed:
        raise StudioError(
            f"{job.folder.script}: {', '.join(changed)} locked, and otherwise in the file; "
            "take `lock: true` out, or import into another episode: --episode next",
            code=2,
        )


def export_otio(options: EpisodeOptions, screen: Screen) -> Path:
    """Writes `episode.otio`, `timeline.txt` and `stems/` into the episode's folder. Films and cuts nothing.

    Raises StudioError, with the command that helps, for an episode that is not made as its script is now.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    state = plan.look(job) if job.folder.script.exists() else None
    again = f"run it first: {messages.command(job)}"
    if state is None or state.is_meme or state.plan.todo:
        lacks = "a meme" if state is not None and state.is_meme else "one that is not finished"
        raise StudioError(f"{job.name}: wanted an episode with a cut, got {lacks}; {again}", code=2)
    segments = _segments(state)
    if missing := [name for name, path in segments.items() if path is None]:
        raise StudioError(f"{job.name}: {', '.join(missing)} changed since the cut; {again}", code=2)
    found = {name: path for name, path in segments.items() if path is not None}
    with folder.locked(job.folder), files.disk_errors(job.folder.root):
        return hand_off(
            state.edit(), found, job.folder, on_stem=lambda name: screen.progress(f"writing the stem {name}")
        )


def _segments(state: Survey) -> dict[str, Path | None]:
    """The encoded spans by name; None for one that is not made as it is now."""
    there = artifacts.stored(state.job.folder.segments, ".mp4")
    kept = {span.id: there.get(artifacts.digest(recipe)) for span, recipe in state.edit().segments}
    return {name: made.path if made else None for name, made in kept.items()}


NAMES = ("dialogue", "music", "effects", "laughs")


_BLOCK = 10 * SAMPLE_RATE


OnStem = Callable[[str], None]


def hand_off(
    edit: Edit, segments: Mapping[str, Path], folder: EpisodeFolder, *, on_stem: OnStem | None = None
) -> Path:
    """Writes `episode.otio`, `timeline.txt` and `stems/`; `segments` are the encoded spans by their names.

    Captions that are burned in are in the segments: with `captions: {mode: soft}` the picture is clean.
    """
    place = folder.root / "stems"
    place.mkdir(exist_ok=True)
    written = write_stems(edit.timeline, edit.premise.audio, place, seed=edit.seed, on_stem=on_stem)
    otio = folder.root / "episode.otio"
    write_otio(edit.timeline, otio, segments=segments, stems=written)
    (folder.root / "timeline.txt").write_text(str(edit.timeline), encoding="utf-8", newline="\n")
    return otio


def write_stems(
    timeline: Timeline, audio: Audio, place: Path, *, seed: int, on_stem: OnStem | None = None
) -> dict[str, Path]:
    """Each stem as a WAV of the film's length, 48 kHz stereo in 24 bits, as loud as it goes into the mix.

    Their sum is the mix before it is mastered: lines at -18 LUFS. One that is empty is silent.
    """
    made = stems.make_stems(timeline, audio, seed=seed)
    num_samples = timeline.num_frames * SAMPLES_PER_FRAME
    written = {}
    for name in dict.fromkeys([*NAMES, *made]):
        if on_stem is not None:
            on_stem(name)
        written[name] = place / f"{name}.wav"
        with audio_files.atomic_wav(written[name], channels=2) as wav:
            for start in range(0, num_samples, _BLOCK):
                stop = min(start + _BLOCK, num_samples)
                stem = made.get(name)
                wav.write(stem(start, stop) if stem else np.zeros((stop - start, 2), np.float32))
    return written
