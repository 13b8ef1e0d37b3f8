"""The errors that this package raises for faulty input, and the suggestion in their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ScriptError(Exception):
    """A premise, a script, an answer or a writer's settings have faults.

    The message is shown to the user as it is: one line for each fault,
    `premise.yaml:3:1: wanted a known key, got 'seasn', did you mean 'season'?`, followed by the line of the
    file and a caret, both indented by four spaces.
    """


class MalformedAnswer(ScriptError):
    """A model's answer that is not JSON, or not of the schema that was asked for."""


def suggest(word: str, options: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The option most like a misspelt word, whatever its case; None if none is similar.

    `cutoff` is the least ratio of difflib's SequenceMatcher, 0 to 1.
    """
    spelled = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=cutoff)
    return spelled[close[0]] if close else None
