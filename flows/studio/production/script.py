"""The script of a job: written if there is none, read if there is one, and its shots and ids written in."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flows.studio.errors import StudioError
from flows.studio.filming import breakdown
from flows.studio.filming.vocabulary import film_words
from flows.studio.production.episode import AUTO, Job, Say, Written
from flows.studio.workspace import folder, manifest
from flows.studio.workspace.files import disk_errors, hash_if_present
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.errors import ScriptError
from scripts_llm.files import edit, schema
from scripts_llm.files.read import read_script
from scripts_llm.files.write import save_script
from scripts_llm.offline_writer import cast as casting
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot

if TYPE_CHECKING:
    from scripts_llm.llm.client import Call
    from scripts_llm.offline_writer.season import Season

OFFLINE = "the offline writer"


def exists(job: Job) -> bool:
    """Whether there is a script already."""
    return job.folder.script.exists()


# --------------------------------------------------------------------------------------------- reading


def read(job: Job) -> Written:
    """The script as it stands, complete: scenes without id or shots get them written in, in the file too.

    Nothing is written into a scene that is locked: its shots are known to this run alone.
    """
    path, memory = job.folder.script, job.memory
    standing = as_it_stands(job)
    ids, shots = _to_write_in(standing)
    if ids or shots:
        is_ours = hash_if_present(path) == memory.program_script
        with disk_errors(path):
            edit.insert_ids_and_shots(path, ids=ids, shots=shots)
        standing = as_it_stands(job)
        if is_ours:
            memory = replace(memory, program_script=hash_if_present(path))
    return replace(standing, memory=memory)


def completed(job: Job) -> tuple[Written, tuple[str, ...]]:
    """The script as `read` would leave it, and what it would write in, in words; writes nothing."""
    standing = as_it_stands(job)
    ids, shots = _to_write_in(standing)
    script = _with_shots(standing.script, standing.premise)
    told = [
        f"{script.scenes[index].id} script: {' and '.join(what)} to be written in"
        for index in sorted({*ids, *shots})
        for what in [
            [*(["its id"] if index in ids else []), *([_shots(shots[index])] if index in shots else [])]
        ]
    ]
    return replace(standing, script=script), tuple(told)


def _shots(shots: Sequence[Shot]) -> str:
    return f"{len(shots)} shot{'' if len(shots) == 1 else 's'}"


def _to_write_in(standing: Written) -> tuple[dict[int, str], dict[int, tuple[Shot, ...]]]:
    script = standing.script
    shots = breakdown.break_down(script, standing.premise)
    open_to_us = {index for index, scene in enumerate(script.scenes) if not scene.lock}
    return (
        breakdown.assign_scene_ids(script),
        {index: several for index, several in shots.items() if index in open_to_us},
    )


def as_it_stands(job: Job) -> Written:
    """The script of the file alone; nothing is written in. Locked scenes have the shots of this run."""
    script = read_script(job.folder.script, cast=job.premise.characters)
    premise = whole_cast(job.premise, script, seed=job.seed)
    return Written(_locked_with_shots(script, premise), premise, job.memory)


def _locked_with_shots(script: Script, premise: Premise) -> Script:
    if not any(scene.lock and scene.shots is None for scene in script.scenes):
        return script
    shots = breakdown.break_down(script, premise)
    scenes = tuple(
        scene.model_copy(update={"shots": shots.get(index, scene.shots)}) if scene.lock else scene
        for index, scene in enumerate(script.scenes)
    )
    return script.model_copy(update={"scenes": scenes})


def is_complete(script: Script) -> bool:
    """Whether every scene has its id and its shots."""
    return all(scene.id is not None and scene.shots is not None for scene in script.scenes)


def was_edited(job: Job) -> bool:
    """Whether a person changed script.yaml since the program wrote it."""
    known = job.memory.program_script
    return known is not None and hash_if_present(job.folder.script) != known


def whole_cast(premise: Premise, script: Script | None, *, seed: int) -> Premise:
    """The premise with everybody who plays, no look or set missing; the person's own words win."""
    invented = dict(script.cast) if script else {}
    characters = {
        key: _merged(premise.characters.get(key), invented.get(key))
        for key in {**premise.characters, **invented}
    }
    full = premise.model_copy(update={"characters": characters})
    if full.genre == "meme":
        return full
    filled, _ = casting.complete_premise(full, film_words(), seed=seed)
    known = {key: who for key, who in filled.characters.items() if not characters or key in characters}
    return filled.model_copy(update={"characters": known})


def _merged(own: Character | None, invented: Character | None) -> Character:
    if own is None or invented is None:
        return own or invented or Character()
    said = {key: value for key, value in own if value is not None}
    return invented.model_copy(update=said)


def _invented(full: Premise, premise: Premise) -> dict[str, Character]:
    """What was invented: whole characters, and of the person's own ones only what they leave open."""
    found: dict[str, Character] = {}
    for key, character in full.characters.items():
        own = premise.characters.get(key)
        given = {name for name, value in own if value is not None} if own else set()
        rest = {name: value for name, value in character if value is not None and name not in given}
        if rest:
            found[key] = Character(**rest)
    return found


# --------------------------------------------------------------------------------------------- writing


def put_aside(place: EpisodeFolder) -> Path:
    """Moves script.yaml to the first free name, script.1.yaml, and says which."""
    numbers = itertools.count(1)
    kept = next(path for n in numbers if not (path := place.root / f"script.{n}.yaml").exists())
    place.script.rename(kept)
    return kept


def write(job: Job, *, say: Say, before: Script | None = None) -> Written:
    """A new script, by the writer that the job asks for, with ids and shots, on disk.

    `before` is the one whose place it takes: whom that one invented plays again.
    """
    full, assumptions = job.premise, cast(tuple[str, ...], ())
    if before is not None:
        full = whole_cast(job.premise, before, seed=job.seed)
    elif job.premise.genre != "meme":
        full, assumptions = casting.complete_premise(job.premise, film_words(), seed=job.seed)
    authored = _by_whom(job, full, say=say)
    full = whole_cast(full, authored.script, seed=job.seed)
    script = _with_shots(authored.script, full)
    script = script.model_copy(update={"cast": _invented(full, job.premise)})
    head = [
        f"{job.name}, written by {authored.author}.",
        *assumptions,
        schema.modeline(f"../../{schema.SCRIPT}"),
    ]
    with disk_errors(job.folder.script):
        schema.save_schema(job.folder.root.parent.parent, schema.SCRIPT)
        save_script(script, job.folder.script, head=head)
    memory = replace(
        job.memory,
        program_script=hash_if_present(job.folder.script),
        written_by=authored.author,
        fell_back=authored.fell_back,
        promised=authored.promised,
        written_from=manifest.writer_inputs(job.premise),
    )
    return Written(script, full, memory, authored.calls)


def _with_shots(script: Script, premise: Premise) -> Script:
    ids = breakdown.assign_scene_ids(script)
    shots = breakdown.break_down(script, premise)
    scenes = tuple(
        scene.model_copy(update={"id": ids.get(index, scene.id), "shots": shots.get(index, scene.shots)})
        for index, scene in enumerate(script.scenes)
    )
    return script.model_copy(update={"scenes": scenes})


@dataclass(frozen=True)
class Authored:
    """A script, who wrote it, the calls that it took, and why `auto` fell back to the offline writer."""

    script: Script
    author: str
    calls: tuple[Call, ...] = ()
    fell_back: str | None = None
    promised: tuple[str, ...] = ()


def _by_whom(job: Job, premise: Premise, *, say: Say) -> Authored:
    from flows.studio.production import writer
    from scripts_llm.llm.client import LLMError
    from scripts_llm.llm.retry import RetryPolicy

    if premise.genre == "meme":
        return Authored(_meme_script(premise, job.seed), "hand" if premise.meme else OFFLINE)
    retry_policy = RetryPolicy(say=say)
    try:
        settings = writer.settings_of(job, retry_policy)
        if settings is None:
            return Authored(offline_script(job), OFFLINE)
        server = writer.server_of(job, settings, retry_policy)
        written = writer.by_model(job, premise, server, say=say)
        return Authored(written.script, settings.model, tuple(server.calls), promised=written.promised)
    except LLMError as error:
        if job.writer != AUTO:
            if error.calls:  # they were paid for
                manifest.write(job.folder, job.memory, failed_calls=writer.call_rows(error.calls))
            raise StudioError(f"--writer {job.writer}: {_one_line(error)}") from error
        reason = _one_line(error)
        say(f"{reason}: {OFFLINE} writes instead")
        return Authored(offline_script(job), OFFLINE, tuple(error.calls), reason)


def offline_script(job: Job) -> Script:
    """The episode's script by the embedded writer, who knows what the show's earlier episodes told."""
    from scripts_llm.offline_writer import writer as offline_writer

    number = job.folder.code.number
    return offline_writer.write_script(
        job.premise, film_words(), seed=job.seed, episode=number, history=told_before(job)
    )


def told_before(job: Job) -> Season | None:
    """The earlier episodes, out of their scripts as they are now; None if none of them lies here.

    A script that cannot be read, in the middle of somebody's edit, tells nothing.
    """
    from scripts_llm.offline_writer.season import Season, past_episode

    season = Season()
    for episode in folder.episodes(job.folder.root.parent.parent, job.premise.show):
        if episode.code >= job.folder.code:
            break
        with contextlib.suppress(ScriptError):
            script = read_script(episode.script, cast=job.premise.characters)
            season = season.after(past_episode(script, job.premise))
    return season if season.episodes else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _meme_script(premise: Premise, seed: int) -> Script:
    """A meme's one scene of one shot: what is seen, as the premise says it, else the offline writer."""
    from scripts_llm.offline_writer import memes

    meme = premise.meme or memes.write_meme(premise, film_words(), seed=seed)
    scene = Scene(id="s01", slugline="INT. STAGE - DAY", shots=(Shot(prompt=meme.picture),))
    return Script(schema=1, title=premise.show, meme=meme, scenes=(scene,))


# --------------------------------------------------------------------------------------------- telling


def told(script: Script) -> tuple[str, ...]:
    """The script as it is shown when it is written: title, logline, scenes."""
    rows = [f"“{script.title}”" + (f" — {script.logline}" if script.logline else "")]
    for scene in script.scenes:
        first = next((one.line for one in scene.dialogue if isinstance(one, Line)), scene.action)
        num_shots = len(scene.shots or ())
        shots = f"{num_shots} shot{'' if num_shots == 1 else 's'}"
        rows.append(f"  {scene.id}  {scene.slugline}  ({shots})  {_short(first)}")
    return tuple(rows)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
