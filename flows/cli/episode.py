"""Commands that make something new: `new`, `episode`, `script`, `batch`, `meme`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli import runs, shown
from flows.cli.arguments import Device, Draft, Episode, Farm, Output, Premise, Rewrite, Seed, Verbose, Writer
from flows.cli.output import run_command
from flows.cli.video import NO_VIDEO_OPTIONS, Video, video_keys
from flows.studio.production.request import (
    OUTPUT,
    PREMISES,
    BatchRequest,
    EpisodeRequest,
    MemeText,
    Until,
)


def new(
    logline: Annotated[str | None, Parameter(help='One sentence: "A cat runs for mayor".')] = None,
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from", help="Copy a shipped premise instead.")] = None,
    premises: Annotated[Path, Parameter(help="The folder that it is written into.")] = PREMISES,
) -> int:
    """Write a premise from a logline, commented, to be edited. Never overwrites one."""
    from flows.studio.commands.new import new

    return run_command(lambda console: new(logline, from_, premises))


def episode(
    *,
    premise: Premise = None,
    episode: Episode = None,
    until: Annotated[Until | None, Parameter(help="Stop after this step.")] = None,
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    device: Device = None,
    farm: Farm = None,
    verbose: Verbose = False,
    video: Video = NO_VIDEO_OPTIONS,
    draft: Draft = False,
    pay_again: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Ask a service again for films that may have been paid for and never came.",
        ),
    ] = False,
) -> int:
    """Make an episode, or finish it, or make again what no longer matches its premise and script."""
    request = EpisodeRequest(
        premise=premise,
        episode=episode,
        until=until,
        writer=writer,
        seed=seed,
        output=output,
        device=device,
        farm=farm,
        video=video_keys(video),
        draft=draft,
        pay_again=pay_again,
    )
    return run_command(lambda console: runs.make_episode(request, console, verbose=verbose))


def script(
    *,
    premise: Premise = None,
    episode: Episode = None,
    until: Annotated[
        Literal["outline", "script"],
        Parameter(help="outline: stop before the scenes, and edit outline.yaml."),
    ] = "script",
    rewrite: Rewrite = None,
    note: Annotated[str, Parameter(help="For --rewrite: what should be otherwise.")] = "",
    alternates: Annotated[
        str | None,
        Parameter(help="Show other last lines of this scene (s04, or a line: s04-02); none yet: write some."),
    ] = None,
    pick: Annotated[
        int | None,
        Parameter(validator=Number(gte=1, lte=9), help="For --alternates: exchange the line for this one."),
    ] = None,
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    verbose: Verbose = False,
) -> int:
    """Write the script and stop. Edit script.yaml by hand; `episode` goes on from there."""
    request = EpisodeRequest(
        premise=premise,
        episode=episode,
        until=None if rewrite or alternates else until,
        writer=writer,
        seed=seed,
        output=output,
    )
    if alternates is not None or pick is not None:
        from flows.studio.commands.alternates import alternates as show_alternates

        return run_command(lambda console: show_alternates(request, alternates, pick, console))
    if rewrite is None:
        return run_command(lambda console: runs.make_episode(request, console, verbose=verbose))
    from flows.studio.commands.rewrite import rewrite as rewrite_script

    return run_command(
        lambda console: shown.run_shown(
            "rewrite",
            request,
            console,
            lambda: rewrite_script(request, rewrite, note, console),
            scene=rewrite,
            note=note,
        )
    )


def batch(
    *,
    premises: Annotated[Path, Parameter(help="The folder of premises, a show each.")] = PREMISES,
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    device: Device = None,
    farm: Farm = None,
    at_once: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1),
            help="So many shows at a time, on the hosts of Prefect's work pool (docs/farm.md).",
        ),
    ] = None,
    stop_at: Annotated[
        str | None, Parameter(help="07:00: no shot is begun after it, and the next night goes on.")
    ] = None,
    on_done: Annotated[
        str | None, Parameter(help="A command that gets the summary as JSON on its standard input.")
    ] = None,
    verbose: Verbose = False,
    video: Video = NO_VIDEO_OPTIONS,
) -> int:
    """Finish what is unfinished, then make the next episode of every show. One that fails stops no other."""
    keys = video_keys(video)
    request = BatchRequest(
        premises=premises,
        writer=writer,
        seed=seed,
        output=output,
        device=device,
        farm=farm,
        at_once=at_once,
        stop_at=stop_at,
        on_done=on_done,
        max_cost=keys.pop("max_cost", None),
        video=keys,
    )
    return run_command(lambda console: runs.make_batch(request, console, verbose=verbose))


def meme(
    *,
    premise: Premise = None,
    picture: Annotated[str | None, Parameter(help='What is seen: "a toaster dances". No file.')] = None,
    top: Annotated[str, Parameter(show_default=False, help="The text above.")] = "",
    bottom: Annotated[str, Parameter(show_default=False, help="The text below.")] = "",
    bar: Annotated[str, Parameter(show_default=False, help="Black text in a white bar above it.")] = "",
    episode: Episode = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    device: Device = None,
    verbose: Verbose = False,
    video: Video = NO_VIDEO_OPTIONS,
) -> int:
    """Make a meme: one picture that moves in a loop, and two texts."""
    text = None if picture is None else MemeText(picture=picture, top=top, bottom=bottom, bar=bar)
    request = EpisodeRequest(
        premise=premise,
        episode=episode,
        seed=seed,
        output=output,
        device=device,
        video=video_keys(video),
        meme=text,
    )
    return run_command(lambda console: runs.make_meme(request, console, verbose=verbose))
