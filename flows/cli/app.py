"""The command line: `prefect run X`, `coldopen X` and `python -m flows X` are the same command.

Everything heavy is imported by the command that needs it: `--help` and the first line of a run need
neither Prefect nor torch. Exit codes: 0 made, 1 failed, 2 the input is wrong, 3 made with gag cards
(`batch`: some were not made), 130 after Ctrl-C.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Device, Draft, Episode, Output, Premise, Rewrite, Seed, Verbose, Writer
from flows.cli.clip import clip
from flows.cli.export import export, import_
from flows.cli.script import again, check, cut, plan, retake, with_whole_rewrite
from flows.cli.train import train
from flows.cli.video import VideoOptions, said
from flows.studio.commands.new import PREMISES
from flows.studio.production.console import Screen
from flows.studio.production.faults import WRONG_INPUT, known_fault
from flows.studio.production.request import OUTPUT, BatchOptions, EpisodeOptions, MemeOptions, Outcome, Until

STOPPED = 130
NOTHING_SAID = VideoOptions()
Video = Annotated[VideoOptions, Parameter(name="*")]


def build_app(name: str) -> App:
    """The commands, under the name by which they were called."""
    app = App(
        name=name,
        help="A show premise goes in, a finished episode comes out.",
        version_flags=[],
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    commands: tuple[Callable[..., int], ...] = (
        new,
        check,
        episode,
        script,
        plan,
        retake,
        cut,
        export,
        import_,
        batch,
        clip,
        meme,
        voices,
        train,
        clean,
        pull,
        setup,
    )
    for place, command in enumerate(commands):
        name_of_it = "import" if command is import_ else None  # a word that Python keeps for itself
        app.command(command, name=name_of_it, sort_key=place)
    return app


def main(tokens: Iterable[str] | None = None, *, name: str = "coldopen") -> NoReturn:
    """Runs one command and exits with its code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # names that it lacks
    app = build_app(name)
    try:
        code = app(
            with_whole_rewrite(sys.argv[1:] if tokens is None else tokens),
            exit_on_error=False,
            print_error=False,
            help_on_error=False,
        )
    except CycloptsError as error:
        complain(f"{error} ({' '.join([name, *(error.command_chain or ())])} --help says what there is)")
        raise SystemExit(WRONG_INPUT) from None
    except KeyboardInterrupt:
        complain("Stopped. Nothing is lost: the same command goes on from here.")
        raise SystemExit(STOPPED) from None
    except Exception as error:
        fault = known_fault(error)
        if fault is None:
            raise
        complain(fault[0])
        raise SystemExit(fault[1]) from None
    raise SystemExit(code or 0)  # None: help was shown


def episode_main() -> NoReturn:
    """The console script `episode`: short for `coldopen episode`."""
    main(["episode", *sys.argv[1:]])


prefect_run = App(name="run", help_flags=[], version_flags=[])


@prefect_run.default
def _(*tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> None:
    main(tokens, name="prefect run")


# ---------------------------------------------------------------------------------------- the commands


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
    video: Video = NOTHING_SAID,
    draft: Draft = False,
) -> int:
    """Make an episode, or finish it, or make again what no longer matches its premise and script."""
    asked = EpisodeOptions(premise, episode, until, writer, seed, output, device, verbose)
    return _film(replace(asked, video=said(video), draft=draft))


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
    video: Video = NOTHING_SAID,
) -> int:
    """Finish what is unfinished, then make the next episode of every show. One that fails stops no other."""
    asked = BatchOptions(premises, writer, seed, output, device, verbose, stop_at, on_done)
    return _night(replace(asked, video=said(video)))


def clean(
    *,
    keep: Annotated[
        int, Parameter(validator=Number(gte=0), help="Episodes of every show that stay whole.")
    ] = 5,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say how much it would free.")] = False,
    output: Output = OUTPUT,
) -> int:
    """Take clips, voices and segments of older episodes away. Scripts, recipes and films stay."""
    from flows.studio.commands import clean as clean_command

    with Screen() as screen:
        return _report(clean_command.clean(output, keep=keep, dry_run=dry_run), screen)


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
    video: Video = NOTHING_SAID,
) -> int:
    """Make a meme: one picture that moves in a loop, and two texts."""
    asked = MemeOptions(premise, picture, top, bottom, bar, episode, seed, output, device, verbose)
    return _loop(replace(asked, video=said(video)))


def voices(
    *,
    try_: Annotated[str | None, Parameter(name="--try", help="A voice to hear.")] = None,
    say: Annotated[str | None, Parameter(help="What it says.")] = None,
    cast: Annotated[Path | None, Parameter(help="A premise: every character says a line.")] = None,
    out: Annotated[Path | None, Parameter(help="The WAV file, or for --cast the folder.")] = None,
) -> int:
    """List every voice there is, with its language and pitch; or hear one; or a show's whole cast."""
    from flows.studio.commands import voices as voices_command

    with Screen() as screen:
        if cast is not None:
            voices_command.hear_cast(cast, screen, folder=out)
        elif try_ is not None:
            voices_command.hear(try_, screen, text=say, path=out)
        else:
            for line in voices_command.listed():
                screen.say(line)
    return 0


def pull(
    name: Annotated[str | None, Parameter(help="Which. Left out: what there is.")] = None,
    /,
) -> int:
    """Fetch weights that are not in the package. Without a name: what there is, how big, on whose terms."""
    from flows.studio.workspace import downloads

    with Screen() as screen:
        if name is None:
            for line in downloads.told():
                screen.say(line)
            return 0
        entry = downloads.named(name)
        place = downloads.pull(entry, say=screen.progress)
        screen.say(f"{place}: {entry.about} ({entry.licence})")
    return 0


def setup() -> int:
    """Switch on `prefect run` for every folder, and make the first start quick. Once is enough."""
    from flows.orchestration.setup import prepare

    with Screen() as screen:
        prepare(screen)
    return 0


# ----------------------------------------------------------------------------------------------- a run


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


def complain(text: str) -> None:
    """One line to standard error."""
    print(text, file=sys.stderr)
