"""The command line: `prefect run X`, `coldopen X` and `python -m flows X` are the same command.

Everything heavy is imported by the command that needs it: `--help` and the first line of a run need
neither Prefect nor torch. Exit codes: 0 made, 1 failed, 2 the input is wrong, 3 made with gag cards
(`batch`: some were not made), 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Parameter

from flows.cli.clip import clip
from flows.cli.episode import batch, episode, meme, new, script
from flows.cli.export import export, import_
from flows.cli.machine import clean, pull, setup, voices
from flows.cli.script import check, cut, plan, retake
from flows.cli.train import train
from flows.studio.production.errors import WRONG_INPUT, describe_error

STOPPED = 130


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
            sys.argv[1:] if tokens is None else list(tokens),
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
        known = describe_error(error)
        if known is None:
            raise
        line, code = known
        complain(line)
        raise SystemExit(code) from None
    raise SystemExit(code or 0)  # None: help was shown


def episode_main() -> NoReturn:
    """The console script `episode`: short for `coldopen episode`."""
    main(["episode", *sys.argv[1:]])


prefect_run = App(name="run", help_flags=[], version_flags=[])


@prefect_run.default
def _(*tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> None:
    main(tokens, name="prefect run")


def complain(text: str) -> None:
    """One line to standard error."""
    print(text, file=sys.stderr)
