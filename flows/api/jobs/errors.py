"""What an address names and what is not there."""

from __future__ import annotations

from flows.studio.errors import StudioError


class NotThere(StudioError):
    """What an address names is not there (answered with 404)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)
