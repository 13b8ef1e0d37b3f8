"""A meme: one picture that moves in a loop, and two texts; from a premise file, or from words alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from flows.episode import current_screen, on_screen, story
from flows.studio.errors import StudioError
from flows.studio.production import messages, script
from flows.studio.production.console import Screen
from flows.studio.production.episode import Job
from flows.studio.production.request import MemeOptions, Outcome
from flows.studio.workspace import folder


@flow(name="meme", flow_run_name="meme {picture}{premise}")
def meme(  # noqa: PLR0913  # a flow takes what a person may ask for
    premise: str = "",
    picture: str = "",
    top: str = "",
    bottom: str = "",
    bar: str = "",
    episode: str | None = None,
    seed: int | None = None,
    output: str = "output",
    device: str | None = None,
    video: dict[str, Any] | None = None,
) -> Outcome:
    """A meme of a premise file, or of a picture in words with a text above, one below, and one in a bar.

    `video` has the keys of the premise's and counts before them.
    """
    options = MemeOptions(
        premise=Path(premise) if premise else None,
        picture=picture or None,
        top=top,
        bottom=bottom,
        bar=bar,
        episode=episode,
        seed=seed,
        output=Path(output),
        device=device,
        video=video or {},
    )
    screen = current_screen() or Screen(write=get_run_logger().info)
    return tell(options, screen)


def make(options: MemeOptions, screen: Screen) -> Outcome:
    """The meme that the options ask for, recorded by Prefect."""
    return on_screen(
        screen,
        lambda: meme(
            premise=str(options.premise) if options.premise else "",
            picture=options.picture or "",
            top=options.top,
            bottom=options.bottom,
            bar=options.bar,
            episode=options.episode,
            seed=options.seed,
            output=str(options.output),
            device=options.device,
            video=dict(options.video),
        ),
    )


def tell(options: MemeOptions, screen: Screen) -> Outcome:
    """The story of an episode, whose film is a loop."""
    wanted = messages.prepare(options)
    if wanted.premise.genre != "meme":
        raise StudioError(
            f"{wanted.premise_path or wanted.premise.show}: wanted genre: meme, got {wanted.premise.genre}; "
            f"try: {messages.command(wanted)}",
            code=2,
        )
    _let_new_words_in(wanted, screen)
    return story(messages.prepare(options), screen)


def _let_new_words_in(wanted: Job, screen: Screen) -> None:
    """Other texts or another picture than the script's: it makes room, and is kept if a person changed it."""
    place = wanted.folder
    if not place.script.exists() or wanted.premise.meme is None:
        return
    if script.as_it_stands(wanted).script.meme == wanted.premise.meme:
        return
    if wanted.premise_path is not None and script.was_edited(wanted):
        return  # a script that was edited by hand beats the premise
    with folder.locked(place):
        if script.was_edited(wanted):
            kept = script.put_aside(place)
            screen.say(f"the script that you edited is kept as {kept}")
        else:
            place.script.unlink()
