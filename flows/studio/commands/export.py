"""`export` and `import`: an episode for editing programs, its script for screenwriting programs, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio as audio_files
from flows.studio.production import messages
from flows.studio.production import script as scripts
from flows.studio.production.console import Console
from flows.studio.production.edit import Edit, stored_segments
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.plan import make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.rates import SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.release.otio import write_otio
from flows.studio.sound import stems
from flows.studio.timeline.model import Timeline
from flows.studio.workspace import files, folder, manifest
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.errors import ScriptError
from scripts_llm.files import schema
from scripts_llm.files.fdx_read import is_fdx, parse_fdx
from scripts_llm.files.fountain_read import parse_fountain
from scripts_llm.files.fountain_write import format_fountain
from scripts_llm.files.read import read_script
from scripts_llm.files.source import MAX_BYTES, decode, read_bytes
from scripts_llm.files.write import script_rows
from scripts_llm.screenplay.premise import Audio, Character
from scripts_llm.screenplay.script import Script

FOUNTAIN = "script.fountain"
MAX_FDX_BYTES = 20_000_000  # Final Draft's XML takes several times the space of the words in it
MAX_SCRIPT_BYTES = MAX_BYTES * 3 // 4  # of script.yaml, before shots are written in
STEMS = ("dialogue", "music", "effects", "laughs")
_BLOCK = 10 * SAMPLE_RATE  # samples that are mixed at once
OnStem = Callable[[str], None]  # the name of the stem that is being written

# ------------------------------------------------------------------------------------------- Fountain


def export_fountain(request: EpisodeRequest, out: Path | None) -> Outcome:
    """Writes the script as Fountain, to `out` or beside script.yaml.

    Raises StudioError rather than writing over a file in the episode's folder that says something else.
    """
    episode = _episode_with_script(request)
    text = format_fountain(_script_in_file(episode), episode.own_premise.characters)
    path = out or episode.folder.root / FOUNTAIN
    if out is None and path.exists() and path.read_text(encoding="utf-8") != text:
        raise StudioError(f"{path}: is there and says something else; name another: --out F", code=2)
    with files.atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    back = messages.command(episode, verb="import", arguments=[str(path)])
    return Outcome(0, path, (f"{episode.name} as Fountain: {path}", f"and back: {back}"))


def import_screenplay(file: Path, request: EpisodeRequest) -> Outcome:
    """Makes a Fountain or Final Draft file the episode's script; a script that is there is kept beside it.

    Raises ScriptError for a file that is no screenplay, StudioError where it would change a locked scene.
    """
    episode = Episode.open(on_the_last_one(request))
    script, left_out = read_screenplay(file, episode.own_premise.characters)
    lines = [f"left out, a script has no place for them: {', '.join(left_out)}"] if left_out else []
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        if episode.has_script:
            _check_locks(episode, script)
            lines.append(f"the script that was there is kept as {scripts.put_aside(episode.folder)}")
        head = [f"{episode.name}, from {file.name}.", schema.modeline(f"../../{schema.SCRIPT}")]
        scripts.save_script(episode, script, head=head)
        episode = scripts.complete_script(episode)
        memory = manifest.with_script_hash(episode.memory, episode.folder.script)
        manifest.write(episode.folder, memory)
    assert episode.script is not None
    path, then = episode.folder.script, messages.command(episode)
    summary = scripts.describe_script(episode.script)
    return Outcome(0, path, (*summary, *lines, f"the script: {path}; then: {then}"))


def read_screenplay(file: Path, cast: Mapping[str, Character]) -> tuple[Script, tuple[str, ...]]:
    """The script in a screenplay, and a list of what it had to leave out. The content decides on the format.

    Raises ScriptError for a file of another kind, and for one that is no screenplay.
    """
    raw = read_bytes(file, what="screenplay", most=MAX_FDX_BYTES)
    if is_fdx(raw):
        script, left_out = parse_fdx(raw, file, cast)
    elif len(raw) <= MAX_BYTES:
        script, left_out = parse_fountain(decode(raw, file), file, cast)
    else:
        raise ScriptError(f"{file}: wanted at most {MAX_BYTES:,} bytes of Fountain, got {len(raw):,}")
    size = sum(len(row.encode()) + 1 for row in script_rows(script))
    if size > MAX_SCRIPT_BYTES:
        raise ScriptError(f"{file}: wanted at most {MAX_SCRIPT_BYTES:,} bytes of script, got {size:,}")
    return script, left_out


def _episode_with_script(request: EpisodeRequest) -> Episode:
    episode = Episode.open(on_the_last_one(request))
    if not episode.has_script:
        command = messages.command(episode, verb="script")
        raise StudioError(f"{episode.folder.script}: wanted a script, there is none yet; {command}", code=2)
    return episode


def _script_in_file(episode: Episode) -> Script:
    return read_script(episode.folder.script, cast=episode.own_premise.characters)


def _check_locks(episode: Episode, new: Script) -> None:
    """Raises StudioError if a locked scene is not in the new script as it is now."""
    old = _script_in_file(episode)
    changed = [str(scene.id) for scene in old.scenes if scene.lock and scene not in new.scenes]
    if changed:
        raise StudioError(
            f"{episode.folder.script}: {', '.join(changed)} locked, and otherwise in the file; "
            "take `lock: true` out, or import into another episode: --episode next",
            code=2,
        )


# ------------------------------------------------------------------------------------- OpenTimelineIO


def export_otio(request: EpisodeRequest, console: Console) -> Outcome:
    """Writes `episode.otio`, `timeline.txt` and `stems/` into the episode's folder. Films and cuts nothing.

    Raises StudioError, with the command that helps, for an episode that is not made as its script is now.
    """
    episode = Episode.open(on_the_last_one(request))
    first = f"run it first: {messages.command(episode)}"
    if episode.is_meme:
        raise StudioError(f"{episode.name}: wanted an episode with a cut, got a meme; {first}", code=2)
    if episode.has_script:
        episode = scripts.read_script(episode)
    plan = make_plan(episode) if scripts.is_complete(episode.script) else None
    if plan is None or plan.missing:
        unfinished = "one that is not finished"
        raise StudioError(f"{episode.name}: wanted an episode with a cut, got {unfinished}; {first}", code=2)
    segments = stored_segments(plan.edit, episode.folder)
    if missing := [name for name, path in segments.items() if path is None]:
        raise StudioError(f"{episode.name}: {', '.join(missing)} changed since the cut; {first}", code=2)
    encoded = {name: path for name, path in segments.items() if path is not None}
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        path = write_timeline(
            plan.edit,
            encoded,
            episode.folder,
            on_stem=lambda name: console.progress(f"writing the stem {name}"),
        )
    return Outcome(0, path, (f"{path}, with stems/ and timeline.txt beside it",))


def write_timeline(
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
    for name in dict.fromkeys([*STEMS, *made]):
        if on_stem is not None:
            on_stem(name)
        written[name] = place / f"{name}.wav"
        with audio_files.atomic_wav(written[name], channels=2) as wav:
            for start in range(0, num_samples, _BLOCK):
                stop = min(start + _BLOCK, num_samples)
                stem = made.get(name)
                wav.write(stem(start, stop) if stem else np.zeros((stop - start, 2), np.float32))
    return written
