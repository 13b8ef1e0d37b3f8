"""The script of an episode: read or written, its ids and shots filled in, kept on the disk."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.errors import StudioError
from flows.studio.filming import breakdown
from flows.studio.filming.models import dialect_of
from flows.studio.filming.vocabulary import film_words
from flows.studio.production.console import Say
from flows.studio.production.episode import AUTO, Episode, invented_characters, whole_cast
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest, suggestions
from flows.studio.workspace.files import disk_errors, hash_if_present
from flows.studio.workspace.folder import EpisodeFolder
from flows.studio.workspace.suggestions import Suggestion
from scripts_llm.errors import ScriptError
from scripts_llm.files import edit, schema, write
from scripts_llm.files import outline as outline_files
from scripts_llm.files import read as yaml_files
from scripts_llm.offline_writer import cast as casting
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot

if TYPE_CHECKING:
    from scripts_llm.llm.client import Call
    from scripts_llm.offline_writer.season import Season

OFFLINE = "the offline writer"


# --------------------------------------------------------------------------------------------- reading


def read_script(episode: Episode) -> Episode:
    """The episode with the script of its file; nothing is written into the file.

    Scenes that are locked and have no shots get those of this run. Raises ScriptError.
    """
    script = yaml_files.read_script(episode.folder.script, cast=episode.own_premise.characters)
    episode = replace(episode, script=script)
    return replace(episode, script=_with_shots_of_locked_scenes(script, episode))


def find_lost_text(episode: Episode) -> list[str]:
    """Messages about text of the premise's file and of the script's that YAML takes for comments."""
    paths = {"premise": episode.premise_path, "script": episode.folder.script}
    return [
        message.partition("\n")[0]
        for what, path in paths.items()
        if path is not None and path.is_file()
        for message in yaml_files.find_lost_text(path, what=what)
    ]


def is_complete(script: Script | None) -> bool:
    """Whether every scene has its id and its shots."""
    return script is not None and all(
        scene.id is not None and scene.shots is not None for scene in script.scenes
    )


def complete_script(episode: Episode) -> Episode:
    """The episode with a complete script: missing ids and shots are written into the file, too.

    Nothing is written into a locked scene: its shots are known to this run alone.
    """
    if episode.script is None:
        episode = read_script(episode)
    ids, shots = _missing_parts(episode)
    if not (ids or shots):
        return episode
    path = episode.folder.script
    is_ours = hash_if_present(path) == episode.memory.program_script
    with disk_errors(path):
        edit.insert_ids_and_shots(path, ids=ids, shots=shots)
    episode = read_script(episode)
    return replace(episode, memory=manifest.with_script_hash(episode.memory, path)) if is_ours else episode


def preview_complete_script(episode: Episode) -> tuple[Episode, tuple[str, ...]]:
    """The episode as `complete_script` would leave it, and what it would write in. Writes nothing."""
    if episode.script is None:
        episode = read_script(episode)
    assert episode.script is not None
    ids, shots = _missing_parts(episode)
    script = _with_ids_and_shots(episode.script, episode.premise, episode)
    lines = []
    for index in sorted({*ids, *shots}):
        parts = ["its id"] if index in ids else []
        parts += [_count_shots(shots[index])] if index in shots else []
        lines.append(f"{script.scenes[index].id} script: {' and '.join(parts)} to be written in")
    return replace(episode, script=script), tuple(lines)


def was_edited(episode: Episode) -> bool:
    """Whether a person changed script.yaml since the program wrote it."""
    known = episode.memory.program_script
    return known is not None and hash_if_present(episode.folder.script) != known


def _count_shots(shots: Sequence[Shot]) -> str:
    return f"{len(shots)} shot{'' if len(shots) == 1 else 's'}"


def _missing_parts(episode: Episode) -> tuple[dict[int, str], dict[int, tuple[Shot, ...]]]:
    """Ids and shots that the file lacks, by the index of the scene; locked scenes are left alone."""
    script = episode.script
    assert script is not None
    shots = break_down(script, episode.premise, episode)
    unlocked = {index for index, scene in enumerate(script.scenes) if not scene.lock}
    return (
        breakdown.assign_scene_ids(script),
        {index: several for index, several in shots.items() if index in unlocked},
    )


def break_down(script: Script, premise: Premise, episode: Episode) -> dict[int, tuple[Shot, ...]]:
    """Shots for scenes without, as the episode's film model can show them. `premise` has the whole cast."""
    is_closed = dialect_of(episode.video_of_the_episode.model or DEFAULT_MODEL) == "toon"
    return breakdown.break_down(script, premise, is_closed=is_closed)


def _with_shots_of_locked_scenes(script: Script, episode: Episode) -> Script:
    if not any(scene.lock and scene.shots is None for scene in script.scenes):
        return script
    shots = break_down(script, episode.premise, episode)
    scenes = tuple(
        scene.model_copy(update={"shots": shots.get(index, scene.shots)}) if scene.lock else scene
        for index, scene in enumerate(script.scenes)
    )
    return script.model_copy(update={"scenes": scenes})


def _with_ids_and_shots(script: Script, premise: Premise, episode: Episode) -> Script:
    ids = breakdown.assign_scene_ids(script)
    shots = break_down(script, premise, episode)
    scenes = tuple(
        scene.model_copy(update={"id": ids.get(index, scene.id), "shots": shots.get(index, scene.shots)})
        for index, scene in enumerate(script.scenes)
    )
    return script.model_copy(update={"scenes": scenes})


# --------------------------------------------------------------------------------------------- writing


def put_aside(folder: EpisodeFolder) -> Path:
    """Moves script.yaml to the first free name, script.1.yaml, and returns that path."""
    numbers = itertools.count(1)
    path = next(path for n in numbers if not (path := folder.root / f"script.{n}.yaml").exists())
    folder.script.rename(path)
    return path


def write_outline(episode: Episode, *, say: Say) -> Episode:
    """Writes outline.yaml by the model that the episode asks for; the episode has its calls.

    Raises StudioError if the writer is the offline one, or fails.
    """
    from flows.studio.production import writer
    from scripts_llm.llm.retry import RetryPolicy

    full, assumptions = writer.writers_premise(episode)
    pitched = {each.name: each.text for each in _suggestions(episode, say)}
    written = writer.develop_outline(episode, full, pitched, RetryPolicy(say=say))
    head = [f"{episode.name}, outlined by {written.author}.", *assumptions]
    with disk_errors(episode.folder.outline):
        outline_files.save_outline(written.outline, episode.folder.outline, head=head)
    return replace(episode, calls=written.calls)


def write_script(episode: Episode, *, say: Say, replaces: Script | None = None) -> Episode:
    """The episode with a new script by the writer that it asks for, with ids and shots, on the disk.

    `replaces` is the script whose place it takes: characters that it invented play again.
    """
    own, assumptions = episode.own_premise, tuple[str, ...]()
    full = own
    if replaces is not None:
        full = whole_cast(own, replaces, seed=episode.seed)
    elif not episode.is_meme:
        full, assumptions = casting.complete_premise(own, film_words(), seed=episode.seed)
    pitched = _suggestions(episode, say)
    written = _write_by_chosen_writer(episode, full, pitched, say=say)
    full = whole_cast(full, written.script, seed=episode.seed)
    script = _with_ids_and_shots(written.script, full, episode)
    script = script.model_copy(update={"cast": invented_characters(full, own)})
    told = next((each for each in pitched if each.name == written.told), None)
    head = [
        f"{episode.name}, written by {written.author}.",
        *_reading_of(full),
        *assumptions,
        *([f"A suggestion is told: {told.text}"] if told else []),
        schema.modeline(f"../../{schema.SCRIPT}"),
    ]
    save_script(episode, script, head=head)
    if told is not None and told.path is not None and suggestions.move_to_used(told) is None:
        say(f"{told.path} could not be moved to {suggestions.USED}/, and may be told again")
    memory = replace(
        manifest.with_script_hash(episode.memory, episode.folder.script),
        written_by=written.author,
        fell_back=written.fell_back,
        promised=written.promised,
        suggestion={"name": told.name, "text": told.text} if told else None,
        written_from=manifest.writer_inputs(own),
    )
    return replace(episode, script=script, memory=memory, calls=written.calls)


def _suggestions(episode: Episode, say: Say) -> tuple[Suggestion, ...]:
    """What viewers suggest for this episode: the one that its script told before, else those that wait."""
    known = episode.memory.suggestion
    if known is not None:
        return (Suggestion(known["name"], known["text"]),)
    if episode.premise_path is None or episode.is_meme:
        return ()
    found, messages = suggestions.read_suggestions(episode.premise_path, avoid=episode.own_premise.avoid)
    for message in messages:
        say(message)
    return found


def _reading_of(premise: Premise) -> tuple[str, ...]:
    """How the show's logline is read, in a sentence; none for a meme and for a premise without one."""
    from scripts_llm.offline_writer.writer import describe_reading

    reading = describe_reading(premise, film_words()) if premise.genre != "meme" else None
    return (reading,) if reading else ()


def save_script(episode: Episode, script: Script, *, head: Sequence[str]) -> None:
    """Writes script.yaml with `head` as its comment, and the schema that editors complete from."""
    with disk_errors(episode.folder.script):
        schema.save_schema(episode.output, schema.SCRIPT)
        write.save_script(script, episode.folder.script, head=head)


@dataclass(frozen=True)
class _WrittenScript:
    """A script, who wrote it, the calls that it took, and why `auto` fell back to the offline writer."""

    script: Script
    author: str
    calls: tuple[Call, ...] = ()
    fell_back: str | None = None
    promised: tuple[str, ...] = ()
    told: str = ""  # the name of a suggestion


def _write_by_chosen_writer(
    episode: Episode, premise: Premise, pitched: Sequence[Suggestion], *, say: Say
) -> _WrittenScript:
    from flows.studio.production import writer  # with the client's libraries, which reading needs not
    from scripts_llm.llm.client import LLMError
    from scripts_llm.llm.retry import RetryPolicy

    if premise.genre == "meme":
        return _WrittenScript(_meme_script(premise, episode.seed), "hand" if premise.meme else OFFLINE)
    retry_policy = RetryPolicy(say=say)
    try:
        settings = writer.settings_of(episode, retry_policy)
        if settings is None:
            _say_not_followed(episode, say)
            script, told = _offline_with_suggestion(episode, pitched)
            return _WrittenScript(script, OFFLINE, told=told)
        server = writer.server_of(episode, settings, retry_policy)
        by_name = {each.name: each.text for each in pitched}
        written = writer.write_by_model(episode, premise, server, suggestions=by_name, say=say)
        promised = (written.outline.promise,) if written.outline.promise else ()
        calls = tuple(server.calls)
        return _WrittenScript(written.script, settings.model, calls, promised=promised, told=written.told)
    except LLMError as error:
        reason = " ".join(str(error).split())
        if episode.writer != AUTO:
            if error.calls:  # they were paid for
                rows = writer.call_rows(error.calls)
                manifest.write(episode.folder, episode.memory, failed_calls=rows)
            raise StudioError(f"--writer {episode.writer}: {reason}") from error
        say(f"{reason}: {OFFLINE} writes instead")
        _say_not_followed(episode, say)
        script, told = _offline_with_suggestion(episode, pitched)
        return _WrittenScript(script, OFFLINE, tuple(error.calls), reason, told=told)


def _say_not_followed(episode: Episode, say: Say) -> None:
    if episode.folder.outline.exists():
        say(f"{OFFLINE} follows no outline: {episode.folder.outline} stays as it is")


def _offline_with_suggestion(episode: Episode, pitched: Sequence[Suggestion]) -> tuple[Script, str]:
    """The offline writer's script, with the first suggestion that it can make a runner of; and its name."""
    from scripts_llm.offline_writer.pitches import runners

    script, premise = offline_script(episode), episode.own_premise
    for each in pitched:
        longer = runners.with_runner(premise, film_words(), script, each.text, seed=episode.seed)
        if longer is not None:
            return _with_alternates(longer, premise, episode.seed), each.name
    return script, ""


def offline_script(episode: Episode, *, seed: int | None = None, premise: Premise | None = None) -> Script:
    """The episode's script by the embedded writer, who knows what the show's earlier episodes told.

    `seed` and `premise` stand in for the episode's own.
    """
    from scripts_llm.offline_writer import writer as offline_writer  # its phrases are read on import

    premise, seed = premise or episode.own_premise, episode.seed if seed is None else seed
    script = offline_writer.write_script(
        premise,
        film_words(),
        seed=seed,
        episode=episode.folder.code.number,
        history=_season_before(episode, premise),
    )
    return _with_alternates(script, premise, seed)


def _with_alternates(script: Script, premise: Premise, seed: int) -> Script:
    """The script with as many other last lines for each scene as the premise wants."""
    from scripts_llm.offline_writer.pitches import buttons

    count = (premise.writer.alternates if premise.writer else None) or 0
    return buttons.with_alternates(premise, film_words(), script, count=count, seed=seed) if count else script


def _season_before(episode: Episode, premise: Premise) -> Season | None:
    """The earlier episodes, out of their scripts as they are now; None if there are none.

    A script that cannot be read, in the middle of somebody's edit, tells nothing.
    """
    from scripts_llm.offline_writer.season import Season, past_episode

    season = Season()
    for earlier in folders.episodes(episode.output, premise.show):
        if earlier.code >= episode.folder.code:
            break
        with contextlib.suppress(ScriptError):
            script = yaml_files.read_script(earlier.script, cast=premise.characters)
            season = season.after(past_episode(script, premise))
    return season if season.episodes else None


def _meme_script(premise: Premise, seed: int) -> Script:
    """A meme's one scene of one shot: what the premise shows, else what the offline writer invents."""
    from scripts_llm.offline_writer import memes

    meme = premise.meme or memes.write_meme(premise, film_words(), seed=seed)
    scene = Scene(id="s01", slugline="INT. STAGE - DAY", shots=(Shot(prompt=meme.picture),))
    return Script(schema=1, title=premise.show, meme=meme, scenes=(scene,))


# ------------------------------------------------------------------------------------------ describing


def describe_script(script: Script) -> tuple[str, ...]:
    """The script in a few lines: title, logline, and each scene with its first words."""
    rows = [f"“{script.title}”" + (f" — {script.logline}" if script.logline else "")]
    for scene in script.scenes:
        first = next((one.line for one in scene.dialogue if isinstance(one, Line)), scene.action)
        rows.append(f"  {scene.id}  {scene.slugline}  ({_count_shots(scene.shots or ())})  {_short(first)}")
    return tuple(rows)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
