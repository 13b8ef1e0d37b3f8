"""What this package raises when its input is at fault."""

from __future__ import annotations


class ScriptError(Exception):
    """A premise, a script or a writer's settings are not as wanted.

    The message has one line a fault, each made to be shown as it is:
    `premise.yaml:3:5: wanted a whole number, got 'many', try a number or a range like 8-12`.
    """
