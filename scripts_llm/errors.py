"""What this package raises when its input is at fault."""

from __future__ import annotations


class ScriptError(Exception):
    """A premise, a script or a writer's settings are not as wanted.

    The message is made to be shown as it is: one line a fault,
    `premise.yaml:3:1: wanted a known key, got 'seasn', did you mean 'season'?`, and below it, indented by
    four, the file's own line and a caret.
    """


class MalformedAnswer(ScriptError):
    """An answer that is not of the form that was asked for, whatever it means."""
