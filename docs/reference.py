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

```sh
coldopen new "A cat runs for mayor"                # a premise; --from NAME copies a shipped one
coldopen board                                     # all of it as a page in the browser
coldopen check                                     # what would go wrong, before filming
coldopen episode --premise premises/a-cat.yaml     # premise to film; else the one worked on last
coldopen episode --draft                           # TOON's cartoon of it first
coldopen script --rewrite s04 --note "shorter"     # one scene written again, or all
coldopen script --alternates s04 --pick 2          # another last line; without --pick: which ones
coldopen plan                                      # what the next run makes, why, at what cost
coldopen approve s04.2                             # let the expensive camera film this shot
coldopen retake s04.2                              # another take of a shot; --pick 1 goes back
coldopen speak s02-03                              # a line is heard before it is filmed
coldopen cut --aspect 9:16                         # another shape; with --scenes a short
coldopen export --to otio                          # for an editor of films; --to fountain: for writers
coldopen import draft.fountain                     # and back; Final Draft's .fdx as well
coldopen batch --premises premises/                # the next episode of every show
coldopen clip "orange cat dancing" --out cat.mp4   # one prompt, one clip
coldopen meme --picture "a toaster dances" --top "MONDAY" --bottom "AGAIN"
coldopen voices --cast premises/a-cat.yaml         # every character says a line
coldopen train --model toon --data clips --out me  # fine-tuning
coldopen clean --keep 5 --dry-run                  # what older clips would free
coldopen pull                                      # better voices, a tiny language model
```
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
