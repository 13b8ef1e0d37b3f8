"""A meme's recipe: what it says is what it is made again for."""

from __future__ import annotations

from pathlib import Path

from flows.studio.filming.shots import PlannedShot
from flows.studio.picture import memes
from scripts_llm.screenplay.premise import Meme, Premise
from scripts_llm.screenplay.script import Scene, Script, Shot
from scripts_llm.screenplay.video import Video


def _recipe(meme: Meme, *, file: Path | None = None, **video: str) -> dict[str, object]:
    shot = Shot(prompt=meme.picture)
    scene = Scene(id="s01", slugline="INT. STAGE - DAY", shots=(shot,))
    premise = Premise(show="Toast", genre="meme", meme=meme, video=Video.model_validate(video))
    script = Script(title="Toast", meme=meme, scenes=(scene,))
    words = {"kind": "clip", "prompt": meme.picture}
    return dict(
        memes.meme_recipe(
            premise,
            script,
            PlannedShot("s01.1", scene, shot, meme.picture, meme.picture, 0, words, file=file),
        )
    )


def test_a_bar_is_in_the_recipe_and_none_leaves_it_as_it_was() -> None:
    plain = _recipe(Meme(picture="a toaster", top="when"))
    assert set(plain) == {"kind", "program", "clip", "top", "bottom", "size"}
    barred = _recipe(Meme(picture="a toaster", top="when", bar="toast"))
    assert barred == {**plain, "bar": "toast"}
    assert _recipe(Meme(picture="a toaster", top="when", bar="bread")) != barred


def test_what_hides_a_watermark_is_in_the_recipe_when_asked() -> None:
    plain = _recipe(Meme(picture="a toaster"))
    assert _recipe(Meme(picture="a toaster"), watermark="crop") == {**plain, "watermark": "crop"}
    bug = _recipe(Meme(picture="a toaster"), watermark="bug")
    assert bug == {**plain, "watermark": "bug", "show": "Toast"}


def test_a_meme_of_a_persons_own_film_that_was_three_times_too_slow_is_made_again() -> None:
    meme = Meme(picture="a toaster")
    assert _recipe(meme, file=Path("dance.mp4")) == {**_recipe(meme), "every": 3}
