"""Assembles a timeline from scenes with their clips and voices, with a comedy's timing.

The film opens cold: somebody talks within two seconds, and the title follows the first joke. A scene lasts as
long as its sound and picture need; `pacing` decides how its lines follow each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from flows.studio.errors import StudioError
from flows.studio.rates import CLIP_HOLD, FPS, SAMPLES_PER_FRAME
from flows.studio.timeline import caption_cues, framing, laugh_cues
from flows.studio.timeline.framing import Footage, Moment
from flows.studio.timeline.laugh_cues import LinePosition
from flows.studio.timeline.model import (
    EffectCue,
    LaughCue,
    LineCue,
    MusicCue,
    PictureCut,
    SoundCue,
    Span,
    Timeline,
    Transition,
)
from flows.studio.timeline.pacing import (
    OPENING,
    SMASH,
    SceneEnd,
    SceneMaterial,
    Tracks,
    derive_seed,
    lay_dialogue,
    to_frames,
    without_drowned_laughs,
)
from flows.studio.typography.caption_style import letters_per_row
from scripts_llm.screenplay.props import names
from scripts_llm.screenplay.script import Line, Scene
from scripts_llm.screenplay.video import Fit

FIRST_LAUGH = 11 * FPS
SHORTEST_SCENE = 20
TITLE = 64
CREDITS = 88
STING = 30
FADE = 12  # to black, and as long back from it
DISSOLVE = 16
EFFECT_FADE = 0.5  # seconds of a `fade_in` or `fade_out` without a number


@dataclass(frozen=True)
class Intro:
    """A title sequence from a person's file: its clip, with its frames at 8 a second, and its sound."""

    clip: Path
    num_frames: int
    sound: Path | None = None


@dataclass(frozen=True)
class FilmFormat:
    """The properties of a film that do not depend on its scenes.

    Attributes:
        width, height: the picture's size in pixels.
        title: the show, and under it, after a newline, the episode; empty for no title card.
        credits: the lines of the credits; empty for no credits.
        intro: a title sequence that is seen in the title card's place.
        laugh_track: whether an audience laughs.
        captions: whether lines have captions.
        caption_style: the style that limits the captions' rows.
        fit: what a clip does that is shorter than its cut, where its shot does not say it.
        names: the names that people read, by the characters' keys.
        seed: decides the small irregularities of gaps and laughs.
    """

    width: int
    height: int
    title: str = ""
    credits: tuple[str, ...] = ()
    intro: Intro | None = None
    laugh_track: bool = True
    captions: bool = True
    caption_style: str = "classic"
    fit: Fit = "boomerang"
    names: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


def assemble(scenes: Sequence[SceneMaterial], film: FilmFormat) -> Timeline:
    """The timeline of a film: its scenes in order, each with its lines, laughs, pictures and sounds.

    Raises StudioError if every scene is skipped, or if one lacks a voice.
    """
    shown = [material for material in scenes if not material.scene.skip]
    if not shown:
        raise StudioError("wanted a scene to cut, but every scene of the script is skipped", code=2)
    script = [without_drowned_laughs(material.scene) for material in shown]
    laughs = laugh_cues.choose_laughs(script) if film.laugh_track else {}
    tracks = _lay(shown, laughs, film)
    if laughs and (not tracks.laughs or tracks.laughs[0].start > FIRST_LAUGH):
        laughs = laugh_cues.add_early_laugh(script, laughs, _early(shown, tracks))
        tracks = _lay(shown, laughs, film)
    limit = letters_per_row(film.width, film.height, style=film.caption_style)
    return Timeline(
        width=film.width,
        height=film.height,
        spans=tuple(tracks.spans),
        pictures=tuple(tracks.pictures),
        lines=tuple(tracks.lines),
        laughs=tuple(tracks.laughs),
        music=tuple(sorted(tracks.music, key=lambda cue: cue.start)),
        captions=caption_cues.make_captions(tracks.lines, tracks.spans, limit=limit) if film.captions else (),
        title=film.title,
        credits=film.credits,
        names=dict(film.names),
        sounds=tuple(tracks.sounds),
        effects=tuple(tracks.effects),
        transitions=tuple(tracks.transitions),
    )


def _early(shown: Sequence[SceneMaterial], tracks: Tracks) -> set[LinePosition]:
    """The positions of the lines that end early enough for the film's first laugh."""
    elements = [(s, e, x) for s, material in enumerate(shown) for e, x in enumerate(material.scene.dialogue)]
    places = [(s, e) for s, e, element in elements if isinstance(element, Line)]
    return {place for place, cue in zip(places, tracks.lines, strict=True) if cue.end <= FIRST_LAUGH}


# --------------------------------------------------------------------------------------- laying tracks


def _lay(shown: Sequence[SceneMaterial], laughs: Mapping[LinePosition, str], film: FilmFormat) -> Tracks:
    tracks = Tracks()
    parts = [material.scene.part for material in shown]
    cold = max(1, next((n for n, part in enumerate(parts) if part != "cold_open"), len(parts)))
    for number in range(len(shown)):
        sizes = {e: size for (s, e), size in laughs.items() if s == number}
        _lay_scene(tracks, shown, number, sizes=sizes, film=film)
        if film.title and number + 1 == cold:
            _lay_card(tracks, "title", TITLE, film.seed, intro=film.intro)
    _lay_beds(tracks, parts, film.seed)
    if film.credits:
        _lay_card(tracks, "credits", CREDITS, film.seed)
    return tracks


def _lay_card(
    tracks: Tracks, card: Literal["title", "credits"], length: int, seed: int, *, intro: Intro | None = None
) -> None:
    """A card, or the title sequence in its place, with its theme."""
    length = intro.num_frames * CLIP_HOLD if intro else length
    start, end = tracks.now, tracks.now + length
    cut = PictureCut(card, card, start, end + DISSOLVE, clip=None, card=card)
    if intro:
        frames = framing.clip_frame_numbers(intro.num_frames, length + DISSOLVE, "hold")
        cut = replace(cut, card=None, clip=intro.clip, frames=frames)
    tracks.spans.append(Span(card, start, end, card))
    tracks.pictures += _within((cut,), start, end)
    tracks.tail = _within((cut,), end, end + DISSOLVE)
    tracks.music.append(MusicCue(card, start, end, derive_seed(seed, card), intro.sound if intro else None))
    tracks.heard = end


def _lay_scene(
    tracks: Tracks,
    shown: Sequence[SceneMaterial],
    number: int,
    *,
    sizes: Mapping[int, str],
    film: FilmFormat,
) -> None:
    """A scene: its dialogue first, which says how long it is, then what is seen and heard with it."""
    material, scene = shown[number], shown[number].scene
    name = scene.id or f"s{number + 1:02d}"
    if len(material.spoken) != len(scene.dialogue):
        raise StudioError(f"{name}: wanted {len(scene.dialogue)} voices, got {len(material.spoken)}")
    start = tracks.now
    is_new_place = number == 0 or _where(shown[number - 1].scene) != _where(scene)
    opening = is_new_place and framing.establishing_shot(material.shots) is not None
    before = len(tracks.lines), len(tracks.laughs), len(tracks.holds)
    lead = OPENING if opening else FADE if scene.transition == "fade" else 0
    dialogue = lay_dialogue(tracks, material, name, lead=lead, sizes=sizes, seed=film.seed)
    lines, laughs = tracks.lines[before[0] :], tracks.laughs[before[1] :]
    end = _end_of(tracks, shown, number, dialogue)
    tracks.spans.append(Span(name, start, end, "scene"))
    holds = tracks.holds[before[2] :]
    last = end + (DISSOLVE if _transition_after(shown, number) == "dissolve" else 0)
    if lines:
        held = {hold[0] for hold in holds}
        laughs = [laugh for laugh in laughs if laugh.start not in held]  # nobody else is seen then
        moments = _moments(start, end, lines, laughs, material.shots, opening=opening)
    else:
        moments = _silent_moments(start, end, material.shots)
        tracks.heard = max(tracks.heard, end)
    moments[-1] = replace(moments[-1], end=last)
    pictures = framing.lay_pictures(
        name, material.shots, moments, fit=film.fit, holds=holds, lines=lines, laughs=tracks.laughs
    )
    _join(tracks, scene, name, start, end)
    tracks.pictures += _within(pictures, start, end)
    tracks.tail = _within(pictures, end, last)
    if number and scene.transition != "smash_cut":
        tracks.music.append(
            MusicCue("sting", start, min(end, start + STING), derive_seed(film.seed, name, "sting"))
        )
    _lay_effects(tracks, material, name, start, end)


def _end_of(tracks: Tracks, shown: Sequence[SceneMaterial], number: int, dialogue: SceneEnd) -> int:
    """The end of a scene's picture, by its dialogue, its duration and the transition that follows."""
    scene, start, end = shown[number].scene, tracks.now, dialogue.end
    following = _transition_after(shown, number)
    if following == "smash_cut":
        end = dialogue.soonest + SMASH
    elif following == "fade":
        end = max(end, dialogue.soonest + FADE)
    if scene.duration != "auto":
        end = max(end, start + to_frames(scene.duration))
    if following is None:
        end = max(end, tracks.heard)  # the last laugh is heard to its end
    return max(end, start + SHORTEST_SCENE)


def _transition_after(shown: Sequence[SceneMaterial], number: int) -> str | None:
    return shown[number + 1].scene.transition if number + 1 < len(shown) else None


def _within(pictures: Sequence[PictureCut], start: int, end: int) -> tuple[PictureCut, ...]:
    """The part of a picture track from `start` to `end`."""
    cuts = []
    for cut in pictures:
        a, b = max(start, cut.start), min(end, cut.end)
        if a < b:
            cuts.append(replace(cut, start=a, end=b, frames=cut.frames[a - cut.start : b - cut.start]))
    return tuple(cuts)


def _join(tracks: Tracks, scene: Scene, name: str, start: int, end: int) -> None:
    """Lays the transition with which a scene follows the span before it."""
    if scene.transition == "fade":
        before = tracks.spans[-2] if len(tracks.spans) > 1 else None
        if before is not None:
            begin = max(start - FADE, (before.start + before.end) // 2)
            tracks.transitions.append(Transition("fade_out", begin, start))
        tracks.transitions.append(Transition("fade_in", start, min(start + FADE, (start + end) // 2)))
    elif scene.transition == "dissolve" and tracks.tail:
        stop = min(start + DISSOLVE, end)
        tracks.transitions.append(Transition("dissolve", start, stop, _within(tracks.tail, start, stop)))


def _lay_effects(tracks: Tracks, material: SceneMaterial, name: str, start: int, end: int) -> None:
    """Lays the effects on the scene's picture, and the sounds over it."""
    for effect in material.scene.effects:
        kind, amount = next(iter(effect.items())) if isinstance(effect, dict) else (effect, None)
        a, b = start, end
        if kind in ("fade_in", "fade_out"):
            length = min(end - start, max(1, to_frames(EFFECT_FADE if amount is None else amount)))
            a, b = (start, start + length) if kind == "fade_in" else (end - length, end)
        tracks.effects.append(EffectCue(name, kind, a, b, amount))
    for sound in material.sounds:
        length = -(-sound.num_samples // SAMPLES_PER_FRAME)
        at = max(start, end - length) if sound.at == "end" else start
        if not isinstance(sound.at, str):
            at = start + to_frames(sound.at)
        tracks.sounds.append(SoundCue(name, sound.name, at, at + length, sound.num_samples, sound.file))


def _where(scene: Scene) -> str:
    return (scene.setting or scene.slugline).casefold()


# ------------------------------------------------------------------------------------ pictures and music


def _moments(
    start: int,
    end: int,
    lines: Sequence[LineCue],
    laughs: Sequence[LaughCue],
    shots: Sequence[Footage],
    *,
    opening: bool,
) -> list[Moment]:
    """Divides `start` to `end` into moments: the place, each speaker, things they name, faces that react."""
    moments: list[Moment] = []
    things = [s.shot.of for s in shots if s.shot.of and s.clip is not None]
    begins = start
    if opening:
        first = lines[0]
        begins = max(
            start + framing.SHORTEST_CUT, min(start + OPENING, first.start + (first.end - first.start) // 2)
        )
        moments.append(Moment(start, begins, place=True))
    after = [*(max(line.start - 2, begins + 1) for line in lines[1:]), end]
    for line, stop in zip(lines, after, strict=True):
        if stop <= begins:
            continue  # a word so short that the place is still seen
        reacts = _reaction(line, stop, laughs, shots)
        spoken = Moment(begins, reacts or stop, who=line.who)
        thing = next((thing for thing in things if names(line.text, thing)), "")
        cut = framing.with_thing(spoken, thing)
        things = [each for each in things if each != thing or len(cut) == 1]  # once a scene
        moments += cut
        if reacts:
            moments.append(Moment(reacts, stop, who=line.who, reaction=True))
        begins = stop
    return moments


def _reaction(line: LineCue, stop: int, laughs: Sequence[LaughCue], shots: Sequence[Footage]) -> int | None:
    """The frame at which a listener's face comes in during a big laugh; None without a face or time."""
    laugh = next((laugh for laugh in laughs if laugh.start == line.end), None)
    others = any(s.shot.who not in (None, line.who) and s.clip is not None for s in shots)
    if laugh is None or laugh.size == "small" or not others:
        return None
    at = laugh.start + framing.REACTION_DELAY
    return at if stop - at >= framing.SHORTEST_CUT else None


def _silent_moments(start: int, end: int, shots: Sequence[Footage]) -> list[Moment]:
    """A scene without a line: each of its first shots in turn."""
    count = max(1, min(len(shots), (end - start) // framing.SHORTEST_CUT))
    edges = [start + (end - start) * i // count for i in range(count + 1)]
    return [Moment(a, b, place=i == 0) for i, (a, b) in enumerate(pairwise(edges))]


def _lay_beds(tracks: Tracks, parts: Sequence[str | None], seed: int) -> None:
    """One bed under each run of scenes of the same part; a title card ends a run."""
    runs: list[tuple[str, int, int]] = []
    scenes = [span for span in tracks.spans if span.kind == "scene"]
    for part, span in zip(parts, scenes, strict=True):
        name = part or "act_1"
        if runs and runs[-1][0] == name and runs[-1][2] == span.start:
            runs[-1] = (name, runs[-1][1], span.end)
        else:
            runs.append((name, span.start, span.end))
    tracks.music += [MusicCue("bed", a, b, derive_seed(seed, name, "bed")) for name, a, b in runs]
