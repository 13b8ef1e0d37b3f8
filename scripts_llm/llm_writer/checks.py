"""Checks drafted scenes: cast, lengths, repeats, language, pictures.

Faults that need a person to fix are refused every time; small ones are sent back once and then corrected
here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from scripts_llm.errors import suggest
from scripts_llm.llm_writer.draft import (
    MAX_SPEAKERS,
    MAX_WORDS,
    REFUSED_WORDS,
    Brief,
    DraftLine,
    DraftScene,
    bare_words,
)
from scripts_llm.screenplay.names import people_named
from scripts_llm.screenplay.script import Line, Scene, Shot
from scripts_llm.screenplay.timing import SECONDS_BETWEEN_LINES, line_seconds

_SCRIPTS = {
    "ru": "CYRILLIC", "uk": "CYRILLIC", "be": "CYRILLIC", "bg": "CYRILLIC", "sr": "CYRILLIC", "el": "GREEK",
    "he": "HEBREW", "ar": "ARABIC", "fa": "ARABIC", "hi": "DEVANAGARI", "th": "THAI", "ko": "HANGUL",
    "ja": "HIRAGANA KATAKANA CJK", "zh": "CJK",
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "fi", "tr", "cs"), "LATIN"),
}  # fmt: skip


# --------------------------------------------------------------------------------------------- scenes


def place_faults(where: str, setting: str, brief: Brief) -> Iterator[str]:
    """The fault of a setting that the show does not have."""
    if find_place(setting, brief) is None:
        known = suggest(setting, brief.places) or ", ".join(brief.places)
        yield f"{where}unknown setting {setting!r}, use {known}"


def cast_faults(where: str, who: str, brief: Brief) -> Iterator[str]:
    """The fault of somebody whom the show does not have."""
    if find_speaker(who, brief) is None:
        yield f"{where}{who!r} is not in the cast, use {', '.join(brief.names)}"


def scene_faults(where: str, scene: DraftScene, part: str, brief: Brief) -> Iterator[str]:
    """Faults that no program can correct. `part` is the part that the outline gives the scene."""
    if scene.part != part:
        yield f"{where}: the part must be {part}, got {scene.part!r}"
    yield from place_faults(f"{where}: ", scene.setting, brief)
    for line in scene.dialogue:
        yield from cast_faults(f"{where}: ", line.who, brief)
        yield from line_faults(where, line, brief)
    yield from language_faults(where, [line.line for line in scene.dialogue], brief)


def line_faults(where: str, line: DraftLine, brief: Brief) -> Iterator[str]:
    """Faults of one line: too many words, an unfilled slot."""
    words = len(spoken_words(line, brief).split())
    if words > REFUSED_WORDS:
        yield f"{where}: {line.line[:40]!r}... has {words} words, wanted at most {MAX_WORDS}"
    if re.search(r"\{\{|\}\}|\{%|\[[A-Z_ ]+\]|<[a-z_/ ]+>", line.line):
        yield f"{where}: {line.line[:60]!r} has an unfilled slot"


def small_faults(where: str, scene: DraftScene, said: Mapping[str, str], brief: Brief) -> Iterator[str]:
    """Faults that are sent back once and corrected here if they return. `said`: lines of other scenes."""
    fault = brief.dialect.find_fault(scene.action, brief.names, brief.places, is_shot=False)
    if fault:
        yield f"{where}: the action {scene.action[:60]!r} {fault}"
    for shot in scene.shots:
        fault = brief.dialect.find_fault(shot.prompt, brief.names, brief.places)
        if fault:
            yield f"{where}: the shot {shot.prompt[:60]!r} {fault}"
    if len({line.who for line in scene.dialogue}) > MAX_SPEAKERS:
        yield f"{where}: more than {MAX_SPEAKERS} people speak"
    own: set[str] = set()
    for line in scene.dialogue:
        if re.search(r"[*_]\w+[*_]|^\(", line.line):
            yield f"{where}: {line.line[:60]!r} has a stage direction in it"
        words = bare_words(line.line)
        if len(words.split()) > 3 and words not in brief.catchphrases and (words in said or words in own):
            yield f"{where}: {line.line[:60]!r} was said in {said.get(words, where)} already"
        own.add(words)


def length_fault(lines: Sequence[str], brief: Brief, *, share: float = 1.0) -> str | None:
    """Whether the lines are too long or too short for the episode, or for a share of it; None if neither."""
    seconds = sum(line_seconds(line) + SECONDS_BETWEEN_LINES for line in lines)
    low, high = (share * bound for bound in brief.seconds)
    if seconds > 1.5 * high:
        return f"this lasts about {seconds:.0f} s, wanted at most {high:.0f}: fewer lines"
    if seconds < 0.35 * low:
        return f"this lasts about {seconds:.0f} s, wanted at least {low:.0f}: more lines"
    return None


def language_faults(where: str, lines: Sequence[str], brief: Brief) -> Iterator[str]:
    """Faults of lines in another alphabet than the language's; half of the letters may be in any."""
    if not fits_language(" ".join(lines), brief.language):
        yield f"{where}: the dialogue must be in the language {brief.language!r}"


def fits_language(text: str, language: str) -> bool:
    """Whether at least half of a text's letters are of the language's alphabet; True for an unknown one."""
    wanted = _SCRIPTS.get(language.lower()[:2])
    letters = [letter for letter in text if letter.isalpha()]
    if not wanted or not letters:
        return True
    fitting = sum(unicodedata.name(letter, "").startswith(tuple(wanted.split())) for letter in letters)
    return fitting >= 0.5 * len(letters)


# ---------------------------------------------------------------------------------------- our own scenes


def build_scene(draft: DraftScene, brief: Brief, *, is_last: bool) -> Scene:
    """The scene, without an id, with small faults corrected. Shots that show nothing are left out."""
    lines = build_lines(draft.dialogue, brief, is_last=is_last)
    fault = brief.dialect.find_fault(draft.action, brief.names, brief.places, is_shot=False)
    shots = tuple(
        Shot(size=shot.size, prompt=shot.prompt, who=_seen_alone(shot.prompt, lines, brief))
        for shot in draft.shots
        if brief.dialect.find_fault(shot.prompt, brief.names, brief.places) is None
    )
    has_all = len(shots) == len(draft.shots)
    return Scene.model_validate(
        {
            "part": draft.part,
            "slugline": draft.slugline,
            "setting": find_place(draft.setting, brief),
            "action": _plain_action(lines, brief) if fault else draft.action,
            "shots": (shots[: brief.shots] or None) if has_all else None,  # None: broken down from the action
            "dialogue": lines,
        }
    )


def build_lines(dialogue: Sequence[DraftLine], brief: Brief, *, is_last: bool) -> tuple[Line, ...]:
    """The lines as they are spoken; the last one always gets a laugh."""
    lines = [_line(line, brief) for line in dialogue]
    if lines[-1].laugh in (None, "none"):
        lines[-1] = lines[-1].model_copy(update={"laugh": "big" if is_last else "small"})
    return tuple(lines)


def _line(line: DraftLine, brief: Brief) -> Line:
    who = find_speaker(line.who, brief)
    assert who is not None  # the faults were looked for before
    how = line.parenthetical.strip("() ")
    laugh = None if line.laugh == "none" else line.laugh
    return Line(who=who, line=spoken_words(line, brief), parenthetical=how or None, laugh=laugh)


def spoken_words(line: DraftLine, brief: Brief) -> str:
    """The words to be spoken: without the speaker's name, quotes, asterisks and line breaks."""
    text = " ".join(line.line.split())
    who = find_speaker(line.who, brief) or line.who
    for name in (line.who, who, brief.names.get(who, who)):
        text = re.sub(rf"(?i)^{re.escape(name)}\s*:\s+", "", text)
    text = re.sub(r"^\([^)]{1,40}\)\s*|[*]", "", text)
    return text.strip('"“” ') or line.line


def _seen_alone(prompt: str, lines: Sequence[Line], brief: Brief) -> str | None:
    """The key of the only speaker whom a shot's prompt names, or None."""
    speakers = {line.who for line in lines}
    named = [who for who in people_named(prompt, brief.names) if who in speakers]
    return named[0] if len(named) == 1 else None


def _plain_action(lines: Sequence[Line], brief: Brief) -> str:
    """An action that every film model can show: the first speaker talks, the others stand."""
    first, *others = list(dict.fromkeys(brief.names[line.who] for line in lines))[:MAX_SPEAKERS]
    return ", ".join([f"{first} is talking", *(f"{other} is standing" for other in others)]) + "."


def find_place(setting: str, brief: Brief) -> str | None:
    """The show's own name for a setting, however it is spelled; None if the show does not have it."""
    plain = setting.lower().replace("_", " ").strip()
    own = {each.lower().replace("_", " "): each for each in reversed(brief.places)}
    return own.get(plain) or own.get(brief.dialect.synonyms.get(plain, ""))


def find_speaker(who: str, brief: Brief) -> str | None:
    """The key of a character, given the key or the name; None if it is nobody's."""
    plain = who.lower().strip()
    return next((key for key, name in brief.names.items() if plain in (key, name.lower())), None)
