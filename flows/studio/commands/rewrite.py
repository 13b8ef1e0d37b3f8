"""`script --rewrite`: one scene written again and nothing else touched, or the whole script anew.

A locked scene is not written again: it is refused alone, and kept where it is in a new whole.
"""

from __future__ import annotations

import difflib
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.production import messages, records, writer
from flows.studio.production import script as scripts
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.workspace import artifacts, files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.errors import suggest
from scripts_llm.files import edit
from scripts_llm.llm.client import Call
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.screenplay.script import Scene, Script

ALL = "all"


def rewrite(request: EpisodeRequest, scene: str, note: str, console: Console) -> Outcome:
    """Writes the scene of that id again, or with `ALL` the whole script, by the episode's writer.

    Raises StudioError for a scene that is not there or locked, or a writer asked for by name that fails.
    """
    episode = Episode.open(on_the_last_one(request))
    if not episode.has_script:
        command = messages.command(episode, verb="script")
        raise StudioError(
            f"{episode.folder.script}: wanted a script to rewrite, there is none yet; {command}", code=2
        )
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        episode = scripts.complete_script(episode)
        if scene == ALL:
            return _rewrite_whole(episode, note, console)
        return _rewrite_scene(episode, scene, note, console)


# ------------------------------------------------------------------------------------------- one scene


def _rewrite_scene(episode: Episode, name: str, note: str, console: Console) -> Outcome:
    script, path = _script_of(episode), episode.folder.script
    index = _index_of(script, name, path)
    console.progress(f"writing {name} again")
    before = edit.read_scene_text(path, index)
    is_ours = hash_if_present(path) == episode.memory.program_script
    draft, calls = _write_scene(episode, index, note, console)
    edit.replace_scene(path, index, _with_shots(draft, episode, index))
    memory = manifest.with_script_hash(episode.memory, path) if is_ours else episode.memory
    rows = {"rewrite_calls": writer.call_rows(calls)} if calls else {}
    manifest.write(episode.folder, memory, **rows)
    changed = list(_difference(before, edit.read_scene_text(path, index), name))
    lines = changed or [f"{name} came out as it was; another --note may help"]
    lines += messages.describe_calls(calls)
    then = f"the rest of {path} is as it was; then: {messages.command(episode)}"
    return Outcome(0, path, (*lines, then))


def _script_of(episode: Episode) -> Script:
    assert episode.script is not None
    return episode.script


def _index_of(script: Script, name: str, path: Path) -> int:
    """The index of the scene of that id. Raises StudioError for an unknown or a locked one."""
    ids = [str(scene.id) for scene in script.scenes]
    if name not in ids:
        close = suggest(name, ids, cutoff=0.5)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(ids)}"
        raise StudioError(f"{path}: wanted the id of a scene, got {name!r}, {hint}", code=2)
    index = ids.index(name)
    if script.scenes[index].lock:
        raise StudioError(
            f"{path}: {name} is locked; to have it written again, take its `lock: true` out", code=2
        )
    return index


def _write_scene(episode: Episode, index: int, note: str, console: Console) -> tuple[Scene, tuple[Call, ...]]:
    """The scene as the episode's writer has it now, and the calls that it took; id and part stay."""
    script = _script_of(episode)
    name = str(script.scenes[index].id)
    seed = _next_seed(episode, name, note)
    again = replace(episode, seed=seed)
    by_model = writer.rewrite_scene(
        again,
        episode.premise,
        script,
        scene_id=name,
        note=note,
        say=console.warn,
        retry_policy=RetryPolicy(say=console.warn),
    )
    return by_model or (_offline_scene(episode, seed, index, note, console), ())


def _offline_scene(episode: Episode, seed: int, index: int, note: str, console: Console) -> Scene:
    """The scene of another draft that is nearest to the place of the old one."""
    scenes = _script_of(episode).scenes
    old = scenes[index]
    if note:
        console.say(f"{scripts.OFFLINE} reads no notes: {old.id} is written anew, with another idea")
    draft = scripts.offline_script(episode, seed=seed, premise=episode.premise)
    position = index / max(1, len(scenes) - 1)

    def distance(numbered: tuple[int, Scene]) -> tuple[bool, bool, float]:
        number, scene = numbered
        away = abs(number / max(1, len(draft.scenes) - 1) - position)
        return scene.part != old.part, scene.setting != old.setting, away

    _, nearest = min(enumerate(draft.scenes), key=distance)
    return nearest.model_copy(update={"id": old.id, "part": old.part})


def _next_seed(episode: Episode, *names: str) -> int:
    """A seed that no earlier draft had: it follows from the script as it is now."""
    return artifacts.seed_from("draft", episode.seed, *names, hash_if_present(episode.folder.script) or "")


def _with_shots(scene: Scene, episode: Episode, index: int) -> Scene:
    """The scene with the shots that its writer gave it, else broken down in its place."""
    if scene.shots is not None:
        return scene
    bare = scene.model_copy(update={"shots": None})
    script = _script_of(episode)
    scenes = [bare if number == index else one for number, one in enumerate(script.scenes)]
    shots = scripts.break_down(script.model_copy(update={"scenes": tuple(scenes)}), episode.premise, episode)
    return bare.model_copy(update={"shots": shots[index]})


def _difference(before: str, after: str, name: str) -> Iterator[str]:
    """Both versions of a scene, line by line."""
    rows = difflib.unified_diff(
        _rows(before), _rows(after), f"{name} as it was", f"{name} now", lineterm="", n=99
    )
    yield from (row for row in rows if not row.startswith("@@"))


def _rows(scene: str) -> list[str]:
    """A scene's lines, its keys under each other."""
    first, _, rest = scene.partition("\n")
    return [first, *textwrap.dedent(rest).splitlines()]


# -------------------------------------------------------------------------------------------- the whole


def _rewrite_whole(episode: Episode, note: str, console: Console) -> Outcome:
    old, path = _script_of(episode), episode.folder.script
    locked = {
        str(scene.id): edit.read_scene_text(path, index)
        for index, scene in enumerate(old.scenes)
        if scene.lock
    }
    if note:
        console.say("a note is for one scene: --rewrite s04 --note …; the whole is written without it")
    seed = _next_seed(episode, "whole")
    aside = scripts.put_aside(episode.folder)
    try:
        console.progress("writing the script anew")
        again = replace(episode, seed=seed, script=None)
        written = scripts.write_script(again, say=console.warn, replaces=old)
        written = replace(written, seed=episode.seed)
        if locked:
            edit.carry_over_scenes(path, locked)
            memory = manifest.with_script_hash(written.memory, path)
            written = scripts.complete_script(replace(written, memory=memory, script=None))
    except BaseException:
        os.replace(aside, path)
        raise
    records.save(written, **records.script_chapter(written))
    stay = [f"locked, and so as before: {', '.join(locked)}"] if locked else []
    lines = messages.describe_script(written, is_new=True)
    kept = f"the old one is kept as {aside}"
    followed = f"it follows {episode.folder.outline}; for another story, move that away"
    return Outcome(0, path, (*lines, *stay, *([followed] if messages.follows_outline(episode) else []), kept))
