"""Commands that make something new: `new`, `episode`, `script`, `batch`, `meme`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.cli.arguments import Device, Draft, Episode, Output, Premise, Rewrite, Seed, Verbose, Writer
from flows.cli.script import again
from flows.cli.video import VideoOptions, video_keys
from flows.studio.commands.new import PREMISES
from flows.studio.production.console import Screen
from flows.studio.production.request import OUTPUT, BatchOptions, EpisodeOptions, MemeOptions, Outcome, Until

NO_VIDEO_OPTIONS = VideoOptions()


Video = Annotated[VideoOptions, Parameter(name="*")]


def new(
    logline: Annotated[str | None, Parameter(help='One sentence: "A cat runs for mayor".')] = None,
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from", help="Copy a shipped premise instead.")] = None,
    premises: Annotated[Path, Parameter(help="The folder that it is written into.")] = PREMISES,
) -> int:
    """Write a premise from a logline, commented, to be edited. Never overwrites one."""
    from flows.studio.commands.new import copy_shipped, shipped, write_new
    from scripts_llm.errors import ScriptError

    if (logline is None) == (from_ is None):
        raise ScriptError(
            'wanted either a logline or --from NAME, try: new "A cat runs for mayor", or one of '
            f"--from {', '.join(shipped())}"
        )
    path = write_new(logline, premises) if logline is not None else copy_shipped(str(from_), premises)
    with Screen() as screen:
        screen.say(f"Wrote {path}. Look at it, change what you like, then:")
        screen.say(f"  coldopen episode --premise {shlex.quote(str(path))}")
    return 0


def episode(
    *,
    premise: Premise = None,
    episode: Episode = None,
    until: Annotated[Until | None, Parameter(help="Stop after this step.")] = None,
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    device: Device = None,
    verbose: Verbose = False,
    video: Video = NO_VIDEO_OPTIONS,
    draft: Draft = False,
) -> int:
    """Make an episode, or finish it, or make again what no longer matches its premise and script."""
    asked = EpisodeOptions(premise, episode, until, writer, seed, output, device, verbose)
    return _film(replace(asked, video=video_keys(video), draft=draft))


def script(
    *,
    premise: Premise = None,
    episode: Episode = None,
    rewrite: Rewrite = None,
    note: Annotated[str, Parameter(help="For --rewrite: what should be otherwise.")] = "",
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    verbose: Verbose = False,
) -> int:
    """Write the script and stop. Edit script.yaml by hand; `episode` goes on from there."""
    if rewrite is not None:
        return again(EpisodeOptions(premise, episode, None, writer, seed, output), rewrite, note)
    return _film(EpisodeOptions(premise, episode, "script", writer, seed, output, None, verbose))


def batch(
    *,
    premises: Annotated[Path, Parameter(help="The folder of premises, a show each.")] = PREMISES,
    writer: Writer = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    device: Device = None,
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
    asked = BatchOptions(premises, writer, seed, output, device, verbose, stop_at, on_done)
    return _night(replace(asked, video=video_keys(video)))


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
    asked = MemeOptions(premise, picture, top, bottom, bar, episode, seed, output, device, verbose)
    return _loop(replace(asked, video=video_keys(video)))


def _film(options: EpisodeOptions) -> int:
    from flows.studio.production import messages

    with Screen() as screen:
        screen.say(messages.announce(options))
        screen.progress("looking at what is there")
        outcome = messages.quick_check(options)
        return _report(outcome or _run("flows.episode", options, screen), screen)


def _loop(options: MemeOptions) -> int:
    from flows.studio.production import messages

    with Screen() as screen:
        screen.say(messages.announce(options))
        return _report(_run("flows.meme", options, screen), screen)


def _night(options: BatchOptions) -> int:
    from flows.studio.production import batch as batches

    with Screen() as screen:
        screen.say(batches.announce(options))
        return _report(_run("flows.batch", options, screen), screen)


def _run(flow: str, options: EpisodeOptions | MemeOptions | BatchOptions, screen: Screen) -> Outcome:
    """Calls `make` of a flow's module, with an API for Prefect around it."""
    from flows.orchestration.server import prefect_api

    def load() -> Any:
        return import_module(flow)

    with prefect_api(options.output / "logs", screen=screen, verbose=options.verbose, meanwhile=load):
        outcome: Outcome = load().make(options, screen)
    return outcome


def _report(outcome: Outcome, screen: Screen) -> int:
    for line in outcome.lines:
        screen.say(line)
    return outcome.code
