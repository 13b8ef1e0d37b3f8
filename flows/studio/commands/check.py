"""`check`: reads a premise and its script, films nothing, and says what would go wrong or look wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.cameras.names import read_name
from flows.studio.errors import StudioError
from flows.studio.filming import hosted_shots, prompt, prose, staging, vocabulary
from flows.studio.filming.models import count_tokens, describe_model, dialect_of, is_on_hub, known_facts
from flows.studio.filming.pictures import describe_use
from flows.studio.filming.settings import describe_film, picture_size
from flows.studio.media import audio, user_files
from flows.studio.picture import upscaler
from flows.studio.production import messages
from flows.studio.production.console import count
from flows.studio.production.episode import Episode, on_the_last_one, whole_cast
from flows.studio.production.plan import film_settings
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.sound import user_audio
from flows.studio.typography import fonts, linebreak
from flows.studio.typography.caption_style import letters_per_row
from flows.studio.voice.catalog import find_voice
from flows.studio.voice.speak import read_recording
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from scripts_llm.errors import ScriptError, suggest
from scripts_llm.files import read
from scripts_llm.screenplay.premise import (
    Character,
    LaughTrack,
    Premise,
    display_name,
    length_seconds,
    scene_bounds,
)
from scripts_llm.screenplay.script import PREVIOUS, Line, Scene, Script, Shot
from scripts_llm.screenplay.timing import line_seconds, scene_seconds, script_seconds

MOST_FINDINGS = 40


def check(request: EpisodeRequest, script: Path | None) -> Outcome:
    """Every error and every warning of premise and script, and a line that sums up; code 2 with errors.

    A premise with faults does not hide those of its script. `script` is one by itself; its premise is the
    one that it was made from.
    """
    findings = _Findings()
    episode = _open(_with_premise(request, script), findings)
    path, own, folders = script or episode.folder.script, episode.own_premise, episode.user_folders
    if episode.premise_path is not None and not findings.errors:
        findings.add(of_premise(_with_video(episode, own), folders), episode.premise_path)
        findings.add(_of_the_camera(episode), episode.premise_path)
        findings.lines += describe_pictures(_with_video(episode, own))
        findings.add_warnings(read.find_lost_text(episode.premise_path, what="premise"))
    if not path.exists() and script is None:
        command = messages.command(episode, verb="script")
        there = _check_outline(episode, findings)
        return findings.summary(f"{episode.name}: {there}no script yet, {command} writes one")
    try:
        parsed = read.read_script(path, cast=own.characters)
        premise = _with_video(episode, whole_cast(own, parsed, seed=episode.seed))
    except ScriptError as error:
        findings.add_error(error)
        return findings.summary(f"{path}: cannot be filmed as it is")
    findings.add(of_script(parsed, premise, (path.parent, *folders)), path)
    findings.add_warnings(read.find_lost_text(path, what="script"))
    return findings.summary(f"{episode.name}: {_size(parsed)}")


def _check_outline(episode: Episode, findings: _Findings) -> str:
    """Adds the faults of an outline that the script is to be written of; the words to name it, or none."""
    if not episode.folder.outline.exists():
        return ""
    from flows.studio.production import writer  # with the client's libraries

    try:
        writer.read_outline(episode)
    except ScriptError as error:
        findings.add_error(error)
    return "an outline and "


def describe_pictures(premise: Premise) -> list[str]:
    """What the film model does with the pictures of the premise: a line, or none."""
    source = premise.video.model or DEFAULT_MODEL
    people, places = premise.characters.values(), premise.settings.values()
    has_any = any(one.picture for one in people) or any(one.picture for one in places)
    if not has_any or is_on_hub(source):
        return []
    try:
        return [describe_use(premise, describe_model(source))]
    except StudioError:
        return []  # that is told as a fault of `video:`


def _with_video(episode: Episode, premise: Premise) -> Premise:
    """The premise with the film model that counts, whoever named it."""
    return premise.model_copy(update={"video": episode.video_of_the_episode})


@dataclass
class _Findings:
    """The lines to say, and how many errors and warnings are in them."""

    lines: list[str] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def add_error(self, error: ScriptError) -> None:
        """Adds the faults of a file that cannot be read, each with its own line below it."""
        self.lines.append(str(error))
        self.errors += sum(not line.startswith("    ") for line in str(error).splitlines())

    def add(self, findings: Iterable[Finding], path: Path) -> None:
        """Adds findings with their position in the file; errors first, at most forty."""
        ordered = sorted(findings, key=lambda one: not one.is_error)
        shown = ordered[:MOST_FINDINGS]
        positions = read.find_positions(path, [one.way for one in shown])
        self.lines += [
            f"{path}:{line}:{column}: {'' if one.is_error else 'warning: '}{one.text}"
            for one, (line, column) in zip(shown, positions, strict=True)
        ]
        if len(ordered) > MOST_FINDINGS:
            self.lines.append(f"{path}: and {len(ordered) - MOST_FINDINGS} more")
        self.errors += sum(one.is_error for one in ordered)
        self.warnings += sum(not one.is_error for one in ordered)

    def add_warnings(self, messages: Sequence[str]) -> None:
        """Adds warnings that say where they are."""
        self.lines += messages
        self.warnings += len(messages)

    def summary(self, last: str) -> Outcome:
        """The outcome: all lines, then the counts and `last`."""
        counts = f"{count(self.errors, 'error')}, {count(self.warnings, 'warning')}"
        return Outcome(2 if self.errors else 0, None, (*self.lines, f"{counts}. {last}"))


def _with_premise(request: EpisodeRequest, script: Path | None) -> EpisodeRequest:
    """The request with the premise that a script by itself was made from. Raises StudioError."""
    if script is None or request.premise is not None:
        return on_the_last_one(request)
    memory = manifest.read_memory(EpisodeFolder(script.absolute().parent, EpisodeCode(1, 1)))
    if memory.premise_path is None or not Path(memory.premise_path).is_file():
        raise StudioError(
            f"{script}: wanted to know its premise, got none; say which: --premise PATH", code=2
        )
    return request.model_copy(update={"premise": Path(memory.premise_path)})


def _open(request: EpisodeRequest, findings: _Findings) -> Episode:
    """The episode; of a premise with faults its show and cast alone, so that the script is read as well."""
    try:
        return Episode.open(request)
    except ScriptError as error:
        if request.premise is None:
            raise
        findings.add_error(error)
        rough = read.salvage_premise(request.premise)
        if rough is None:
            raise
        return replace(Episode.open(request, rough), premise_path=request.premise)


def _size(script: Script) -> str:
    scenes = [scene for scene in script.scenes if not scene.skip]
    shots = sum(len(scene.shots or ()) for scene in scenes)
    spoken = sum(isinstance(one, Line) for scene in scenes for one in scene.dialogue)
    size = f"{count(len(scenes), 'scene')}, {count(shots, 'shot')}, {count(spoken, 'line')}"
    return f"{size}, about {script_seconds(script):.0f} s"


MOST_FRAMES = 250  # of a clip


LONGEST_LINE = 8.0  # seconds, then nobody laughs any more


MOST_CAPTIONS = 3  # of a line


SCENE_SECONDS = (2.0, 45.0)


Way = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that was found: `way` leads to its place in the file, keys and indexes."""

    way: Way
    text: str
    is_error: bool = False


def _of_the_camera(episode: Episode) -> Iterator[Finding]:
    """A camera that costs money, without a price or a limit; one that waits for approvals of nothing."""
    video = episode.video_of_the_episode
    if video.approve and episode.video_of_the_draft is None:
        told = "approve: true waits for nothing, for camera and draft are the same film model"
        yield Finding(("video", "approve"), told)
    if read_name(video.model or DEFAULT_MODEL).is_here:
        return
    try:
        film = film_settings(episode, episode.own_premise, video)
    except StudioError:
        return  # told by `of_premise`
    try:
        hosted_shots.check_money(film)
    except StudioError as error:
        yield Finding(("video",), str(error), is_error=True)


def of_premise(premise: Premise, places: Sequence[Path] = ()) -> Iterator[Finding]:
    """Finds everything that would stop any film of a premise, or is odd. Files are looked for in `places`."""
    yield from _letters(("show",), premise.titles.card or premise.show)
    if premise.titles.intro is not None:
        yield from _intro(("titles", "intro"), premise.titles.intro, places)
    yield from _sounds_of_the_show(premise, places)
    try:
        picture_size(premise)
    except StudioError as error:
        yield Finding(("format", "size"), str(error), is_error=True)
    try:
        describe_film(premise, premise.video)
    except StudioError as error:
        yield Finding(("video",), str(error), is_error=True)
    try:
        if (network := upscaler.locate_network(premise.video, places).upscale) is not None:
            upscaler.check_upscaler(Path(network))
    except StudioError as error:
        yield Finding(("video", "upscale"), str(error), is_error=True)
    for key, who in premise.characters.items():
        yield from _of_character(("characters", key), key, who, premise)
        yield from _portrait(("characters", key, "picture"), f"{key}: picture", who.picture, places)
    for key, setting in premise.settings.items():
        yield from _portrait(("settings", key, "picture"), f"{key}: picture", setting.picture, places)
        yield from _film_words(("settings", key, "look"), setting.look, premise)


def _of_character(way: Way, key: str, who: Character, premise: Premise) -> Iterator[Finding]:
    yield from _letters((*way, "name"), display_name(key, who))
    if who.look is not None:
        yield from _film_words((*way, "look"), who.look, premise, is_filled=False)
    name = who.voice if isinstance(who.voice, str) or who.voice is None else who.voice.name
    if name is not None:
        try:
            find_voice(name, where=f"{key}: voice")
        except StudioError as error:
            yield Finding((*way, "voice"), str(error), is_error=True)


def of_script(script: Script, premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    """Finds everything that would stop the film of a script, or is odd. `premise` holds the whole cast."""
    yield from _letters(("title",), script.title)
    if all(scene.skip for scene in script.scenes):
        yield Finding(("scenes",), "wanted a scene to film, but every one says `skip: true`", is_error=True)
    for index, scene in enumerate(script.scenes):
        if not scene.skip:
            yield from _of_scene(("scenes", index), scene, premise, places)
    yield from _whole_length(script, premise)


def _of_scene(way: Way, scene: Scene, premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    name = scene.id or scene.slugline
    yield from _place(way, name, scene, premise)
    for number, shot in enumerate(scene.shots or ()):
        yield from _of_shot((*way, "shots", number), f"{name}.{number + 1}", shot, scene, premise, places)
    for number, element in enumerate(scene.dialogue):
        if isinstance(element, Line):
            yield from _of_line((*way, "dialogue", number), name, element, premise, places)
    for number, effect in enumerate(scene.sfx):
        if effect.file is not None:
            yield from _effect((*way, "sfx", number, "file"), f"{name}: sfx", effect.file, places)
    seconds, (low, high) = scene_seconds(scene), SCENE_SECONDS
    if scene.dialogue and not low <= seconds <= high:
        which = "fewer lines, or two scenes" if seconds > high else "another line, or `duration:`"
        told = f"{name} lasts about {seconds:.0f} s, wanted {low:.0f} to {high:.0f}, try {which}"
        yield Finding((*way, "slugline"), told)


def _place(way: Way, name: str, scene: Scene, premise: Premise) -> Iterator[Finding]:
    if scene.setting is None or not _has_few_words(premise):
        return
    known = [*premise.settings, *vocabulary.film_words().sets]
    if scene.setting not in known and not vocabulary.is_set(scene.setting):
        text = f"{name}: wanted a setting of the premise or a set of the film model, got {scene.setting!r}"
        yield Finding((*way, "setting"), f"{text}, {_meant(scene.setting, known, most=14)}")


def _of_shot(
    way: Way, label: str, shot: Shot, scene: Scene, premise: Premise, places: Sequence[Path]
) -> Iterator[Finding]:
    if shot.file is not None:
        yield from _file((*way, "file"), label, shot.file, places)
        return
    if shot.first != PREVIOUS:
        yield from _portrait((*way, "first"), f"{label}: first", shot.first, places)
    key = "prompt" if shot.prompt_exact is None else "prompt_exact"
    if key == "prompt" and shot.prompt is not None:
        named = prompt.characters_named(shot.prompt, premise.characters)
        if shot.who is not None and named and shot.who not in named:
            who = display_name(shot.who, premise.characters[shot.who])
            yield Finding((*way, "prompt"), f"{label}: is for {who}'s lines and does not show {who}")
    yield from _prompt_length((*way, key), label, shot, scene, premise)
    yield from _film_words((*way, key), shot.prompt_exact or shot.prompt or scene.action, premise, label)
    if shot.direct is not None:
        yield from _directions((*way, "direct"), label, shot, scene, premise)
    if shot.pick is not None and shot.takes is not None and shot.pick > shot.takes:
        told = f"{label}: picks take {shot.pick} of {shot.takes}, so {shot.takes + 1} are filmed"
        yield Finding((*way, "pick"), told)


def _directions(way: Way, label: str, shot: Shot, scene: Scene, premise: Premise) -> Iterator[Finding]:
    """What a shot says by hand of who is in it, read as it is filmed; nothing comes of it if nobody acts."""
    source, frames = premise.video.model or DEFAULT_MODEL, premise.video.frames
    facts = None if is_on_hub(source) else describe_model(source)
    try:
        words = prompt.compose(shot, scene, premise)
        num_frames = frames or (facts.num_frames if facts else MOST_FRAMES)
        staging.stage(words, shot, scene, premise, num_frames=num_frames, parts=None, where=label)
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)
        return
    if facts is not None and not facts.directed:
        yield Finding(way, f"{label}: {facts.title} takes no directions, so `direct:` is left out")


def _of_line(way: Way, name: str, line: Line, premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    if line.file is not None:
        yield from _recording((*way, "file"), f"{name}, {line.who}", line.file, places)
    seconds = line_seconds(line.line)
    if seconds > LONGEST_LINE and line.file is None:
        told = f"takes about {seconds:.0f} s to say, wanted at most {LONGEST_LINE:.0f}, try two lines"
        yield Finding((*way, "line"), f"{name}: {_short(line.line)} {told}")
    if premise.captions.mode == "none":
        return
    yield from _letters((*way, "line"), line.line, name)
    width, height = picture_size(premise)
    limit = letters_per_row(width, height)
    cues = linebreak.split_cues(linebreak.split_pieces(line.line, limit), limit, 2 * limit)
    if len(cues) > MOST_CAPTIONS:
        told = f"needs {len(cues)} captions, wanted at most {MOST_CAPTIONS}, try two lines"
        yield Finding((*way, "line"), f"{name}: {_short(line.line)} {told}")


def _whole_length(script: Script, premise: Premise) -> Iterator[Finding]:
    asked, seconds = length_seconds(premise.format), script_seconds(script)
    if premise.genre == "meme":
        return
    if asked is not None and not 0.6 * asked <= seconds <= 1.5 * asked:
        yield Finding(("title",), f"the scenes last about {seconds:.0f} s, the premise asks for {asked} s")
    bounds, count = scene_bounds(premise.format), sum(not scene.skip for scene in script.scenes)
    if bounds is not None and not bounds[0] <= count <= bounds[1]:
        wanted = f"{bounds[0]} to {bounds[1]}" if bounds[0] != bounds[1] else f"{bounds[0]}"
        yield Finding(("scenes",), f"{count} scenes are filmed, the premise asks for {wanted}")


def _file(way: Way, label: str, name: str, places: Sequence[Path]) -> Iterator[Finding]:
    """A clip or a picture, read as its clip is made."""
    try:
        path = user_files.locate(name, places, where=label)
        user_files.check_media(path)
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)


def _portrait(way: Way, label: str, name: str | None, places: Sequence[Path]) -> Iterator[Finding]:
    """A picture of somebody, of a place, or to begin with, read as it is filmed from."""
    if name is None:
        return
    try:
        user_files.open_picture(user_files.locate(name, places, where=label))
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)


def _intro(way: Way, name: str, places: Sequence[Path]) -> Iterator[Finding]:
    """A title sequence with its sound, if it has any."""
    faults = list(_file(way, "titles.intro", name, places))
    yield from faults
    if faults:
        return
    path = user_files.locate(name, places, where="titles.intro")
    if audio.has_sound(path):
        try:
            next(audio.decode_sound(path), None)
        except StudioError as error:
            yield Finding(way, str(error), is_error=True)


def _recording(way: Way, label: str, name: str, places: Sequence[Path]) -> Iterator[Finding]:
    """A recorded line, read as it is spoken."""
    try:
        path = user_files.locate(name, places, where=label)
        read_recording(path, where=label)
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)
        return
    if audio.is_in_opposite_phase(np.concatenate(list(audio.decode_sound(path)))):
        yield Finding(way, f"{label}: the two channels of {name} are in opposite phase; one is turned round")


def _effect(way: Way, label: str, name: str, places: Sequence[Path]) -> Iterator[Finding]:
    """A sound effect, read as it is mixed."""
    try:
        audio.read_effect(user_files.locate(name, places, where=label))
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)


def _sounds_of_the_show(premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    """Music and laughs of one's own, read as they are mixed."""
    music, laughs = premise.audio.music, premise.audio.laugh_track
    if music is not None and music not in user_audio.NO_MUSIC:
        try:
            audio.read_music(user_files.locate(music, places, where="audio.music"))
        except StudioError as error:
            yield Finding(("audio", "music"), str(error), is_error=True)
    if isinstance(laughs, LaughTrack) and laughs.pack is not None:
        try:
            user_audio.check_laughs(laughs.pack, places)
        except StudioError as error:
            yield Finding(("audio", "laugh_track", "pack"), str(error), is_error=True)


def _letters(way: Way, text: str, where: str = "") -> Iterator[Finding]:
    missing = fonts.missing_glyphs(text)
    if missing:
        shown = " ".join(missing[:12])
        told = f"no font here has the letters {shown}: they are left out of captions and cards"
        yield Finding(way, f"{where}: {told}" if where else told)


def _film_words(
    way: Way, words: str, premise: Premise, where: str = "", *, is_filled: bool = True
) -> Iterator[Finding]:
    """The words that TOON does not know; names of cast and settings are filled in where `is_filled`."""
    unknown = _unknown(words, premise, is_filled=is_filled) if _has_few_words(premise) else []
    if unknown:
        hints = [hint for word in unknown if (hint := _near_word(word))]
        title = describe_model(DEFAULT_MODEL).title
        told = f"the film model {title} does not know {', '.join(map(repr, unknown))}"
        told = f"{told} and leaves it out{''.join(f'; {hint}' for hint in hints)}"
        yield Finding(way, f"{where}: {told}" if where else told)


def _prompt_length(way: Way, label: str, shot: Shot, scene: Scene, premise: Premise) -> Iterator[Finding]:
    """A prompt that is longer than the film model reads, counted in its own tokens where they are known."""
    source = premise.video.model or DEFAULT_MODEL
    facts = known_facts(source)
    if facts is None or facts.dialect != "prose" or facts.prompt_tokens is None:
        return
    text = shot.prompt_exact or prose.compose(shot, scene, premise)
    counted = count_tokens(source, text)
    about = "" if counted is not None else "about "
    tokens = round(prose.TOKENS_A_WORD * len(text.split())) if counted is None else counted
    if tokens > facts.prompt_tokens:
        told = f"{label}: its prompt has {about}{tokens} tokens with looks and place, {facts.title} reads "
        yield Finding(way, f"{told}{facts.prompt_tokens}: its end is not seen")


def _has_few_words(premise: Premise) -> bool:
    """Whether the film model knows few words; others read plain English."""
    return dialect_of(premise.video.model or DEFAULT_MODEL) == "toon"


def _unknown(words: str, premise: Premise, *, is_filled: bool) -> list[str]:
    known: set[str] = set()
    if is_filled:
        known = {
            part
            for key, who in premise.characters.items()
            for part in f"{display_name(key, who)} {key}".lower().replace("_", " ").split()
        } | {part for key in premise.settings for part in prompt.words_of_key(key).lower().split()}
    facts = known_facts(premise.video.model or DEFAULT_MODEL)
    unknown = vocabulary.unknown_words(words, directed=facts is not None and facts.directed)
    return [word for word in unknown if word.lower() not in known]


def _near_word(word: str) -> str:
    near = vocabulary.nearest_word(word)
    return f"did you mean {near!r} for {word!r}?" if near else ""


def _meant(word: str, known: Sequence[str], *, most: int) -> str:
    meant = suggest(word, known)
    return f"did you mean {meant!r}?" if meant else f"try one of: {', '.join(known[:most])}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39].rstrip() + "…")
