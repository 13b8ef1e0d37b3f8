"""`script --alternates`: other last lines of a scene are shown, or written; one is exchanged for the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.studio.errors import StudioError
from flows.studio.production import messages, writer
from flows.studio.production import script as scripts
from flows.studio.production.console import Console, count
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.workspace import artifacts, files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.editing.alternates import exchange_alternate, set_alternates
from scripts_llm.errors import suggest
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.screenplay.buttons import exchanged, find_button
from scripts_llm.screenplay.premise import display_name
from scripts_llm.screenplay.script import Line, Scene, Script

OFFERED = 3  # where the premise does not say


@dataclass(frozen=True)
class _Place:
    """A line of the script: the index of its scene, its own in the dialogue, and its label, s04-02."""

    scene: int
    element: int
    label: str
    line: Line


def alternates(request: EpisodeRequest, target: str | None, pick: int | None, console: Console) -> Outcome:
    """Shows the alternates of a scene's line, and has some written if there are none; or exchanges one.

    `target` is a scene, s04, or a line, s04-02. Raises StudioError for one that is not there or locked, and
    for a `pick` that there is not.
    """
    if target is None:
        raise StudioError("--pick: wanted the line that is to be exchanged, try --alternates s04", code=2)
    episode = Episode.open(on_the_last_one(request))
    if not episode.has_script:
        raise StudioError(
            f"{episode.folder.script}: wanted a script, there is none yet; "
            f"{messages.command(episode, verb='script')}",
            code=2,
        )
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        episode = scripts.complete_script(episode)
        place = _find(target, episode)
        if pick is not None:
            return _exchange(episode, place, pick)
        if place.line.alternates:
            return _show(episode, place)
        return _offer(episode, place, console)


# --------------------------------------------------------------------------------------------- which line


def _find(target: str, episode: Episode) -> _Place:
    script, path = _script_of(episode), episode.folder.script
    name, _, number = target.partition("-") if re.fullmatch(r".+-\d+", target) else (target, "", "")
    ids = [str(scene.id) for scene in script.scenes]
    if target in ids:  # an id may end in a number, too
        name, number = target, ""
    if name not in ids:
        close = suggest(name, ids, cutoff=0.5)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(ids)}"
        raise StudioError(
            f"{path}: wanted a scene like s04 or a line like s04-02, got {target!r}, {hint}", code=2
        )
    index = ids.index(name)
    scene = script.scenes[index]
    spoken = [at for at, element in enumerate(scene.dialogue) if isinstance(element, Line)]
    if not spoken:
        raise StudioError(f"{path}: nobody speaks in {name}", code=2)
    if number and not 1 <= int(number) <= len(spoken):
        raise StudioError(f"{path}: {name} has {count(len(spoken), 'line')}, got {target!r}", code=2)
    element = spoken[int(number) - 1] if number else _usual(scene, spoken)
    line = scene.dialogue[element]
    assert isinstance(line, Line)
    return _Place(index, element, f"{name}-{spoken.index(element) + 1:02d}", line)


def _usual(scene: Scene, spoken: Sequence[int]) -> int:
    """The last line that has alternates, else the last one."""
    with_some = [at for at in spoken if getattr(scene.dialogue[at], "alternates", ())]
    return with_some[-1] if with_some else spoken[-1]


def _script_of(episode: Episode) -> Script:
    assert episode.script is not None
    return episode.script


# ---------------------------------------------------------------------------------------------- the three


def _show(episode: Episode, place: _Place, *more: str) -> Outcome:
    who = display_name(place.line.who, episode.premise.characters[place.line.who])
    rows = [f"{place.label}, {who}:", f"  now  {place.line.line}"]
    rows += [f"  {number:>3}  {text}" for number, text in enumerate(place.line.alternates, 1)]
    then = messages.command(episode, "--alternates", _shortest(episode, place), "--pick", "1", verb="script")
    return Outcome(0, episode.folder.script, (*rows, *more, f"to exchange one: {then}"))


def _shortest(episode: Episode, place: _Place) -> str:
    """The scene's id if it stands for this line, else the line's label."""
    scene = _script_of(episode).scenes[place.scene]
    spoken = [at for at, element in enumerate(scene.dialogue) if isinstance(element, Line)]
    return str(scene.id) if _usual(scene, spoken) == place.element else place.label


def _offer(episode: Episode, place: _Place, console: Console) -> Outcome:
    scene = _script_of(episode).scenes[place.scene]
    if find_button(scene) != place.element:
        raise StudioError(
            f"{place.label} has no alternates, and they are written for last lines alone; "
            "add `alternates: [...]` to the line yourself",
            code=2,
        )
    _refuse_lock(episode, place)
    path = episode.folder.script
    console.progress(f"other last lines for {scene.id}")
    offered, calls = writer.offer_alternates(
        episode,
        _script_of(episode),
        place.scene,
        count=writer.num_alternates(episode) or OFFERED,
        seed=artifacts.seed_from("alternates", episode.seed, hash_if_present(path) or ""),
        say=console.warn,
        retry_policy=RetryPolicy(say=console.warn),
    )
    if not offered:
        raise StudioError(f"{place.label}: no other line came that fits; an edited scene may bring some")
    is_ours = hash_if_present(path) == episode.memory.program_script
    set_alternates(path, scene=place.scene, element=place.element, alternates=offered)
    rows = {"alternates_calls": writer.call_rows(calls)} if calls else {}
    _remember(episode, is_ours=is_ours, **rows)
    line = place.line.model_copy(update={"alternates": offered})
    episode = scripts.read_script(replace(episode, script=None))
    told = f"written into {path}, where you may change them"
    return _show(episode, replace(place, line=line), *messages.describe_calls(calls), told)


def _exchange(episode: Episode, place: _Place, pick: int) -> Outcome:
    path = episode.folder.script
    if pick > len(place.line.alternates):
        there = count(len(place.line.alternates), "alternate")
        show = messages.command(episode, "--alternates", place.label, verb="script")
        raise StudioError(f"{path}: {place.label} has {there}, got --pick {pick}; {show}", code=2)
    _refuse_lock(episode, place)
    now = exchanged(place.line, pick)
    is_ours = hash_if_present(path) == episode.memory.program_script
    exchange_alternate(path, scene=place.scene, element=place.element, number=pick)
    _remember(episode, is_ours=is_ours)
    rows = [
        f"{place.label}: {now.line}",
        f"   before: {place.line.line} (now number {pick}: the same command goes back)",
    ]
    if now.file is not None:
        rows.append(f"it is spoken by {now.file} as before: a recording has its own words")
    rows.append(f"its voice and its scene's cut alone are made anew: {messages.command(episode)}")
    return Outcome(0, path, tuple(rows))


def _refuse_lock(episode: Episode, place: _Place) -> None:
    scene = _script_of(episode).scenes[place.scene]
    if scene.lock:
        raise StudioError(
            f"{episode.folder.script}: {scene.id} is locked; for {place.label}, take its `lock: true` out",
            code=2,
        )


def _remember(episode: Episode, *, is_ours: bool, **chapters: object) -> None:
    """A script that the program has written stays the program's."""
    memory = episode.memory
    if is_ours:
        memory = manifest.with_script_hash(memory, episode.folder.script)
    manifest.write(episode.folder, memory, **chapters)
