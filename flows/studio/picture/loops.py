"""A meme's film: one clip, two texts, there and back again, as mp4 and gif."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from flows.studio.filming.settings import picture_size
from flows.studio.filming.shots import WantedShot
from flows.studio.production.edit import Finished
from flows.studio.timeline.model import CLIP_HOLD, FPS, Source
from flows.studio.workspace.folder import EpisodeFolder, writing
from scripts_llm.screenplay.script import Meme, Premise, Script


def meme_of(premise: Premise, script: Script | None = None) -> Meme:
    """The meme: what the script says, else the premise, else its logline as picture and words."""
    if script is not None and script.meme is not None:
        return script.meme
    if premise.meme is not None:
        return premise.meme
    logline = premise.logline or premise.show
    top, comma, bottom = logline.rstrip(".").partition(", ")
    return Meme(picture=logline, top=top[:120] if comma else "", bottom=(bottom if comma else logline)[:120])


def film_recipe(premise: Premise, script: Script, shot: WantedShot) -> Mapping[str, Any]:
    """What the finished meme is made from."""
    meme = meme_of(premise, script)
    recipe = {
        "kind": "meme",
        "program": metadata.version("cold-open"),
        "clip": shot.digest,
        "top": meme.top,
        "bottom": meme.bottom,
        "size": list(picture_size(premise)),
    }
    hidden = premise.video.watermark
    asked = {
        "bar": meme.bar,
        "watermark": hidden,
        "show": premise.show if hidden == "bug" else None,
        "every": CLIP_HOLD if shot.source == "file" else None,  # before, it was three times too slow
    }
    return {**recipe, **{key: value for key, value in asked.items() if value}}


def make_film(
    premise: Premise, script: Script, clip: Path, folder: EpisodeFolder, *, source: Source | None = None
) -> Finished:
    """Writes episode.mp4, episode.gif and poster.png."""
    from flows.studio.picture import memes
    from flows.studio.picture.watermark import Treatment

    meme = meme_of(premise, script)
    how = Treatment(source is None, None if source == "file" else premise.video.watermark, premise.show)
    with writing(folder.film) as mp4, writing(folder.gif) as gif, writing(folder.poster) as poster:
        num_frames = memes.make_meme(
            clip,
            memes.MemeFiles(mp4=mp4, gif=gif, poster=poster),
            words=memes.Words(meme.top, meme.bottom, meme.bar),
            size=picture_size(premise),
            how=how,
        )
    return Finished(num_frames, round(num_frames / FPS, 3))
