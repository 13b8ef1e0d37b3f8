"""The plan of an episode: the shots and lines that its script needs, those that are stored, those missing.

Making a plan writes nothing and needs neither Prefect nor torch.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from flows.studio.acting.cues import Part
from flows.studio.filming import shots as shot_list
from flows.studio.filming.earlier import is_earlier, keep_clips
from flows.studio.filming.settings import FilmSettings, picture_size, resolve_settings
from flows.studio.filming.shots import DIRECTIONS, PlannedShot, with_other_takes
from flows.studio.hosted.camera_prices import user_price_files
from flows.studio.picture import contact_sheet as contact_sheets
from flows.studio.picture import memes
from flows.studio.picture.contact_sheet import Sheet
from flows.studio.picture.upscaler import locate_network
from flows.studio.production.edit import (
    Edit,
    make_edit,
    recipe_without_description,
    rehearse,
    stored_segments,
)
from flows.studio.production.episode import Episode
from flows.studio.production.request import Until
from flows.studio.sound import user_audio
from flows.studio.sound.scene_sounds import scene_sounds
from flows.studio.timeline.pacing import SceneSound
from flows.studio.typography.caption_style import read_style
from flows.studio.voice.lines import PlannedLine, plan_lines
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact, Artifacts
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.premise import Premise, display_name
from scripts_llm.screenplay.script import Script
from scripts_llm.screenplay.video import Video

Kind = Literal["clip", "voice"]
Item = TypeVar("Item", PlannedShot, PlannedLine)
MOST_SHOWN = 12

NEW = "new"
LOST = "its file is gone"
FAILED = "it failed last time"
UNSPOKEN = "its lines are spoken first"
IF_LIPS_DIFFER = "filmed again if its new lines move the lips otherwise"
_REASONS = {
    "prompt": "prompt changed",
    "seed": "seed changed",
    "text": "words changed",
    "parenthetical": "way of saying it changed",
    "voice": "voice changed",
    "weights": "the film model is another one now",
    "model": "the film model is another one now",
    "num_steps": "steps changed",
    "sampler": "sampler changed",
    "speed": "speed changed",
    "takes": "whether takes are judged changed",
    "loras": "LoRAs changed",
    "guidance_scale": "guidance changed",
    "motion_guidance": "how clearly it moves changed",
    "direction_guidance": "how clearly it acts changed",
    "negative_prompt": "style changed",
    "height": "size changed",
    "width": "size changed",
    "num_frames": "frames changed",
    "file": "another file",
    "directions": "what its people do changed: their lips, looks or poses",
    "first": "another first frame",
    "references": "pictures of who is seen changed",
    "corrections": "its file is read better now",
    "size": "size changed",
}


@dataclass(frozen=True)
class Missing:
    """One artifact that is to be made, and why."""

    kind: Kind
    label: str
    why: str

    def __str__(self) -> str:
        return f"{self.label} {self.kind}: {self.why}"


@dataclass(frozen=True)
class Plan:
    """Everything that an episode needs, and everything that is stored in its folder.

    `premise` has the whole cast and the paths of its sounds. `intro` is the title sequence, where the premise
    names a film of one's own. `clips` and `voices` are everything stored, by digest; `lost` are digests whose
    file is gone, `failed` those of shots that became gag cards. `draft` are the film settings of shots that
    are not approved, where only approved ones are filmed with `film`.
    """

    episode: Episode
    premise: Premise
    film: FilmSettings
    intro: PlannedShot | None
    shots: tuple[PlannedShot, ...]
    lines: tuple[PlannedLine, ...]
    sounds: Mapping[str, tuple[SceneSound, ...]]
    clips: Artifacts
    voices: Artifacts
    lost: frozenset[str]
    failed: frozenset[str]
    draft: FilmSettings | None = None

    @property
    def script(self) -> Script:
        """The complete script."""
        assert self.episode.script is not None
        return self.episode.script

    @property
    def all_shots(self) -> tuple[PlannedShot, ...]:
        """The title sequence, if there is one, and every shot of the script."""
        return (*([self.intro] if self.intro else []), *self.shots)

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Every clip and voice that is to be made, with the reason."""
        known = {**dict.fromkeys(self.lost, LOST), **dict.fromkeys(self.failed, FAILED)}
        return (
            *(Missing("clip", shot.title, why) for shot, why in _missing(self._takes, self.clips, known)),
            *(Missing("voice", line.label, why) for line, why in _missing(self.lines, self.voices, known)),
        )

    @property
    def missing_shots(self) -> tuple[PlannedShot, ...]:
        """The shots and takes without a clip, each once, in the script's order; the title sequence apart.

        The draft's come first, so that a film model is loaded once.
        """
        missing = _first_of_each(with_other_takes(self.shots), self.clips)
        return tuple(sorted(missing, key=lambda shot: shot.film is None))

    @property
    def missing_by_film(self) -> Mapping[FilmSettings, Sequence[PlannedShot]]:
        """The shots that are to be filmed, by the settings that film them."""
        found: dict[FilmSettings, list[PlannedShot]] = {}
        for shot in self.missing_shots:
            if shot.file is None:
                found.setdefault(self.film_of(shot), []).append(shot)
        return found

    @property
    def missing_lines(self) -> tuple[PlannedLine, ...]:
        """The lines without a voice, each once, in the script's order."""
        return tuple(_first_of_each(self.lines, self.voices))

    @property
    def num_missing_clips(self) -> int:
        return sum(one.kind == "clip" for one in self.missing)

    @property
    def num_missing_voices(self) -> int:
        return len(self.missing) - self.num_missing_clips

    def is_earlier(self, shot: PlannedShot) -> bool:
        """Whether a shot keeps a clip that an earlier TOON filmed."""
        return is_earlier(shot.recipe, self.film_of(shot))

    @property
    def num_stored(self) -> int:
        """The number of stored clips and voices that the script needs."""
        needed = {shot.digest for shot in self._takes} | {line.digest for line in self.lines}
        return sum(digest in needed for digest in (*self.clips, *self.voices))

    @property
    def filming_seconds(self) -> float | None:
        """The seconds that the missing clips take, judged by the stored ones; None if none was filmed so."""
        each = [seconds_a_shot(self.clips, self.film_of(shot)) for shot in self.missing_shots]
        return None if None in each else sum(seconds or 0 for seconds in each)

    def film_of(self, shot: PlannedShot) -> FilmSettings:
        """The settings that a shot is filmed with."""
        return shot.film or self.film

    @property
    def films(self) -> tuple[FilmSettings, ...]:
        """The settings that the script's shots are filmed with, the camera's first; never none."""
        used = {self.film_of(shot): None for shot in self.shots if shot.file is None}
        return tuple(sorted(used, key=lambda film: film != self.film)) or (self.film,)

    @property
    def filmed_by(self) -> str:
        """The film models as credits name them, each with a licence that forbids something."""
        names = [
            film.title if film.is_for_sale and not film.territory else f"{film.title} ({film.licence})"
            for film in self.films
        ]
        return " and ".join(dict.fromkeys(names))

    @cached_property
    def edit(self) -> Edit:
        """The edit of everything that is stored now; a shot without a clip becomes a gag card."""
        return make_edit(self.premise, self.script, self, **self.edit_settings)

    @property
    def moves_lips(self) -> bool:
        """Whether lips move with the voices, so that these are made before the shots."""
        return _moves_lips(self.episode, self.film, self.draft)

    @property
    def edit_settings(self) -> Mapping[str, Any]:
        """The arguments of `make_edit` that come from the episode: its writer and its seed."""
        return {
            "written_by": self.episode.memory.written_by or "hand",
            "seed": self.episode.sound_seed,
        }

    def with_clips(self, *clips: Artifact) -> Plan:
        """The plan after these clips were filmed."""
        return replace(self, clips={**self.clips, **_by_digest(clips)})

    def with_voices(self, *voices: Artifact) -> Plan:
        """The plan after these lines were spoken."""
        return replace(self, voices={**self.voices, **_by_digest(voices)})

    def refreshed(self) -> Plan:
        """The plan against the episode's folder as it is now."""
        return replace(self, **stored_in(self.episode.folder))

    def is_done(self, until: Until | None) -> bool:
        """Whether everything up to that step is stored, and is what premise and script ask for."""
        if until in ("outline", "script"):
            return True
        kinds = {one.kind for one in self.missing}
        if "clip" in kinds or (until != "clips" and kinds):
            return False
        if until == "clips":
            return self._has_contact_sheet()
        if until == "voices":
            return True
        if until == "cut" and not self.episode.is_meme:
            return not self.missing_segments()
        return self._is_mastered() and self._has_contact_sheet()

    def missing_segments(self) -> tuple[str, ...]:
        """The names of the spans of the film that are not encoded as they are now."""
        stored = stored_segments(self.edit, self.episode.folder)
        return tuple(name for name, path in stored.items() if path is None)

    def contact_sheet(self) -> Sheet:
        """The contact sheet of the clips that are stored."""
        width, height = picture_size(self.premise)
        heading = self.episode.name
        return contact_sheets.sheet_of_shots(self.shots, self.clips, heading=heading, shape=width / height)

    def visible_texts(self) -> tuple[str, ...]:
        """Everything that is to be read in the film: lines, titles, names in its credits, a meme's texts."""
        premise, script = self.premise, self.script
        names = [display_name(key, who) for key, who in premise.characters.items()]
        meme = [script.meme.top, script.meme.bottom, script.meme.bar] if script.meme else []
        titles = [premise.titles.card or premise.show, script.title]
        return (*(line.line.line for line in self.lines), *titles, *names, *meme)

    def film_recipe(self) -> Any:
        """Everything that the finished film is made from, given what is stored."""
        if self.episode.is_meme:
            return memes.meme_recipe(self.premise, self.script, self.shots[0])
        return self.edit.recipe

    def result(self, until: Until | None) -> Path:
        """The file or folder to look at after a step."""
        folder = self.episode.folder
        results = {
            "outline": folder.outline if folder.outline.exists() else folder.script,
            "script": folder.script,
            "clips": folder.contact_sheet,
            "voices": folder.voices,
            "cut": folder.segments,
        }
        return results[until] if until else folder.film

    @property
    def _takes(self) -> tuple[PlannedShot, ...]:
        return with_other_takes(self.all_shots)

    def _has_contact_sheet(self) -> bool:
        return contact_sheets.is_current(self.contact_sheet(), self.episode.folder.contact_sheet)

    def _is_mastered(self) -> bool:
        """Whether the film and the files beside it exist, made from premise and script as they are."""
        folder, recipe = self.episode.folder, self.film_recipe()
        captions = (folder.srt, folder.vtt, folder.ass)
        beside = (folder.gif,) if self.episode.is_meme else captions
        published = () if self.episode.is_meme or folder.draft else (folder.publish,)
        # a film from before its recipe held its description is not mastered again for that alone
        known = {artifacts.digest(one) for one in (recipe, recipe_without_description(recipe))}
        files = (folder.film, folder.poster, *beside, *published)
        return self.episode.memory.film_recipe in known and all(path.exists() for path in files)


def make_plan(episode: Episode) -> Plan:
    """The plan of an episode whose script is complete.

    Raises StudioError for a film model, file, style or sound that is not there, before anything is made.
    """
    script, premise, folders = episode.script, episode.premise, episode.user_folders
    assert script is not None
    film = film_settings(episode, premise, episode.video)
    waiting = episode.video_of_the_draft
    draft = None if waiting is None else film_settings(episode, premise, waiting)
    stored = stored_in(episode.folder)
    lines = plan_lines(script, premise, speaker=episode.speaker, folders=folders, stored=stored["voices"])

    def plan_shots(parts: Mapping[str, Sequence[Part]] | None = None) -> tuple[PlannedShot, ...]:
        seed = episode.film_seed
        shots = shot_list.plan_shots(
            script,
            premise,
            film,
            seed=seed,
            folders=folders,
            draft=draft,
            parts=parts,
        )
        return keep_clips(shots, stored["clips"], film)

    shots = plan_shots()
    if _moves_lips(episode, film, draft) and any(map(_is_acted, shots)):
        seed = episode.sound_seed
        voices, frames = stored["voices"], film.num_frames
        shots = plan_shots(rehearse(premise, script, shots, lines, voices, num_frames=frames, seed=seed))
    intro = _intro(episode, premise)
    sounds = scene_sounds(script, places=folders)
    read_style(premise.captions.style)  # a wrong name is an error before anything is filmed
    audio = user_audio.locate_audio(premise.audio, folders)
    return Plan(
        episode=episode,
        premise=premise.model_copy(update={"audio": audio, "video": locate_network(premise.video, folders)}),
        film=film,
        intro=intro,
        shots=shots,
        lines=lines,
        sounds=sounds,
        failed=frozenset(episode.memory.failed),
        draft=draft,
        **stored,
    )


def _is_acted(shot: PlannedShot) -> bool:
    return any(DIRECTIONS in take.recipe for take in (shot, *shot.others))


def _moves_lips(episode: Episode, *films: FilmSettings | None) -> bool:
    return not episode.is_meme and any(film is not None and film.lips for film in films)


def film_settings(episode: Episode, premise: Premise, video: Video) -> FilmSettings:
    """The film settings of an episode, with the user's prices and the bound on what films may cost."""
    files = user_price_files(episode.premise_path)
    film = resolve_settings(premise, num_steps=episode.memory.num_steps, video=video, price_files=files)
    return replace(film, max_cost=episode.max_cost) if film.is_hosted else film


def seconds_a_shot(clips: Artifacts, film: FilmSettings) -> float | None:
    """The median seconds of a shot with the same model, size and steps; None if none was filmed so."""
    alike = ("model", "height", "width", "num_frames", "num_steps", "speed", "takes")
    recipe = film.recipe
    seconds = [
        float(clip.notes["seconds"])
        for clip in clips.values()
        if all(clip.recipe.get(key) == recipe.get(key) for key in alike) and "seconds" in clip.notes
    ]
    return statistics.median(seconds) if seconds else None


def describe_plan(plan: Plan) -> tuple[str, ...]:
    """The missing things, a line each; one line where everything is new."""
    kept = f"; {plan.num_stored} kept" if plan.num_stored else ""
    clips, voices = _count(plan.num_missing_clips, "shot"), _count(plan.num_missing_voices, "voice line")
    head = f"to make: {clips}, {voices}{kept}"
    if not plan.num_stored and all(one.why == NEW for one in plan.missing):
        return (head,)
    shown = [f"  {one}" for one in plan.missing[:MOST_SHOWN]]
    rest = len(plan.missing) - MOST_SHOWN
    return (head, *shown, *([f"  and {rest} more"] if rest > 0 else []))


def _intro(episode: Episode, premise: Premise) -> PlannedShot | None:
    """The title sequence of one's own; a meme has no title."""
    name = premise.titles.intro
    if name is None or episode.is_meme:
        return None
    where = episode.location_of("titles", "intro")
    return shot_list.plan_title(name, premise, folders=episode.user_folders, where=where)


def stored_in(folder: EpisodeFolder) -> dict[str, Any]:
    """The stored clips and voices of an episode's folder, as fields of a plan."""
    return {
        "clips": artifacts.stored(folder.clips, ".mp4"),
        "voices": artifacts.stored(folder.voices, ".wav"),
        "lost": artifacts.orphans(folder.clips, ".mp4") | artifacts.orphans(folder.voices, ".wav"),
    }


def _by_digest(several: Collection[Artifact]) -> dict[str, Artifact]:
    return {artifacts.digest(one.recipe): one for one in several}


def _first_of_each(items: Sequence[Item], stored: Artifacts) -> list[Item]:
    """The items that are not stored; of equal ones the first."""
    first = {item.digest: item for item in reversed(items)}
    return [item for item in items if item.digest not in stored and first[item.digest] is item]


def _missing(items: Sequence[Item], stored: Artifacts, known: Mapping[str, str]) -> list[tuple[Item, str]]:
    """The items that are not stored, each with the reason."""
    needed = {item.digest for item in items}
    return [
        (item, known.get(item.digest) or _reason(item, stored, needed))
        for item in _first_of_each(items, stored)
    ]


def _reason(item: PlannedShot | PlannedLine, stored: Artifacts, needed: Collection[str]) -> str:
    """Why it is to be made: what differs from the newest artifact of its label that nothing needs."""
    earlier = [one for digest, one in stored.items() if one.label == item.label and digest not in needed]
    waits = isinstance(item, PlannedShot) and item.unspoken
    if not earlier:
        return UNSPOKEN if waits and stored else NEW
    before = max(earlier, key=lambda one: one.path.stat().st_mtime)
    changed = artifacts.changed_keys(before.recipe, item.recipe)
    if waits and set(changed) <= {DIRECTIONS}:
        return IF_LIPS_DIFFER
    if "model" in changed:  # its words are others, too
        return _REASONS["model"]
    if isinstance(item, PlannedShot) and "prompt" in changed:
        written = item.shot.prompt_exact or item.shot.prompt
        is_same = written is not None and before.notes.get("written") == written
        if not is_same:
            return _REASONS["prompt"]
        also = "the scene's action, " if item.directions else ""
        return f"{also}a look or the style changed"
    return ", ".join(dict.fromkeys(_REASONS.get(key, f"{key} changed") for key in changed)) or NEW


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
