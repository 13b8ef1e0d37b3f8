"""The button of a scene, its last line, and the exchange of a line for one of its alternates."""

from __future__ import annotations

from scripts_llm.screenplay.script import Line, Scene


def find_button(scene: Scene) -> int | None:
    """The index of a scene's last line in its dialogue; None if nobody speaks."""
    indexes = [index for index, element in enumerate(scene.dialogue) if isinstance(element, Line)]
    return indexes[-1] if indexes else None


def exchanged(line: Line, number: int) -> Line:
    """The line with its alternate of that number, from 1; its own words take that place.

    Raises IndexError if there is no such alternate.
    """
    if not 1 <= number <= len(line.alternates):
        raise IndexError(number)
    others = list(line.alternates)
    others[number - 1], now = line.line, others[number - 1]
    return line.model_copy(update={"line": now, "alternates": tuple(others)})
