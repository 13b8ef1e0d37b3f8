"""`keyframes`: a still picture for each shot, to be looked at before the film model begins with it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from flows.studio.cameras import image_server
from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.cameras.film_model import Preview
from flows.studio.errors import StudioError
from flows.studio.filming import pictures, shots
from flows.studio.filming.camera import film_shots
from flows.studio.filming.models import LoadedModels, describe_model
from flows.studio.filming.settings import (
    FilmSettings,
    draft_video,
    frame_size,
    picture_size,
    resolve_settings,
)
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clips
from flows.studio.picture.contact_sheet import SheetEntry, draw_contact_sheet
from flows.studio.picture.fit import fit_frame
from flows.studio.production import messages
from flows.studio.production.console import Console, count
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import complete_script
from flows.studio.workspace import artifacts, files, folder
from flows.studio.workspace.files import atomic_write, content_hash
from scripts_llm.screenplay.video import Video

SHEET = "keyframes.png"
Draw = Callable[[PlannedShot], Image.Image]


def keyframes(request: EpisodeRequest, by: str, console: Console) -> Outcome:
    """Draws the keyframes that are missing, and a sheet of all. `by` is "toon", or `MODEL@URL` of a server.

    Shots of the user's own files and those with a `first:` need none. Raises StudioError for an episode
    without a script, and for a server that refuses.
    """
    episode = Episode.open(on_the_last_one(request))
    if not episode.has_script:
        command = messages.command(episode, verb="script")
        raise StudioError(f"{episode.folder.script}: wanted a script, there is none yet; {command}", code=2)
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        episode = complete_script(episode)
        size, title = _size(episode)
        toon = resolve_settings(episode.premise, video=draft_video(Video()))
        planned = [shot for shot in _plan(episode, toon) if shot.file is None and shot.shot.first is None]
        drawn_by = _by_toon(toon) if by == DEFAULT_MODEL else _by_server(by, episode)
        wanted = {shot.label: _recipe(shot, size, drawn_by(shot)) for shot in planned}
        place = episode.folder.keyframes
        there = artifacts.stored(place, ".png")
        missing = [shot for shot in planned if artifacts.digest(wanted[shot.label]) not in there]
        console.say(f"{count(len(missing), 'keyframe')} to draw by {by}, {len(planned) - len(missing)} kept")
        if by == DEFAULT_MODEL:
            _draw_by_toon(missing, toon, episode, wanted, console)
        else:
            _draw_by_server(missing, by, episode, wanted, console)
        sheet = _write_sheet(planned, episode)
    then = messages.command(episode)
    lines = (
        f"{count(len(planned), 'keyframe')} in {place}; look at {sheet}, delete or replace what you dislike",
        f"then {title} begins each shot with its keyframe: {then}",
    )
    return Outcome(0, sheet, lines)


def _size(episode: Episode) -> tuple[tuple[int, int], str]:
    """(width, height) of the keyframes, the film model's own; and its title. TOON itself begins with none."""
    video = episode.video_of_the_episode
    facts = describe_model(video.model or DEFAULT_MODEL)
    if facts.is_drawn:
        return picture_size(episode.premise), "a film model that takes a first frame (--video-model)"
    if not facts.takes_first_frame:
        raise StudioError(f"keyframes: {facts.title} takes no first frame, so it begins with none", code=2)
    height, width = frame_size(facts, episode.premise, video)
    return (width, height), facts.title


def _recipe(shot: PlannedShot, size: tuple[int, int], by: Mapping[str, Any]) -> dict[str, Any]:
    assert shot.seeds is not None
    return pictures.keyframe_recipe(shot.seeds.of(1), size, by)


def _plan(episode: Episode, toon: FilmSettings) -> Sequence[PlannedShot]:
    assert episode.script is not None
    return shots.plan_shots(
        episode.script, episode.premise, toon, seed=episode.film_seed, folders=episode.user_folders
    )


# --------------------------------------------------------------------------------------------- by TOON


def _by_toon(toon: FilmSettings) -> Callable[[PlannedShot], Mapping[str, Any]]:
    return lambda shot: {**shot.recipe, "by": toon.name}


def _draw_by_toon(
    missing: Sequence[PlannedShot],
    toon: FilmSettings,
    episode: Episode,
    wanted: Mapping[str, Mapping[str, Any]],
    console: Console,
) -> None:
    """The middle frame of each shot's draft, enlarged; drafts that are filmed are not filmed again."""
    drafts = replace(episode.folder, draft=True).clips
    filmed = {**artifacts.stored(drafts, ".mp4"), **artifacts.stored(episode.folder.clips, ".mp4")}
    to_film = [shot for shot in missing if shot.digest not in filmed]

    def on_step(shot: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
        console.show_preview(preview)
        console.progress(f"{shot.label}, step {step} of {num_steps}", step, num_steps, shot=shot.label)

    with LoadedModels(episode.request.device) as models:
        for made in film_shots(to_film, toon, models, drafts, on_step=on_step):
            if made.clip is None:
                console.warn(f"{made.shot.label}: {made.fault}; it has no keyframe")
            else:
                filmed[made.shot.digest] = made.clip
    for shot in missing:
        if (clip := filmed.get(shot.digest)) is not None:
            frame = clips.read_middle_frame(clip.path)
            _store(shot, Image.fromarray(frame), episode, wanted[shot.label], is_drawn=True)


# -------------------------------------------------------------------------------------- by an image model


def _by_server(by: str, episode: Episode) -> Callable[[PlannedShot], Mapping[str, Any]]:
    image_server.read_image_model(by)

    def described(shot: PlannedShot) -> Mapping[str, Any]:
        portraits = pictures.portraits(shot.scene, shot.shot, episode.premise, episode.user_folders)
        references = [content_hash(path) for path in portraits]
        return {"by": by, "prompt": shot.words, **({"references": references} if references else {})}

    return described


def _draw_by_server(
    missing: Sequence[PlannedShot],
    by: str,
    episode: Episode,
    wanted: Mapping[str, Mapping[str, Any]],
    console: Console,
) -> None:
    model = image_server.read_image_model(by)
    for number, shot in enumerate(missing, start=1):
        console.progress(f"{shot.label}, by {model.model}", number, len(missing), shot=shot.label)
        portraits = pictures.portraits(shot.scene, shot.shot, episode.premise, episode.user_folders)
        width, height = wanted[shot.label]["size"]
        data = image_server.draw(shot.words, model, size=(width, height), references=portraits)
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        _store(shot, picture, episode, wanted[shot.label], is_drawn=False)


# --------------------------------------------------------------------------------------------- the files


def _store(
    shot: PlannedShot, picture: Image.Image, episode: Episode, recipe: Mapping[str, Any], *, is_drawn: bool
) -> None:
    width, height = recipe["size"]

    def write(path: Path) -> Mapping[str, Any]:
        if is_drawn:
            frame = fit_frame(np.asarray(picture), width=width, height=height, framing="crop")
            fitted = Image.fromarray(frame)
        else:
            fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
        fitted.save(path, "PNG")
        return {"words": shot.words}

    artifacts.create(episode.folder.keyframes, shot.label, recipe, ".png", write=write)


def _write_sheet(planned: Sequence[PlannedShot], episode: Episode) -> Path:
    """The keyframes in the order of the script."""
    there = pictures.stored_keyframes([episode.folder.root])
    rows = [
        SheetEntry(there.get(shot.seeds.of(1)) if shot.seeds else None, shot.label, shot.words)
        for shot in planned
    ]
    width, height = picture_size(episode.premise)
    sheet = episode.folder.root / SHEET
    with atomic_write(sheet) as part:
        draw_contact_sheet(rows, part, heading=f"{episode.name}, keyframes", shape=width / height)
    return sheet
