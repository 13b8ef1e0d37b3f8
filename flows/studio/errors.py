"""The one exception that the studio raises for people."""

from __future__ import annotations


class StudioError(Exception):
    """One line for people: what was wanted, what came, where, what to try.

    `code` is the exit code: 2 where the input is at fault, else 1.
    """

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
