"""A script read as its film: what would stop it, and what would look or sound wrong. Films nothing.

Lengths are estimates: two and a half words a second and a breath between lines, as people talk in comedies.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.filming import prompt
from flows.studio.filming.settings import FILM_MODEL, picture_size, title_of
from flows.studio.filming.settings import told as film_told
from flows.studio.media import user_files
from flows.studio.typography import fonts, linebreak
from flows.studio.typography.caption_style import limit_of
from flows.studio.voice.catalog import named_voice
from scripts_llm.screenplay.script import (
    Beat,
    Character,
    Line,
    Premise,
    Scene,
    Script,
    Shot,
    display_name,
    length_seconds,
    scene_bounds,
)
from t2v.checkpoints.fingerprint import is_toon

WORDS_A_SECOND = 2.5
BREATH = 0.5  # seconds between two lines
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


# ---------------------------------------------------------------------------------------------- premise


def of_premise(premise: Premise, places: Sequence[Path] = ()) -> Iterator[Finding]:
    """What would stop every film of a premise, or is odd in it. Files are looked for in `places`."""
    yield from _letters(("show",), premise.titles.card or premise.show)
    if premise.titles.intro is not None:
        yield from _file(("titles", "intro"), "titles.intro", premise.titles.intro, places)
    try:
        picture_size(premise)
    except StudioError as error:
        yield Finding(("format", "size"), str(error), is_error=True)
    try:
        film_told(premise, premise.video)
    except StudioError as error:
        yield Finding(("video",), str(error), is_error=True)
    for key, who in premise.characters.items():
        yield from _of_character(("characters", key), key, who, premise)
    for key, setting in premise.settings.items():
        yield from _film_words(("settings", key, "look"), setting.look, premise)


def _of_character(way: Way, key: str, who: Character, premise: Premise) -> Iterator[Finding]:
    yield from _letters((*way, "name"), display_name(key, who))
    if who.look is not None:
        yield from _film_words((*way, "look"), who.look, premise, is_filled=False)
    name = who.voice if isinstance(who.voice, str) or who.voice is None else who.voice.name
    if name is not None:
        try:
            named_voice(name, where=f"{key}: voice")
        except StudioError as error:
            yield Finding((*way, "voice"), str(error), is_error=True)


# ----------------------------------------------------------------------------------------------- script


def of_script(script: Script, premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    """What would stop the film of a script, or is odd in it. `premise` holds the whole cast."""
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
    seconds, (low, high) = scene_seconds(scene), SCENE_SECONDS
    if scene.dialogue and not low <= seconds <= high:
        which = "fewer lines, or two scenes" if seconds > high else "another line, or `duration:`"
        told = f"{name} lasts about {seconds:.0f} s, wanted {low:.0f} to {high:.0f}, try {which}"
        yield Finding((*way, "slugline"), told)


def _place(way: Way, name: str, scene: Scene, premise: Premise) -> Iterator[Finding]:
    from t2v.toon.world import SETS

    if scene.setting is None or not _is_for_toon(premise):
        return
    if scene.setting in premise.settings or scene.setting in SETS:
        return
    from t2v.toon.prompts.understand import understand

    if understand(scene.setting).set is None:
        known = [*premise.settings, *SETS]
        text = f"{name}: wanted a setting of the premise or a set of the film model, got {scene.setting!r}"
        yield Finding((*way, "setting"), f"{text}, {_meant(scene.setting, known, most=14)}")


def _of_shot(
    way: Way, label: str, shot: Shot, scene: Scene, premise: Premise, places: Sequence[Path]
) -> Iterator[Finding]:
    if shot.file is not None:
        yield from _file((*way, "file"), label, shot.file, places)
        return
    key = "prompt" if shot.prompt_exact is None else "prompt_exact"
    if key == "prompt" and shot.prompt is not None:
        named = prompt.mentions(shot.prompt, premise.characters)
        if shot.who is not None and named and shot.who not in named:
            who = display_name(shot.who, premise.characters[shot.who])
            yield Finding((*way, "prompt"), f"{label}: is for {who}'s lines and does not show {who}")
    yield from _film_words((*way, key), shot.prompt_exact or shot.prompt or scene.action, premise, label)
    if shot.pick is not None and shot.takes is not None and shot.pick > shot.takes:
        told = f"{label}: picks take {shot.pick} of {shot.takes}, so {shot.takes + 1} are filmed"
        yield Finding((*way, "pick"), told)


def _of_line(way: Way, name: str, line: Line, premise: Premise, places: Sequence[Path]) -> Iterator[Finding]:
    if line.file is not None:
        yield from _file((*way, "file"), f"{name}, {line.who}", line.file, places)
    seconds = line_seconds(line)
    if seconds > LONGEST_LINE and line.file is None:
        told = f"takes about {seconds:.0f} s to say, wanted at most {LONGEST_LINE:.0f}, try two lines"
        yield Finding((*way, "line"), f"{name}: {_short(line.line)} {told}")
    if premise.captions.mode == "none":
        return
    yield from _letters((*way, "line"), line.line, name)
    width, height = picture_size(premise)
    limit = limit_of(width, height)
    cues = linebreak.cues(linebreak.pieces(line.line, limit), limit, 2 * limit)
    if len(cues) > MOST_CAPTIONS:
        told = f"needs {len(cues)} captions, wanted at most {MOST_CAPTIONS}, try two lines"
        yield Finding((*way, "line"), f"{name}: {_short(line.line)} {told}")


def line_seconds(line: Line) -> float:
    """About how long a line takes to say."""
    letters = linebreak.width(line.line) / 15  # scripts without spaces have no words to count
    return max(len(line.line.split()) / WORDS_A_SECOND, letters)


def scene_seconds(scene: Scene) -> float:
    """About how long a scene lasts."""
    spoken = sum(
        line_seconds(one) + (one.pause_before or BREATH) for one in scene.dialogue if isinstance(one, Line)
    )
    silent = sum(one.beat for one in scene.dialogue if isinstance(one, Beat))
    written = 0.0 if scene.duration == "auto" else float(scene.duration)
    return max(spoken + silent, written, 2.0 if scene.dialogue == () else 0.0)


def script_seconds(script: Script) -> float:
    """About how long the film of a script lasts, without title and credits."""
    return sum(scene_seconds(scene) for scene in script.scenes if not scene.skip)


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


# ---------------------------------------------------------------------------------------- words, letters


def _file(way: Way, label: str, name: str, places: Sequence[Path]) -> Iterator[Finding]:
    try:
        user_files.check(user_files.locate(name, places, where=label))
    except StudioError as error:
        yield Finding(way, str(error), is_error=True)


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
    unknown = _unknown(words, premise if is_filled else None) if _is_for_toon(premise) else []
    if unknown:
        hints = [hint for word in unknown if (hint := _near_word(word))]
        told = f"the film model {title_of(FILM_MODEL)} does not know {', '.join(map(repr, unknown))}"
        told = f"{told} and leaves it out{''.join(f'; {hint}' for hint in hints)}"
        yield Finding(way, f"{where}: {told}" if where else told)


def _is_for_toon(premise: Premise) -> bool:
    """Whether TOON films it, which knows few words; any other film model is asked in plain English."""
    return is_toon(premise.video.model or FILM_MODEL)


def _unknown(words: str, premise: Premise | None) -> list[str]:
    from t2v.toon.prompts.understand import understand

    known: set[str] = set()
    if premise is not None:
        known = {
            part
            for key, who in premise.characters.items()
            for part in f"{display_name(key, who)} {key}".lower().replace("_", " ").split()
        } | {part for key in premise.settings for part in prompt.spoken_key(key).lower().split()}
    return [word for word in understand(words).unknown if word.lower() not in known]


def _near_word(word: str) -> str:
    from t2v.toon.prompts.lexicon import index

    close = difflib.get_close_matches(word, index(), n=1, cutoff=0.8)
    return f"did you mean {close[0]!r} for {word!r}?" if close else ""


def _meant(word: str, known: Sequence[str], *, most: int) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"try one of: {', '.join(known[:most])}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39].rstrip() + "…")
