"""The survey of a job: what is wanted, what lies there, and so what is to be made. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.studio.filming import shots as shot_list
from flows.studio.filming.settings import FilmSettings, picture_size, resolve_settings
from flows.studio.filming.shots import PlannedShot
from flows.studio.picture import contact_sheet as contact_sheets
from flows.studio.picture import memes
from flows.studio.picture.contact_sheet import Sheet
from flows.studio.production import edit as edits
from flows.studio.production import needed
from flows.studio.production import script as scripts
from flows.studio.production.edit import Edit, Material, make_edit
from flows.studio.production.episode import Job, Written
from flows.studio.production.needed import Plan
from flows.studio.production.request import Until
from flows.studio.sound import user_audio
from flows.studio.sound.scene_sounds import scene_sounds
from flows.studio.timeline.pacing import SceneSound
from flows.studio.typography.caption_style import read_style
from flows.studio.voice.lines import PlannedLine, plan_lines
from flows.studio.workspace import artifacts
from scripts_llm.screenplay.premise import Audio, Premise, display_name


@dataclass(frozen=True)
class Survey:
    """A script with everything that it needs, against the episode's folder.

    `intro` is the title sequence, where the premise names a film of one's own.
    """

    job: Job
    written: Written
    film: FilmSettings
    intro: PlannedShot | None
    shots: tuple[PlannedShot, ...]
    lines: tuple[PlannedLine, ...]
    sounds: Mapping[str, tuple[SceneSound, ...]]
    audio: Audio
    plan: Plan

    @property
    def is_meme(self) -> bool:
        return self.written.premise.genre == "meme"

    @property
    def clips(self) -> tuple[PlannedShot, ...]:
        """The title sequence, if there is one, and every shot."""
        return (*([self.intro] if self.intro else []), *self.shots)

    def is_done(self, until: Until | None) -> bool:
        """Whether everything up to that step lies there and is what premise and script ask for."""
        if until == "script":
            return True
        kinds = {one.kind for one in self.plan.todo}
        if "clip" in kinds or (until != "clips" and kinds):
            return False
        if until == "clips":
            return contact_sheets.is_current(self.contact_sheet(), self.job.folder.contact_sheet)
        if until == "voices":
            return True
        if until == "cut" and not self.is_meme:
            there = artifacts.stored(self.job.folder.segments, ".mp4")
            return all(artifacts.digest(recipe) in there for _, recipe in self.edit().segments)
        return self._is_mastered() and contact_sheets.is_current(
            self.contact_sheet(), self.job.folder.contact_sheet
        )

    def _is_mastered(self) -> bool:
        """Whether the film and what belongs to it lie there, as premise and script ask for them."""
        folder, recipe = self.job.folder, self.film_recipe()
        captions = (folder.srt, folder.vtt, folder.ass)
        beside = (folder.gif,) if self.is_meme else captions
        published = () if self.is_meme or folder.draft else (folder.publish,)
        # a film from before its recipe counted what is told of it is not mastered again for that alone
        known = {artifacts.digest(one) for one in (recipe, edits.before_told(recipe))}
        files = (folder.film, folder.poster, *beside, *published)
        return self.job.memory.film_recipe in known and all(path.exists() for path in files)

    def contact_sheet(self) -> Sheet:
        """The contact sheet of what lies there now."""
        width, height = picture_size(self.written.premise)
        clips = artifacts.stored(self.job.folder.clips, ".mp4")
        return contact_sheets.sheet_of_shots(self.shots, clips, heading=self.job.name, shape=width / height)

    def words(self) -> tuple[str, ...]:
        """All that is to be read in the film: its lines, its titles, the names in its credits."""
        premise, script = self.written.premise, self.written.script
        names = [display_name(key, who) for key, who in premise.characters.items()]
        meme = [script.meme.top, script.meme.bottom, script.meme.bar] if script.meme else []
        titles = [premise.titles.card or premise.show, script.title]
        return (*(line.line.line for line in self.lines), *titles, *names, *meme)

    def material(self) -> Material:
        """What the script wants, with all that lies there of it now."""
        folder = self.job.folder
        return Material(
            shots=self.clips,
            lines=self.lines,
            clips=artifacts.stored(folder.clips, ".mp4"),
            voices=artifacts.stored(folder.voices, ".wav"),
            sounds=self.sounds,
            filmed_by=self.film.title
            if self.film.is_for_sale
            else f"{self.film.title} ({self.film.licence})",
            intro=self.intro,
        )

    def edit(self) -> Edit:
        """The edit of all that lies there now."""
        return make_edit(
            self.written.premise.model_copy(update={"audio": self.audio}),
            self.written.script,
            self.material(),
            written_by=self.written.memory.written_by or "hand",
            seed=self.job.sound_seed,
        )

    def film_recipe(self) -> Any:
        """What the finished film is made from, given what lies there now."""
        if self.is_meme:
            return memes.meme_recipe(self.written.premise, self.written.script, self.shots[0])
        return self.edit().recipe

    def result(self, until: Until | None) -> Path:
        """What to look at after a step."""
        folder = self.job.folder
        places = {
            "script": folder.script,
            "clips": folder.contact_sheet,
            "voices": folder.voices,
            "cut": folder.segments,
        }
        return places[until] if until else folder.film


def look(job: Job, written: Written | None = None) -> Survey | None:
    """The survey; None if the script wants ids or shots written in first."""
    if written is None:
        written = scripts.as_it_stands(job)
        if not scripts.is_complete(written.script):
            return None
    film = resolve_settings(written.premise, num_steps=job.memory.num_steps, video=job.video)
    shots = shot_list.plan_shots(
        written.script, written.premise, film, seed=job.film_seed, folders=job.places
    )
    lines = plan_lines(
        written.script,
        written.premise,
        speaker=job.speaker,
        folders=job.places,
        stored=artifacts.stored(job.folder.voices, ".wav"),
    )
    intro = _intro(job, written.premise)
    made = needed.make_plan(
        job.folder, [*([intro] if intro else []), *shots], lines, film=film, failed=job.memory.failed
    )
    sounds = scene_sounds(written.script, places=job.places)
    read_style(written.premise.captions.style)  # a wrong name is told before anything is filmed
    audio = user_audio.locate_audio(written.premise.audio, job.places)
    return Survey(job, written, film, intro, shots, lines, sounds, audio, made)


def _intro(job: Job, premise: Premise) -> PlannedShot | None:
    """The title sequence of one's own; a meme has no title."""
    name = premise.titles.intro
    if name is None or premise.genre == "meme":
        return None
    return shot_list.plan_title(name, premise, folders=job.places, where=job.place_of("titles", "intro"))
