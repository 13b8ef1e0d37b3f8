"""The end of a command on the terminal: its last lines and its exit code."""

from __future__ import annotations

from collections.abc import Callable

from flows.studio.production.console import Console
from flows.studio.production.request import Outcome


def run_command(work: Callable[[Console], Outcome]) -> int:
    """Runs a command with a console, prints the lines of its outcome, and returns its exit code."""
    with Console() as console:
        outcome = work(console)
        for line in outcome.lines:
            console.say(line)
    return outcome.code
