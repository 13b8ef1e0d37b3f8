"""`script --rewrite`: one scene written again and nothing else touched, or the whole script anew.

A locked scene is written again by neither: it is refused alone, and kept where it stands in a new whole.
"""

from __future__ import annotations

import difflib
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from flows.studio.errors import StudioError
from flows.studio.filming import breakdown
from flows.studio.production import episode, messages, records, writer
from flows.studio.production import script as scripts
from flows.studio.production.console import Screen
from flows.studio.production.episode import Job, Written
from flows.studio.production.request import EpisodeOptions, Outcome
from flows.studio.workspace import artifacts, files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.errors import suggest
from scripts_llm.files import edit
from scripts_llm.llm.client import Call
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.screenplay.script import Scene, Script

ALL = "*"
"""What `--rewrite` without a scene stands for."""


def rewrite(options: EpisodeOptions, scene: str, note: str, screen: Screen) -> Outcome:
    """The scene of that id, or with `ALL` the whole script, written again by the episode's writer.

    Raises StudioError for a scene that is not there or locked, or a writer asked for by name that fails.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    if not scripts.exists(job):
        command = messages.command(job).replace("episode", "script", 1)
        raise StudioError(
            f"{job.folder.script}: wanted a script to rewrite, there is none yet; {command}", code=2
        )
    with folder.locked(job.folder), files.disk_errors(job.folder.root):
        return _whole(job, note, screen) if scene == ALL else _one_scene(job, scene, note, screen)


# ------------------------------------------------------------------------------------------- one scene


def _one_scene(job: Job, name: str, note: str, screen: Screen) -> Outcome:
    written, path = scripts.read(job), job.folder.script
    index = _index(written.script, name, job)
    screen.progress(f"writing {name} again")
    before = edit.read_scene_text(path, index)
    was_ours = hash_if_present(path) == written.memory.program_script
    draft, calls = _new_scene(job, written, index, note, screen)
    edit.replace_scene(path, index, _with_shots(draft, written, index))
    memory = manifest.with_script_hash(written.memory, path) if was_ours else written.memory
    manifest.write(job.folder, memory, **({"rewrite_calls": writer.call_rows(calls)} if calls else {}))
    changed = list(_difference(before, edit.read_scene_text(path, index), name))
    said = changed or [f"{name} came out as it was; another --note may help"]
    said += messages.writing_told(calls)
    return Outcome(0, path, (*said, f"the rest of {path} is as it was; then: {messages.command(job)}"))


def _index(script: Script, name: str, job: Job) -> int:
    ids = [str(scene.id) for scene in script.scenes]
    if name not in ids:
        meant = suggest(name, ids, cutoff=0.5)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(ids)}"
        raise StudioError(f"{job.folder.script}: wanted the id of a scene, got {name!r}, {hint}", code=2)
    index = ids.index(name)
    if script.scenes[index].lock:
        told = f"{name} is locked; to have it written again, take its `lock: true` out"
        raise StudioError(f"{job.folder.script}: {told}", code=2)
    return index


def _new_scene(
    job: Job, written: Written, index: int, note: str, screen: Screen
) -> tuple[Scene, tuple[Call, ...]]:
    """The scene as the episode's writer has it now, and the calls that it took; id and part stay."""
    old = written.script.scenes[index]
    again = replace(job, seed=_another_seed(job, str(old.id), note))
    found = writer.scene_again(
        again,
        written.premise,
        written.script,
        scene_id=str(old.id),
        note=note,
        say=screen.warn,
        retry_policy=RetryPolicy(say=screen.warn),
    )
    return found or (
        _offline_scene(replace(again, premise=written.premise), written, index, note, screen),
        (),
    )


def _offline_scene(again: Job, written: Written, index: int, note: str, screen: Screen) -> Scene:
    """The scene of another draft that stands where the old one stood."""
    old = written.script.scenes[index]
    if note:
        screen.say(f"{scripts.OFFLINE} reads no notes: {old.id} is written anew, with another idea")
    draft = scripts.offline_script(again)
    place = index / max(1, len(written.script.scenes) - 1)

    def distance(numbered: tuple[int, Scene]) -> tuple[bool, bool, float]:
        number, scene = numbered
        away = abs(number / max(1, len(draft.scenes) - 1) - place)
        return scene.part != old.part, scene.setting != old.setting, away

    _, found = min(enumerate(draft.scenes), key=distance)
    return found.model_copy(update={"id": old.id, "part": old.part})


def _another_seed(job: Job, *what: str) -> int:
    """A seed that no earlier draft of this had: they are counted by what is kept and what stands there."""
    path = job.folder.script
    return artifacts.seed_from("draft", job.seed, *what, hash_if_present(path) or "")


def _with_shots(scene: Scene, written: Written, index: int) -> Scene:
    """The scene with the shots that its writer gave it, else broken down in its place."""
    if scene.shots is not None:
        return scene
    bare = scene.model_copy(update={"shots": None})
    scenes = [bare if number == index else one for number, one in enumerate(written.script.scenes)]
    script = written.script.model_copy(update={"scenes": tuple(scenes)})
    shots = breakdown.break_down(script, written.premise)
    return bare.model_copy(update={"shots": shots[index]})


def _difference(before: str, after: str, name: str) -> Iterator[str]:
    """Both versions of a scene, line by line."""
    rows = difflib.unified_diff(
        _rows(before), _rows(after), f"{name} as it was", f"{name} now", lineterm="", n=99
    )
    yield from (row for row in rows if not row.startswith("@@"))


# -------------------------------------------------------------------------------------------- the whole


def _whole(job: Job, note: str, screen: Screen) -> Outcome:
    old = scripts.read(job)
    path = job.folder.script
    locked = {
        index: edit.read_scene_text(path, index)
        for index, scene in enumerate(old.script.scenes)
        if scene.lock
    }
    if note:
        screen.say("a note is for one scene: --rewrite s04 --note …; the whole is written without it")
    seed = _another_seed(job, "whole")
    kept = scripts.put_aside(job.folder)
    try:
        screen.progress("writing the script anew")
        again = replace(job, seed=seed)
        written = scripts.write(again, say=screen.warn, before=old.script)
        if locked:
            edit.carry_over_scenes(
                path, {str(old.script.scenes[index].id): text for index, text in locked.items()}
            )
            written = replace(written, memory=manifest.with_script_hash(written.memory, path))
            written = replace(scripts.read(replace(job, memory=written.memory)), calls=written.calls)
    except BaseException:
        os.replace(kept, path)
        raise
    done = replace(job, memory=written.memory)
    records.keep(done, **records.script_chapter(done, written))
    told = messages.script_told(done, written, is_new=True)
    stay = [f"locked, and so as before: {', '.join(str(old.script.scenes[i].id) for i in locked)}"]
    return Outcome(0, path, (*told, *(stay if locked else []), f"the old one is kept as {kept}"))


def _rows(scene: str) -> list[str]:
    """A scene's lines, its keys under each other."""
    first, _, rest = scene.partition("\n")
    return [first, *textwrap.dedent(rest).splitlines()]
