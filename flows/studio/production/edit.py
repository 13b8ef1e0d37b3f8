"""The edit: stored clips and voices become a timeline, its segments, and the finished film."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from flows.studio.acting.cues import Part
from flows.studio.acting.directing import poses_of
from flows.studio.filming.settings import picture_size
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clip_rate, user_files
from flows.studio.media.audio import sound_hash
from flows.studio.picture import contact_sheet, render, sidecars, subtitles, upscale
from flows.studio.picture.render import RenderOptions, segment_recipe
from flows.studio.picture.upscale import PlannedUpscale
from flows.studio.picture.upscaler import own_upscaler
from flows.studio.picture.verify import FinishedFilm
from flows.studio.rates import FPS, SAMPLE_RATE
from flows.studio.release import publish
from flows.studio.sound import user_audio
from flows.studio.timeline.assemble import FilmFormat, Intro, assemble
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import Framing, MusicCue, PictureCut, Span, Timeline
from flows.studio.timeline.pacing import SceneMaterial, SceneSound, SpokenLine
from flows.studio.timeline.performances import seen_parts
from flows.studio.voice.catalog import SPEAKER_CREDITS
from flows.studio.voice.lines import PlannedLine, stored_mouths
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact, Artifacts
from flows.studio.workspace.files import atomic_write
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.premise import Premise, display_name
from scripts_llm.screenplay.script import Script, filmed_scenes
from scripts_llm.screenplay.timing import line_seconds

OnFrame = Callable[[int, int], None]

DESCRIPTION = "told"  # the recipe's key for what the film's file and the files beside it say of it


@dataclass(frozen=True)
class Edit:
    """Everything that decides the finished film, before any of it is encoded."""

    timeline: Timeline
    look: RenderOptions
    premise: Premise
    script: Script
    seed: int

    @property
    def segments(self) -> tuple[tuple[Span, Mapping[str, Any]], ...]:
        """The spans of the film with their recipes."""
        return tuple(
            (span, segment_recipe(self.timeline, span, options=self.look)) for span in self.timeline.spans
        )

    @property
    def thumbnail(self) -> str | None:
        """The scene that the poster shows, if the premise names one."""
        return self.premise.publish.thumbnail if self.premise.publish else None

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Everything that the finished film is made from."""
        timeline = self.timeline
        return {
            **({"thumbnail": self.thumbnail} if self.thumbnail else {}),
            "kind": "film",
            "program": metadata.version("cold-open"),
            "segments": [artifacts.digest(recipe) for _, recipe in self.segments],
            "lines": [[cue.start, cue.end, _digest_in(cue.wav), cue.who, cue.text] for cue in timeline.lines],
            "laughs": [asdict(cue) for cue in timeline.laughs],
            "music": [_music_recipe(cue) for cue in timeline.music],
            "captions": [asdict(caption) for caption in timeline.captions],
            "soft": self.premise.captions.mode == "soft",
            "sounds": [[cue.start, cue.end, cue.name] for cue in timeline.sounds],
            "audio": user_audio.audio_recipe(self.premise.audio),
            "seed": self.seed,
            "title": timeline.title,
            DESCRIPTION: self._description,
        }

    @property
    def _description(self) -> Mapping[str, Any]:
        """Everything written beside the film: tags, publish.txt, caption files."""
        timeline, look = self.timeline, self.look
        colours = subtitles.caption_colours(timeline, look.colours, look.style)
        speakers = {who for caption in timeline.captions for who, _ in caption.rows if who}
        is_soft = self.premise.captions.mode == "soft"
        return {
            "show": self.premise.show,
            "description": description(self),
            "publish": publish.publish_text(self.premise, self.script, timeline, "", number=0),
            "speakers": {who: [timeline.names.get(who), colours[who]] for who in speakers},
            "style": look.style,
            "language": sidecars.language_code(self.premise.language) if is_soft else None,
        }


def recipe_without_description(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """A film's recipe as releases made it that did not count its description."""
    return {key: value for key, value in recipe.items() if key != DESCRIPTION}


def _music_recipe(cue: MusicCue) -> dict[str, Any]:
    """A cue of the music as JSON; a film is known by the hash of its content."""
    recipe = {key: value for key, value in asdict(cue).items() if key != "film"}
    return recipe if cue.film is None else {**recipe, "film": sound_hash(cue.film)}


def _digest_in(path: Path) -> str:
    """The recipe's digest in an artifact's name: the number before it does not count."""
    return path.stem.rsplit("-", 1)[-1]


class Material(Protocol):
    """The material of an edit: planned shots and lines, and the clips and voices stored for them.

    `clips` and `voices` are by digest, `sounds` by the scene's id. `intro` is the shot that is the title
    sequence, and one of `all_shots`.
    """

    @property
    def all_shots(self) -> Sequence[PlannedShot]: ...
    @property
    def lines(self) -> Sequence[PlannedLine]: ...
    @property
    def clips(self) -> Artifacts: ...
    @property
    def voices(self) -> Artifacts: ...
    @property
    def sounds(self) -> Mapping[str, Sequence[SceneSound]]: ...
    @property
    def filmed_by(self) -> str: ...
    @property
    def intro(self) -> PlannedShot | None: ...


def make_edit(
    premise: Premise,
    script: Script,
    material: Material,
    *,
    written_by: str,
    seed: int,
    cards: bool = True,
    framing: Framing = "blur",
) -> Edit:
    """The edit of the material; a shot without a clip becomes a gag card.

    Without `cards` there is neither title nor credits, as in a short of a few scenes.
    """
    width, height = picture_size(premise)
    names = {key: display_name(key, who) for key, who in premise.characters.items()}
    film = FilmFormat(
        width=width,
        height=height,
        title=f"{premise.titles.card or premise.show}\n{script.title}" if cards else "",
        credits=credits_of(premise, written_by, material) if cards and premise.titles.outro_credits else (),
        intro=_intro(material),
        laugh_track=premise.audio.laugh_track != "off",
        caption_style=premise.captions.style,
        fit=premise.video.fit or "boomerang",
        names=names,
        seed=seed,
    )
    timeline = _with_sources(assemble(_takes(script, material), film), material)
    colours = {key: who.caption_color for key, who in premise.characters.items() if who.caption_color}
    look = RenderOptions(
        premise.captions.mode == "burn",
        premise.captions.style,
        colours,
        framing,
        watermark=premise.video.watermark,
        show=premise.titles.card or premise.show,
        smooth=premise.video.smooth,
        upscaler=own_upscaler(Path(premise.video.upscale)) if premise.video.upscale else None,
    )
    return Edit(timeline, look, premise, script, seed)


def _with_sources(timeline: Timeline, material: Material) -> Timeline:
    """The timeline with where clips come from, and every frame of those with more than eight a second."""
    clips = material.clips
    full = {
        clip.path: int(clip.notes["full_frames"]) for clip in clips.values() if "full_frames" in clip.notes
    }
    sources = {clips[shot.digest].path: shot.source for shot in material.all_shots if shot.digest in clips}

    def whole(cut: PictureCut) -> PictureCut:
        if cut.clip is None:
            return cut
        cut = replace(cut, source=sources.get(cut.clip))
        if cut.clip not in full:
            return cut
        frames = clip_rate.at_full_rate(cut.frames, full[cut.clip])
        return replace(cut, frames=frames, full_rate=True)

    joins = tuple(replace(join, tail=tuple(map(whole, join.tail))) for join in timeline.transitions)
    return replace(timeline, pictures=tuple(map(whole, timeline.pictures)), transitions=joins)


def _intro(material: Material) -> Intro | None:
    """The title sequence with its own sound, once its clip is there."""
    wanted = material.intro
    clip = material.clips.get(wanted.digest) if wanted else None
    if wanted is None or clip is None:
        return None
    return Intro(clip.path, int(clip.notes["num_frames"]), wanted.file if clip.notes["has_sound"] else None)


def _takes(script: Script, material: Material) -> list[SceneMaterial]:
    takes = []
    is_acted = any(shot.cues for shot in material.all_shots)
    for scene in filmed_scenes(script):
        shots = [shot for shot in material.all_shots if shot.scene is scene]
        filmed = tuple(_filmed(shot, material.clips.get(shot.digest)) for shot in shots)
        spoken: list[SpokenLine | None] = [None] * len(scene.dialogue)
        for line in material.lines:
            if line.scene is scene:
                wav = material.voices[line.digest]
                spoken[line.index] = SpokenLine(
                    wav.path,
                    int(wav.notes["num_samples"]),
                    bool(wav.notes["murmured"]),
                    tuple((int(a), int(b)) for a, b in wav.notes.get("words", ())),
                    stored_mouths(wav) if is_acted else "",
                )
        sounds = tuple(material.sounds.get(str(scene.id), ()))
        takes.append(SceneMaterial(scene, filmed, tuple(spoken), sounds))
    return takes


def rehearse(
    premise: Premise,
    script: Script,
    shots: Sequence[PlannedShot],
    lines: Sequence[PlannedLine],
    voices: Artifacts,
    *,
    num_frames: int,
    seed: int,
) -> dict[str, tuple[Part, ...]]:
    """What each shot will show of its scene's lines, by its label, before it is filmed in `num_frames`.

    A line without a voice is as long as it is about to be, and a part without mouths.
    """
    width, height = picture_size(premise)
    film = FilmFormat(
        width=width,
        height=height,
        title=premise.show,
        credits=(premise.show,),
        laugh_track=premise.audio.laugh_track != "off",
        captions=False,
        fit=premise.video.fit or "boomerang",
        seed=seed,
    )
    scenes = filmed_scenes(script)
    takes = []
    for scene in scenes:
        footage = tuple(
            Footage(shot.label, shot.shot, Path(shot.label), num_frames)
            for shot in shots
            if shot.scene is scene
        )
        spoken: list[SpokenLine | None] = [None] * len(scene.dialogue)
        for line in (line for line in lines if line.scene is scene):
            spoken[line.index] = _expected(line, voices.get(line.digest))
        takes.append(SceneMaterial(scene, footage, tuple(spoken)))
    return seen_parts(assemble(takes, film), scenes) if takes else {}


def _expected(line: PlannedLine, voice: Artifact | None) -> SpokenLine:
    if voice is None:
        return SpokenLine(Path(line.label), round(line_seconds(line.line.line) * SAMPLE_RATE))
    return SpokenLine(voice.path, int(voice.notes["num_samples"]), mouths=stored_mouths(voice))


def _filmed(shot: PlannedShot, clip: Artifact | None) -> Footage:
    if clip is None:
        return Footage(shot.label, shot.shot, None, 0)
    own = shot.shot
    if shot.file is not None and own.fit is None:  # a clip of one's own is not turned back by itself
        own = own.model_copy(update={"fit": "slow" if user_files.is_still(shot.file) else "hold"})
    poses = poses_of(shot.directions)
    return Footage(shot.label, own, clip.path, int(clip.notes["num_frames"]), shot.cues, poses)


def credits_of(premise: Premise, written_by: str, material: Material) -> tuple[str, ...]:
    """The lines of the credits: cast, writer, film model, voices."""
    spoken = [line.recipe["voice"] for line in material.lines if "voice" in line.recipe]
    speakers = {voice.get("speaker", "embedded") for voice in spoken} or {"embedded"}
    voiced = " and ".join(credit.name for speaker, credit in SPEAKER_CREDITS.items() if speaker in speakers)
    cast = ", ".join(display_name(key, who) for key, who in premise.characters.items())
    return (
        f"With {cast}" if cast else premise.show,
        f"Written by {written_by}",
        f"Filmed by {material.filmed_by}, voiced by {voiced}",
        "Made with Cold Open. AI-generated.",
    )


# -------------------------------------------------------------------------------------------- encoding


def stored_segments(edit: Edit, folder: EpisodeFolder) -> dict[str, Path | None]:
    """The encoded spans of the film by name, in order; None for one that is not encoded as it is now."""
    stored = artifacts.stored(folder.segments, ".mp4")
    segments = {span.id: stored.get(artifacts.digest(recipe)) for span, recipe in edit.segments}
    return {name: segment.path if segment else None for name, segment in segments.items()}


def missing_upscales(edit: Edit, names: Collection[str], folder: EpisodeFolder) -> tuple[PlannedUpscale, ...]:
    """The clips in the spans of these names that are to be enlarged and are not in `upscaled/`."""
    timeline, look = edit.timeline, edit.look
    spans = [span for span in timeline.spans if span.id in names]
    pictures = [*timeline.pictures, *(cut for join in timeline.transitions for cut in join.tail)]
    cuts = [cut for cut in pictures if any(cut.start < span.end and span.start < cut.end for span in spans)]
    plans = upscale.plan_upscales(
        cuts,
        (timeline.width, timeline.height),
        own=look.upscaler,
        framing=look.framing,
        watermark=look.watermark,
    )
    return upscale.missing(plans, folder.upscaled)


def cut_segment(
    edit: Edit, span: Span, recipe: Mapping[str, Any], folder: EpisodeFolder, *, on_frame: OnFrame
) -> Path:
    """Encodes one span of the film, with its recipe; returns its path."""

    def write(path: Path) -> Mapping[str, Any]:
        options = replace(edit.look, upscaled=folder.upscaled)
        render.render_segment(edit.timeline, span, path, options=options, progress=on_frame)
        return {"num_frames": span.end - span.start}

    return artifacts.create(folder.segments, span.id, recipe, ".mp4", write=write).path


def master(edit: Edit, segments: Sequence[Path], folder: EpisodeFolder) -> FinishedFilm:
    """Mixes the sound, joins the segments, checks the film; writes captions and poster beside it."""
    finished = finish(edit, segments, folder, folder.film)
    timeline = edit.timeline
    contact_sheet.write_poster(
        timeline, timeline.title, folder.poster, options=edit.look, scene=edit.thumbnail
    )
    return finished


def finish(edit: Edit, segments: Sequence[Path], folder: EpisodeFolder, film: Path) -> FinishedFilm:
    """Writes the film with its sound to `film`, checks it, and writes its captions beside it."""
    from flows.studio.sound import mix  # scipy, which planning needs not

    timeline = edit.timeline
    write_captions(edit, film)
    is_soft = edit.premise.captions.mode == "soft" and timeline.captions
    language = sidecars.language_code(edit.premise.language)
    soft = (film.with_suffix(".srt"), language) if is_soft else None
    name = "master" if film == folder.film else film.stem
    for cue in timeline.sounds:
        if cue.file is not None:
            user_files.store_copy(cue.file, folder.root)
    wav, track = (folder.segments / f"{name}.{ending}" for ending in ("wav", "m4a"))
    with atomic_write(wav) as wav_part, atomic_write(track) as track_part:
        report = mix.master(timeline, edit.premise.audio, wav_part, seed=edit.seed, encoded=track_part)
        with atomic_write(film) as part:
            render.join_segments(segments, track_part, part, metadata=tags(edit, folder), soft=soft)
            render.verify_film(part, timeline)
    return FinishedFilm(
        num_frames=timeline.num_frames,
        seconds=round(timeline.num_frames / FPS, 3),
        loudness_lufs=report.loudness_lufs,
        true_peak_dbtp=report.true_peak_dbtp,
    )


def write_captions(edit: Edit, film: Path) -> None:
    """Writes the captions beside a film: SubRip, WebVTT, and ASS in the premise's style."""
    timeline, look = edit.timeline, edit.look
    sidecars.write_srt(timeline, film.with_suffix(".srt"))
    sidecars.write_vtt(timeline, film.with_suffix(".vtt"))
    colours = subtitles.caption_colours(timeline, look.colours, look.style)
    subtitles.write_ass(timeline, film.with_suffix(".ass"), style=look.style, colours=colours)


def tags(edit: Edit, folder: EpisodeFolder) -> dict[str, str]:
    """The tags of the film's file."""
    return {
        "title": f"{edit.premise.show} {folder.code}: {edit.script.title}",
        "show": edit.premise.show,
        "description": description(edit),
        "comment": "AI-generated: made with Cold Open",
    }


def description(edit: Edit) -> str:
    """The episode in a sentence."""
    return edit.script.logline or edit.premise.logline or ""
