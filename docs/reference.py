"""Writes docs/cli.md out of what the commands say about themselves: `python docs/reference.py`."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from flows.cli.app import build_app

NAME = "coldopen"
HEAD = """# The commands

Every command has three names that do the same: `prefect run X`, `coldopen X` and `python -m flows X`;
`episode` alone is short for `coldopen episode`. Exit codes: 0 made, 1 failed, 2 the input is wrong, 3 made
with gag cards (`batch`: some were not made), 130 after Ctrl-C.

This page is written by `python docs/reference.py` from the commands' own `--help`; a test holds it to that.
"""


def reference() -> str:
    """The whole page."""
    commands = [name for name in build_app(NAME) if not name.startswith("-")]
    blocks = [f"## {NAME} {name}\n\n```text\n{help_of(name)}```\n" for name in commands]
    return "\n".join([HEAD, *blocks])


def help_of(command: str) -> str:
    """What `--help` says, 100 characters wide."""
    console = Console(file=io.StringIO(), width=100, force_terminal=False, color_system=None)
    build_app(NAME).help_print([command], console=console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().strip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(reference(), encoding="utf-8")
