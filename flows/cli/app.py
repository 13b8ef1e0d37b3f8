"""The command line: `prefect run X`, `coldopen X` and `python -m flows X` are the same command.

Everything heavy is imported by the command that needs it: `--help` and the first line of a run need
neither Prefect nor torch. Exit codes: 0 made, 1 failed, 2 the input is wrong, 3 made with gag cards
(`batch`: some were not made), 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Parameter

from flows.cli.board import board
from flows.cli.clip import clip
from flows.cli.episode import batch, episode, meme, new, script
from flows.cli.export import export, import_
from flows.cli.farm import camera, farm
from flows.cli.machine import clean, pull, setup, voices
from flows.cli.script import approve, check, cut, keyframes, plan, retake, speak
from flows.cli.train import train
from flows.studio.errors import StudioError
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
        board,
        new,
        check,
        episode,
        script,
        plan,
        approve,
        keyframes,
        retake,
        speak,
        cut,
        export,
        import_,
        batch,
        clip,
        meme,
        voices,
        train,
        farm,
        camera,
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
    words = [_with_home(token) for token in (sys.argv[1:] if tokens is None else tokens)]
    _prepare_streams()
    app = build_app(name)
    try:
        _check_home()
        code = app(
            words,
            exit_on_error=False,
            print_error=False,
            help_on_error=False,
        )
    except CycloptsError as error:
        called = " ".join([name, *(error.command_chain or ())])
        complain(f"{error}{_meant(words)} ({called} --help says what there is)")
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


def _prepare_streams() -> None:
    """Makes the standard streams take every letter, also where they are closed, and COLUMNS a width."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # closed: `>&-`, pythonw
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # names that it lacks
    columns = os.environ.get("COLUMNS", "80")
    if not columns.isdecimal() or int(columns) < 1:
        del os.environ["COLUMNS"]


def _check_home() -> None:
    """Raises StudioError where nobody knows where caches go: a user without an entry, as in containers."""
    try:
        Path.home()
    except RuntimeError:
        raise StudioError(
            "HOME: wanted a folder for settings and caches, got none, and this user has no other; "
            "set it: HOME=/tmp",
            code=WRONG_INPUT,
        ) from None


def _with_home(token: str) -> str:
    """The token with the home folder in place of a `~` that no shell has expanded: `--output=~/films`."""
    match = re.match(r"(--[\w-]+=)?(~[/\\].*)", token, re.DOTALL)
    return (match[1] or "") + os.path.expanduser(match[2]) if match else token


def _meant(words: Sequence[str]) -> str:
    """What words that are no options may have been meant as; empty if nothing comes to mind."""
    for before, word in zip(["", *words], words, strict=False):
        dashes = re.match(r"[\u2010-\u2015\u2212]+|-(?=[a-z]{2})", word)
        if dashes:
            return f"; try --{word[dashes.end() :]}, with two plain hyphens"
        if word.lower().endswith((".yaml", ".yml")) and not before.startswith("-"):
            return f"; try --premise {shlex.quote(word)}"
    return ""


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
