"""`publish.txt`: title, description, chapters, credits and hashtags for a video site, ready to paste."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flows.studio.cameras.facts import DEFAULT_MODEL, is_for_sale
from flows.studio.rates import FPS
from flows.studio.timeline.model import Timeline
from flows.studio.workspace.files import atomic_write
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.premise import Premise, Publish
from scripts_llm.screenplay.script import Script

MAX_TITLE = 100  # characters, as video sites have it
MIN_CHAPTER_SECONDS = 10
MIN_CHAPTERS = 3
PARTS = {"cold_open": "Cold open", "act_1": "Act one", "act_2": "Act two", "tag": "Tag"}
MUSIC = "immich-memories-music, made with ACE-Step 1.5 (MIT)"
FONT = "Noto Sans (OFL-1.1)"


@dataclass(frozen=True)
class Chapter:
    """A part of the episode and its first second."""

    second: int
    name: str


def write_publish(
    folder: EpisodeFolder, premise: Premise, script: Script, timeline: Timeline, credit: str
) -> None:
    """Writes publish.txt; `credit` are the `credit_lines`."""
    with atomic_write(folder.publish) as part:
        text = publish_text(premise, script, timeline, credit, number=folder.code.number)
        part.write_text(text, encoding="utf-8")


def publish_text(premise: Premise, script: Script, timeline: Timeline, credit: str, *, number: int) -> str:
    """Title, description, chapters, credits and hashtags, with a blank line between them."""
    wanted = premise.publish or Publish()
    title = wanted.format_title(show=premise.show, season=premise.season, episode=number, title=script.title)
    description = wanted.description or script.logline or premise.logline or ""
    rows = [f"{_clock(chapter.second)} {chapter.name}" for chapter in chapters(script, timeline)]
    blocks = [
        shorten_title(title),
        description,
        "\n".join(rows),
        credit,
        " ".join(hashtags(wanted.tags, premise)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def credit_lines(made: Mapping[str, Any], premise: Premise) -> str:
    """Writer, film model, voices and music with their licences, from the manifest's chapters."""
    films = _films(made)
    licences = [str(film.get("licence") or "") for film in films]
    named = [f"{_title(film)}{_in_brackets(own)}" for film, own in zip(films, licences, strict=True)]
    terms = [f"{_title(film)}: {film['territory']}" for film in films if film.get("territory")]
    voices = dict.fromkeys(str(line["voice"]) for line in made.get("lines") or () if line.get("voice"))
    music = {None: f"Music: {MUSIC}", "none": ""}.get(premise.audio.music, "Music: by the makers of the show")
    lines = [
        f"Written by {(made.get('script') or {}).get('written_by') or 'hand'}.",
        f"Filmed by {' and '.join(named)}.",
        *terms,
        f"Voices: {', '.join(voices)}." if voices else "",
        f"{music}." if music else "",
        f"Captions set in {FONT}.",
        "Made with Cold Open. Script, pictures and voices are AI-generated.",
        "Not for commercial use: the film model's licence does not allow it."
        if not all(map(is_for_sale, licences))
        else "",
    ]
    return "\n".join(line for line in lines if line)


def _title(model: Mapping[str, Any]) -> str:
    """The film model's name for people; manifests of older versions have none."""
    name = str(model.get("model") or "nobody")
    return str(model.get("title") or ("TOON" if name == DEFAULT_MODEL else name))


def _films(made: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The manifest's rows of the film models that shots were filmed by, the episode's own first."""
    models = [made.get("film_model") or {}, made.get("draft_model") or {}]
    used = {shot.get("film_model") for shot in made.get("shots") or ()} - {None}
    counted = [model for model in models if model and (not used or model.get("model") in used)]
    return counted or models[:1]


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def chapters(script: Script, timeline: Timeline) -> tuple[Chapter, ...]:
    """A chapter for each part: the first at 0:00, each of ten seconds or more, at least three or none."""
    part_of = {scene.id: scene.part for scene in script.scenes}
    starts: list[Chapter] = []
    for span in timeline.spans:
        part = part_of.get(span.id)
        if part is not None and (not starts or starts[-1].name != PARTS[part]):
            starts.append(Chapter(span.start // FPS if starts else 0, PARTS[part]))
    long_enough = _merged(starts, timeline.num_frames // FPS)
    return long_enough if len(long_enough) >= MIN_CHAPTERS else ()


def _merged(starts: Sequence[Chapter], end: int) -> tuple[Chapter, ...]:
    """Merges chapters that would be too short into the one before."""
    kept: list[Chapter] = []
    for chapter in starts:
        if not kept or chapter.second - kept[-1].second >= MIN_CHAPTER_SECONDS:
            kept.append(chapter)
    while len(kept) > 1 and end - kept[-1].second < MIN_CHAPTER_SECONDS:
        kept.pop()
    assert all(later.second - earlier.second >= MIN_CHAPTER_SECONDS for earlier, later in pairwise(kept))
    return tuple(kept)


def shorten_title(title: str) -> str:
    """A title of at most a hundred characters, cut between words."""
    title = " ".join(title.split())
    if len(title) <= MAX_TITLE:
        return title
    head = title[: MAX_TITLE - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(" ,;:-") + "…"


def hashtags(tags: Sequence[str], premise: Premise) -> tuple[str, ...]:
    """Hashtags of letters and digits of every script, no two alike; the genre and AIgenerated come last."""
    words = [*tags, premise.show, premise.genre, "AIgenerated"]
    found: dict[str, str] = {}
    for word in words:
        tag = "".join(re.findall(r"\w+", word.title() if " " in word else word))
        if tag:
            found.setdefault(tag.lower(), f"#{tag}")
    return tuple(found.values())


def _clock(second: int) -> str:
    hours, rest = divmod(second, 3600)
    clock = f"{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{clock}" if hours else clock
