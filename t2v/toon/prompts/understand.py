"""What the world understands of a prompt: free words in, the world's own words out; needs no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from t2v.toon.prompts.captions import figure_phrase
from t2v.toon.prompts.lexicon import Span, lists, spans
from t2v.toon.prompts.parser import Draft, Reader
from t2v.toon.world import ACCESSORIES, Described

NOTHING = "establishing shot, empty stage"
PLACES_OF = {1: ("centre",), 2: ("left", "right"), 3: ("left", "centre", "right")}
WEIGHTED = re.compile(r"\((?P<text>[^()]*):\s*(?P<weight>\d*\.?\d+)\s*\)")  # (orange:1.3)
SILENT = ("glue", "break", "unknown", "features", "owners", "clothes", "pronouns")


@dataclass(frozen=True)
class Understood:
    """A prompt in the words of the world; what it did not say is None, and `prompt` leaves it out."""

    set: str | None
    time: str | None
    size: str | None
    camera: str
    figures: tuple[Described, ...]
    prompt: str
    mapped: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    def directed(self, directions: Sequence[str]) -> str:
        """The prompt with the words of a direction after each figure."""
        return _prompt(self.set, self.time, self.size, self.camera, self.figures, directions)


def understand(prompt: str, *, directed: bool = False) -> Understood:
    """The nearest that the world can show; every prompt gets one that can be filmed. Weights say nothing.

    A TOON that is `directed` knows the world's newer actions and props, too.
    """
    found = spans(WEIGHTED.sub(lambda mark: mark["text"], prompt), directed=directed)
    reader = Reader(found)
    reader.read()
    drafts = reader.figures
    size = reader.setting.get("sizes")
    if size == "close-up" and len(drafts) > 1:
        size = "medium"  # a close-up shows one face
    sets = [name for firm, name in sorted(reader.sets, key=lambda entry: not entry[0])]
    places = _places(drafts)
    figures = tuple(_described(draft, place) for draft, place in zip(drafts, places, strict=True))
    named = sets[0] if sets else None
    time, camera = reader.setting.get("times"), reader.setting.get("cameras", "still")
    return Understood(
        set=named,
        time=time,
        size=size,
        camera=camera,
        figures=figures,
        prompt=_prompt(named, time, size, camera, figures),
        mapped=tuple(dict.fromkeys(_told(span) for span in found if span.category not in SILENT)),
        unknown=tuple(dict.fromkeys(span.text for span in found if span.category in ("unknown", "features"))),
    )


def _described(draft: Draft, place: str) -> Described:
    return Described(
        kind=draft.kind or "man",
        colour=draft.colour,
        action=draft.action or "standing",
        accessories=tuple(worn for worn in ACCESSORIES if worn in draft.accessories),
        prop=draft.prop,
        place=place,
        build=draft.build or "normal",
    )


def _places(drafts: list[Draft]) -> list[str]:
    """Places as they were said; the others take those that are left, from left to right."""
    said = [draft.place for draft in drafts]
    free = [place for place in PLACES_OF.get(len(drafts), ()) if place not in said]
    places = []
    for i, place in enumerate(said):
        if place is None or place in said[:i]:
            place = free.pop(0) if free else "centre"
        places.append(place)
    return places


def _prompt(
    named: str | None,
    time: str | None,
    size: str | None,
    camera: str,
    figures: tuple[Described, ...],
    directions: Sequence[str] = (),
) -> str:
    """The canonical caption of what was understood, with a direction after each figure if they are given."""
    if not figures and named is None:
        return NOTHING
    parts = []
    if figures:
        pairs = zip(figures, directions or [""] * len(figures), strict=True)
        said = " and ".join(figure_phrase(f, placed=True, direction=words) for f, words in pairs)
        parts = [f"close-up of {said}"] if size == "close-up" else [f"{size} shot", said] if size else [said]
        if named is not None:
            parts.append(f"in the {named}")
    else:
        parts = [f"{size or 'establishing'} shot", f"empty {named}"]
    if time is not None:
        parts.append(time)
    if camera != "still":
        parts.append(camera)
    return ", ".join(parts)


def _told(span: Span) -> tuple[str, str]:
    """A span and what it was taken for, in words."""
    if span.category != "bundles":
        return span.text, span.meaning
    bundle = lists()["bundles"][span.meaning]
    words = [bundle[key] for key in ("colour", "kind") if key in bundle]
    if "accessories" in bundle:
        words.append("with " + " and ".join(bundle["accessories"]))
    if "prop" in bundle:
        words.append(f"holding a {bundle['prop']}")
    if "action" in bundle:
        words.append(bundle["action"])
    return span.text, " ".join(words)
