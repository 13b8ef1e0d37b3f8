"""`report.html`: a page for an episode's makers, one file beside its media, made from manifest.json.

It has, scene by scene, what was filmed, said and understood, the seconds and the cost, and warnings with
advice. Clips are small moving pictures inside the page, because browsers do not play lossless RGB.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.studio.filming import auto_takes
from flows.studio.release import pages
from flows.studio.release.moving import moving_picture
from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.plain_text import display_width

WIDTH = 1000.0  # of the drawing of the timeline
HEIGHT = 60.0  # of its loudness curve
QUIET, LOUD = -50.0, -8.0  # LUFS at its foot and its top
MARGIN = 12  # letters of a name beside it, an East Asian one counts two
THUMB = 256  # pixels, the longer side of a moving picture


@dataclass(frozen=True)
class Shot:
    """A shot: its still and moving picture as data URLs, and its settings."""

    id: str
    size: str
    prompt: str
    understood: str
    facts: str
    still: str | None
    moving: str | None


@dataclass(frozen=True)
class ReportLine:
    """A line, its speaker and its recording."""

    who: str
    text: str
    wav: str | None
    murmured: bool


@dataclass(frozen=True)
class Scene:
    """A scene with its shots and lines."""

    id: str
    slugline: str
    part: str
    action: str
    shots: tuple[Shot, ...]
    lines: tuple[ReportLine, ...]


@dataclass(frozen=True)
class Bar:
    """A stretch of the drawn timeline, in its own units."""

    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Drawing:
    """The drawn timeline: scenes, the lines of each speaker, laughs, and the loudness as a polyline."""

    scenes: tuple[Bar, ...] = ()
    speakers: tuple[tuple[str, tuple[Bar, ...]], ...] = ()
    laughs: tuple[Bar, ...] = ()
    loudness: str = ""
    target: float | None = None


@dataclass(frozen=True)
class Advice:
    """A warning, and what to do about it."""

    what: str
    advice: str


def write_report(folder: EpisodeFolder) -> Path:
    """Writes the report of an episode from its manifest and its clips; returns its path."""
    made = files.read_json(folder.manifest) or {}
    film = pages.mapping(made.get("film"))
    page = pages.render(
        "report",
        show=str(made.get("show") or folder.root.parent.name),
        code=str(folder.code),
        title=str(made.get("title") or "untitled"),
        logline=str(made.get("logline") or ""),
        film=pages.link(folder.film, folder.root),
        gif=pages.link(folder.gif, folder.root),
        poster=pages.link(folder.poster, folder.root),
        facts=_facts(made, film),
        warnings=warnings(made, has_film=folder.film.exists() or folder.gif.exists()),
        drawing=draw_timeline(made),
        short=_short,
        gag_cards=[str(card) for card in made.get("gag_cards") or ()],
        scenes=_scenes(folder, made),
        calls=pages.rows(made.get("writer_calls")),
        versions=pages.mapping(made.get("versions")),
    )
    path = folder.root / "report.html"
    with files.atomic_write(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


# ---------------------------------------------------------------------------------------------- facts


def _facts(made: Mapping[str, Any], film: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The facts about the whole episode, name and value."""
    shots = pages.rows(made.get("shots"))
    filmed = [float(shot["seconds"]) for shot in shots if isinstance(shot.get("seconds"), int | float)]
    calls = pages.rows(made.get("writer_calls"))
    settings, model = pages.mapping(made.get("settings")), pages.mapping(made.get("film_model"))
    found = [
        ("length", pages.minutes(film.get("seconds"))),
        ("loudness", _with_unit(film.get("loudness_lufs"), "LUFS")),
        ("true peak", _with_unit(film.get("true_peak_dbtp"), "dBTP")),
        ("script by", str(pages.mapping(made.get("script")).get("written_by") or "")),
        ("film model", ", ".join(str(model[key]) for key in ("model", "licence") if model.get(key))),
        ("filming", f"{sum(filmed):.0f} s for {len(filmed)} shots" if filmed else ""),
        ("films by services", _dollars(shots)),
        ("seed", str(settings.get("seed", ""))),
        ("tokens", _tokens(calls)),
        ("cost", _cost(calls)),
    ]
    return tuple((name, value) for name, value in found if value)


def _dollars(shots: Sequence[Mapping[str, Any]]) -> str:
    """What services were paid for the shots; empty if none was paid."""
    paid = [float(shot["usd"]) for shot in shots if isinstance(shot.get("usd"), int | float)]
    return f"${sum(paid):.2f} for {len(paid)} shots" if paid else ""


def _tokens(calls: Sequence[Mapping[str, Any]]) -> str:
    """Tokens of all calls; a number that is not known is n/a, never nothing."""
    known = pages.tokens(calls)
    return ("n/a" if calls else "") if known is None else f"{known}"


def _cost(calls: Sequence[Mapping[str, Any]]) -> str:
    """Dollars of all calls; a price that is not known is n/a, never nothing."""
    known = pages.dollars(calls)
    return ("n/a" if calls else "") if known is None else f"${known:.4f}"


def warnings(made: Mapping[str, Any], *, has_film: bool) -> tuple[Advice, ...]:
    """The warnings about an episode, each with advice."""
    found = []
    cards = [str(card) for card in made.get("gag_cards") or ()]
    if cards:
        found.append(
            Advice(f"gag cards: {', '.join(cards)}", "run the same command again: it tries them anew")
        )
    fell_back = pages.mapping(made.get("script")).get("fell_back")
    if fell_back:
        found.append(
            Advice(
                f"the offline writer wrote, because: {fell_back}",
                "see to the endpoint, then: coldopen script --rewrite",
            )
        )
    murmured = [str(line.get("id")) for line in pages.rows(made.get("lines")) if line.get("murmured")]
    if murmured:
        found.append(
            Advice(
                f"murmured, for want of a voice: {', '.join(murmured)}",
                "give the line a recording (file: …), or a voice that speaks its language (coldopen voices)",
            )
        )
    if not has_film:
        found.append(Advice("there is no film yet", "run the same command again: it goes on from here"))
    return tuple(found)


# -------------------------------------------------------------------------------------------- timeline


def draw_timeline(made: Mapping[str, Any]) -> Drawing:
    """The timeline in units of a drawing 1,000 wide, from the manifest's chapter."""
    timeline = pages.mapping(made.get("timeline"))
    total = timeline.get("num_frames")
    if not isinstance(total, int) or total <= 0:
        return Drawing()
    lines = pages.rows(timeline.get("lines"))
    speakers = dict.fromkeys(str(line.get("who")) for line in lines)
    return Drawing(
        scenes=_bars(pages.rows(timeline.get("spans")), total, "id"),
        speakers=tuple(
            (who, _bars((line for line in lines if str(line.get("who")) == who), total, "text"))
            for who in speakers
        ),
        laughs=_bars(pages.rows(timeline.get("laughs")), total, "size"),
        loudness=_curve(pages.mapping(made.get("film")).get("loudness_curve")),
        target=_height(pages.mapping(made.get("film")).get("loudness_lufs")),
    )


def _short(who: str) -> str:
    """As much of a name as fits beside the drawing."""
    kept = who
    while display_width(kept) > MARGIN:
        kept = kept[:-1]
    return kept if kept == who else f"{kept}…"


def _bars(cues: Iterable[Mapping[str, Any]], total: int, label: str) -> tuple[Bar, ...]:
    scale = WIDTH / total
    return tuple(
        Bar(
            round(cue["start"] * scale, 1),
            round((cue["end"] - cue["start"]) * scale, 1),
            str(cue.get(label) or ""),
        )
        for cue in cues
        if isinstance(cue.get("start"), int) and isinstance(cue.get("end"), int)
    )


def _curve(loudness: object) -> str:
    """The loudness, a value a second, as the points of a polyline."""
    if not isinstance(loudness, list) or len(loudness) < 2:
        return ""
    step = WIDTH / (len(loudness) - 1)
    return " ".join(f"{n * step:.1f},{_height(value) or HEIGHT:.1f}" for n, value in enumerate(loudness))


def _height(lufs: object) -> float | None:
    if not isinstance(lufs, int | float):
        return None
    share = (min(max(float(lufs), QUIET), LOUD) - QUIET) / (LOUD - QUIET)
    return round(HEIGHT * (1 - share), 1)


# ---------------------------------------------------------------------------------------------- scenes


def _scenes(folder: EpisodeFolder, made: Mapping[str, Any]) -> tuple[Scene, ...]:
    shots, lines = pages.rows(made.get("shots")), pages.rows(made.get("lines"))
    return tuple(
        Scene(
            id=str(scene.get("id")),
            slugline=str(scene.get("slugline") or ""),
            part=str(scene.get("part") or "").replace("_", " "),
            action=str(scene.get("action") or ""),
            shots=tuple(_shot(folder, shot) for shot in shots if shot.get("scene") == scene.get("id")),
            lines=tuple(_spoken(folder, line) for line in lines if line.get("scene") == scene.get("id")),
        )
        for scene in pages.rows(made.get("scenes"))
    )


def _shot(folder: EpisodeFolder, shot: Mapping[str, Any]) -> Shot:
    clip = folder.clips / str(shot["clip"]) if shot.get("clip") else None
    still, moving = _moving(clip) if clip is not None and clip.is_file() else (None, None)
    seconds = shot.get("seconds")
    facts = [
        f"seed {shot.get('seed')}",
        f"take {shot.get('take') or 1}",
        f"{float(seconds):.1f} s on {shot.get('device') or 'cpu'}"
        if isinstance(seconds, int | float)
        else "",
        auto_takes.describe_takes(shot),
    ]
    return Shot(
        id=str(shot.get("id")),
        size=str(shot.get("size") or ""),
        prompt=str(shot.get("prompt") or ""),
        understood=str(shot.get("understood") or ""),
        facts=" · ".join(fact for fact in facts if fact),
        still=still,
        moving=moving,
    )


def _moving(clip: Path) -> tuple[str, str]:
    """A clip's middle frame as JPEG and all of it as WebP, as data for a page."""
    picture = moving_picture(clip, side=THUMB)
    return _data("jpeg", picture.still), _data("webp", picture.moving)


def _data(kind: str, picture: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _spoken(folder: EpisodeFolder, line: Mapping[str, Any]) -> ReportLine:
    wav = folder.voices / str(line["wav"]) if line.get("wav") else None
    return ReportLine(
        who=str(line.get("who") or ""),
        text=str(line.get("line") or ""),
        wav=pages.link(wav, folder.root),
        murmured=bool(line.get("murmured")),
    )


# ---------------------------------------------------------------------------------------------- values


def _with_unit(value: object, unit: str) -> str:
    return f"{value:.1f} {unit}" if isinstance(value, int | float) else ""
