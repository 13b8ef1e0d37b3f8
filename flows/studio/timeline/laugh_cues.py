"""Laugh cues: which lines are laughed at, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from scripts_llm.screenplay.script import Line, Scene

LinePosition = tuple[int, int]  # the scene's number, the element's number in its dialogue

_LENGTHS = {"small": (20, 28), "aww": (30, 40), "ooh": (28, 38), "big": (40, 58), "applause": (54, 70)}
_WEIGHTS = {"small": 2, "aww": 2, "ooh": 2, "big": 3, "applause": 4}
_ENDS_A_SCENE = 2


def laugh_length(size: str, number: int) -> int:
    """Frames of a laugh of that size, 0.8 to 3 seconds; `number` varies it."""
    least, most = _LENGTHS.get(size, _LENGTHS["small"])
    return least + number % (most - least + 1)


def choose_laughs(scenes: Sequence[Scene]) -> dict[LinePosition, str]:
    """The laughs of the film with their sizes: at most one for two lines.

    The bigger ones win, and those that end a scene.
    """
    places = _places(scenes)
    worth = [_worth(scenes[s], e) for s, e in places]
    best = [0] * (len(places) + 1)  # best[n]: the most that the first n places can be worth
    for n, value in enumerate(worth, 1):
        best[n] = max(best[n - 1], value + (best[n - 2] if n > 1 else 0))
    kept: dict[LinePosition, str] = {}
    n = len(places)
    while n > 0:
        if best[n] == best[n - 1]:
            n -= 1
            continue
        s, e = places[n - 1]
        kept[s, e] = scenes[s].dialogue[e].laugh or "small"
        n -= 2
    return kept


def add_early_laugh(
    scenes: Sequence[Scene], kept: Mapping[LinePosition, str], early: Collection[LinePosition]
) -> dict[LinePosition, str]:
    """Adds a small laugh to `kept`, at the last of the `early` lines that may have one."""
    places = _places(scenes)
    free = [place for place in places if place in early and scenes[place[0]].dialogue[place[1]].laugh is None]
    if not free:
        return dict(kept)
    at = places.index(free[-1])
    silenced = places[max(0, at - 1) : at + 2]
    return {**{place: size for place, size in kept.items() if place not in silenced}, free[-1]: "small"}


def _places(scenes: Sequence[Scene]) -> list[LinePosition]:
    """The positions of all lines, and of beats that are laughed at, in order."""
    return [
        (s, e)
        for s, scene in enumerate(scenes)
        for e, element in enumerate(scene.dialogue)
        if isinstance(element, Line) or element.laugh not in (None, "none")
    ]


def _worth(scene: Scene, e: int) -> int:
    weight = _WEIGHTS.get(scene.dialogue[e].laugh or "none", 0)
    return weight + _ENDS_A_SCENE if weight and e == len(scene.dialogue) - 1 else weight
