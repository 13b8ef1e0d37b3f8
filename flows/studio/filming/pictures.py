"""The pictures that a shot is filmed from: its first frame, and those of the people and the place in it.

A film model that takes references gets pictures of who is in the shot, the speaker's first. One that takes
a first frame gets the shot's `first:`, else its keyframe, if there is one. A portrait is never a first frame:
every shot would begin on the portrait's background.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from flows.studio.cameras.facts import ModelFacts
from flows.studio.cameras.film_model import RenderError
from flows.studio.errors import StudioError
from flows.studio.filming import prompt
from flows.studio.filming.settings import FilmSettings
from flows.studio.media import clips, user_files
from flows.studio.media.clips import Frames
from flows.studio.workspace import artifacts
from flows.studio.workspace.files import content_hash
from flows.studio.workspace.folder import KEYFRAMES
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import PREVIOUS, Scene, Shot

KEYFRAME = "keyframe"  # the kind of its recipe
LARGEST_REFERENCE = 1024  # pixels of its longer side
Use = Literal["references", "first frames", "words"]


@dataclass(frozen=True)
class ShotPictures:
    """The pictures of one shot. `previous` is the digest of the clip whose last frame it begins with."""

    first: Path | None = None
    previous: str | None = None
    references: tuple[Path, ...] = ()

    @property
    def recipe(self) -> dict[str, Any]:
        """Their part of a clip's recipe, by content; nothing of a shot without pictures."""
        found: dict[str, Any] = {}
        if self.first is not None:
            found["first"] = content_hash(self.first)
        if self.previous is not None:
            found["first"] = ["previous", self.previous]
        if self.references:
            found["references"] = [content_hash(path) for path in self.references]
        return found


NONE = ShotPictures()


def use_of(facts: ModelFacts | FilmSettings) -> Use:
    """What a film model does with pictures of people and places."""
    if facts.references:
        return "references"
    return "first frames" if facts.takes_first_frame and not facts.is_drawn else "words"


def describe_use(premise: Premise, facts: ModelFacts) -> str:
    """What becomes of the premise's pictures, in a line; "" if it has none."""
    named = [key for key, who in premise.characters.items() if who.picture]
    named += [key for key, place in premise.settings.items() if place.picture]
    if not named:
        return ""
    said = {
        "references": f"{facts.title} films with at most {facts.references} of them as references in a shot",
        "first frames": f"{facts.title} takes no references, but a first frame: `coldopen keyframes` draws "
        "one for each shot; without, looks are words alone",
        "words": f"{facts.title} takes no pictures of people: looks are words alone",
    }
    return f"pictures of {', '.join(named)}: {said[use_of(facts)]}"


@dataclass(frozen=True)
class Beginning:
    """What a shot may begin with where its `first:` says nothing else, or says `previous`."""

    keyframe: Path | None = None
    before: str | None = None  # the digest of the shot before it in its scene


def select(
    label: str,
    scene: Scene,
    shot: Shot,
    premise: Premise,
    film: FilmSettings,
    *,
    folders: Sequence[Path],
    begin: Beginning,
) -> ShotPictures:
    """The pictures of a shot for this film model.

    Raises StudioError for a file that is not there, and for a first frame that the model does not take, or
    cannot do without.
    """
    if film.needs_pictures and not film.takes_first_frame:
        told = "films between two pictures, which no script names: `clip --image A --last-image B`"
        raise StudioError(f"{label}: {film.title} {told}", code=2)
    first, previous = None, None
    if shot.first is not None and not film.takes_first_frame:
        raise StudioError(f"{label}: first: {film.title} takes no first frame; leave it out", code=2)
    if shot.first == PREVIOUS:
        if begin.before is None:
            told = "there is no filmed shot before it in its scene; leave it out"
            raise StudioError(f"{label}: first: previous: {told}", code=2)
        previous = begin.before
    elif shot.first is not None:
        first = user_files.locate(shot.first, folders, where=f"{label}: first")
    elif film.takes_first_frame and not film.is_drawn:
        first = begin.keyframe
    if film.needs_pictures and first is None and previous is None:
        told = "films from a first frame alone: `coldopen keyframes` draws them, or name a file as first:"
        raise StudioError(f"{label}: {film.title} {told}", code=2)
    references = portraits(scene, shot, premise, folders)[: film.references]
    return ShotPictures(first, previous, references)


def portraits(scene: Scene, shot: Shot, premise: Premise, folders: Sequence[Path]) -> tuple[Path, ...]:
    """The pictures of who is in the shot, the speaker's first, then that of the place."""
    words = shot.prompt or scene.action
    named_in_words = prompt.characters_named(words, premise.characters)
    people = dict.fromkeys([*([shot.who] if shot.who else []), *named_in_words])
    named: dict[str, str] = {
        f"characters: {key}": picture
        for key in people
        if key in premise.characters and (picture := premise.characters[key].picture)
    }
    place = premise.settings.get(scene.setting or "")
    if place is not None and place.picture:
        named[f"settings: {scene.setting}"] = place.picture
    return tuple(user_files.locate(name, folders, where=f"{where}: picture") for where, name in named.items())


# ----------------------------------------------------------------------------------------------- reading


def read(pictures: ShotPictures, film: FilmSettings, clip_folder: Path) -> Mapping[str, Any]:
    """The pictures as arguments of `FilmModel.generate`: `hold` and `references`.

    A copy of each file is kept in the episode's folder. Raises StudioError for what is no picture, and
    RenderError where the shot before has no clip.
    """
    given: dict[str, Any] = {}
    size = (film.width, film.height)
    if pictures.first is not None:
        user_files.store_copy(pictures.first, clip_folder.parent)
        given["hold"] = {0: _fitted(user_files.open_picture(pictures.first), size)}
    if pictures.previous is not None:
        given["hold"] = {0: _fitted(_last_frame(pictures.previous, clip_folder), size)}
    if pictures.references:
        for path in pictures.references:
            user_files.store_copy(path, clip_folder.parent)
        given["references"] = [_small(user_files.open_picture(path)) for path in pictures.references]
    return given


def grey(film: FilmSettings) -> dict[str, Any]:
    """Grey pictures for a trial by a model that films nothing without; as arguments of `generate`."""
    if not film.needs_pictures:
        return {}
    numbers = (0,) if film.takes_first_frame else (0, -1)
    return {"hold": dict.fromkeys(numbers, np.full((film.height, film.width, 3), 127, np.uint8))}


def read_as_png(
    pictures: ShotPictures, film: FilmSettings, clip_folder: Path
) -> tuple[bytes | None, tuple[bytes, ...]]:
    """The first frame and the references as PNG files, for a server. Raises as `read` does."""
    given = read(pictures, film, clip_folder)
    first = given["hold"][0] if "hold" in given else None
    references = given.get("references", ())
    return None if first is None else _png(first), tuple(map(_png, references))


def from_png(first: bytes | None, references: Sequence[bytes]) -> dict[str, Any]:
    """What `read` gives, out of what `read_as_png` gave: the same pixels."""
    given: dict[str, Any] = {}
    if first is not None:
        given["hold"] = {0: _from_png(first)}
    if references:
        given["references"] = [_from_png(each) for each in references]
    return given


def _png(frame: Frames) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


def _from_png(png: bytes) -> Frames:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Frames:
    return np.asarray(ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.LANCZOS))


def _small(picture: Image.Image) -> Frames:
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST_REFERENCE, LARGEST_REFERENCE))
    return np.asarray(picture)


def _last_frame(digest: str, clip_folder: Path) -> Image.Image:
    found = sorted(clip_folder.glob(f"*-{digest}.mp4"))
    if not found:
        raise RenderError("the shot before it has no clip, whose last frame it would begin with")
    frame = None
    for each in clips.iter_frames(found[0]):
        frame = each
    assert frame is not None
    return Image.fromarray(frame)


# ----------------------------------------------------------------------------------------------- keyframes


def keyframe_recipe(seed: int, size: tuple[int, int], by: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe of a keyframe of `size` (width, height) for the shot whose first take has this seed.

    `by` is what draws it, with its settings.
    """
    return {**by, "kind": KEYFRAME, "of": seed, "size": list(size)}


def stored_keyframes(folders: Sequence[Path]) -> dict[int, Path]:
    """The newest keyframe of each shot in `keyframes/` of these folders, by the seed of its first take.

    Whoever dislikes one deletes it, or puts a picture of their own in its place: the shot is filmed from what
    lies there, by its content.
    """
    found = [one for folder in folders for one in artifacts.stored(folder / KEYFRAMES, ".png").values()]
    found = [one for one in found if one.recipe.get("kind") == KEYFRAME]
    found.sort(key=lambda one: one.path.with_suffix(".json").stat().st_mtime_ns)
    return {int(one.recipe["of"]): one.path for one in found}
