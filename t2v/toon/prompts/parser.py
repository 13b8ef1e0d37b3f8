"""Reads the spans of a prompt from left to right and puts together who is there, what they do and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from t2v.toon.prompts.lexicon import Span, lists
from t2v.toon.world import KINDS, PEOPLE

MOST_FIGURES = 3
COUNTS = {"two": 2, "2": 2, "both": 2, "pair": 2, "couple": 2, "three": 3, "3": 3}
LINKING = ("a", "an", "the", "of", "very", "quite", "really", "rather", "so", "cartoon")
AT = (
    "in",
    "at",
    "on",
    "inside",
    "aboard",
    "into",
    "through",
    "to",
    "from",
    "outside",
    "across",
    "near",
    "by",
)
EMPTY = ("empty", "deserted", "nobody", "no one", "unoccupied")


@dataclass
class Draft:
    """A figure while the prompt is being read; what was not said is None."""

    kind: str | None = None
    colour: str | None = None
    action: str | None = None
    prop: str | None = None
    place: str | None = None
    build: str | None = None
    accessories: list[str] = field(default_factory=list)
    role: bool = False  # named by a calling ("waiter"), which may dress another kind: "robot waiter"
    clothed: bool = False  # the colour is that of the clothes
    opened_at: int = -2

    def do(self, action: str) -> None:
        """The first action counts, but a mere "sitting" gives way to what follows."""
        if self.action is None or self.action == "standing":
            self.action = action

    def add(self, bundle: dict[str, Any]) -> None:
        """What comes with a calling or with a way of doing something."""
        for accessory in bundle.get("accessories", ()):
            self.wear(accessory)
        self.prop = self.prop or bundle.get("prop")
        self.colour = self.colour or bundle.get("colour")
        if "action" in bundle:
            self.do(bundle["action"])

    def wear(self, accessory: str) -> None:
        if accessory not in self.accessories:
            self.accessories.append(accessory)


class Reader:
    """Everything that has been read so far."""

    def __init__(self, spans: list[Span]) -> None:
        self.spans = spans
        self.figures: list[Draft] = []
        self.group = 1  # how many of the last figures an action belongs to
        self.pending = Draft()  # said of a figure that has not been named yet
        self.noun_follows = False  # an unknown word stands between a colour and what may be its noun
        self.sets: list[tuple[bool, str]] = []
        self.setting: dict[str, str] = {}
        self.pronoun: str | None = None
        self.hint: str | None = None
        self.is_empty = False

    def read(self) -> None:
        readers = {
            "kinds": self._kind,
            "bundles": self._bundle,
            "colours": self._colour,
            "builds": self._build,
            "actions": self._action,
            "accessories": self._accessory,
            "clothes": self._clothes,
            "features": self._feature,
            "owners": self._owner,
            "props": self._prop,
            "sets": self._set,
            "places": self._place,
            "pronouns": self._pronoun,
        }
        for at, span in enumerate(self.spans):
            if span.category in ("sizes", "times", "cameras"):
                self.setting.setdefault(span.category, span.meaning)
            elif span.category == "unknown":
                self.noun_follows = self.pending.colour is not None and not self.pending.clothed
            elif span.category in ("glue", "break"):
                self._boundary(span)
            else:
                readers[span.category](at, span)
        self._boundary(Span(".", "break"))
        self._share_actions()
        self._name_the_unnamed()

    @property
    def current(self) -> Draft | None:
        return self.figures[-1] if self.figures else None

    def _boundary(self, span: Span) -> None:
        """A colour or a build that found no noun belongs to the last figure, or to something unknown."""
        self.is_empty = self.is_empty or span.text in EMPTY
        if span.text in LINKING:
            return
        if self.noun_follows:
            self.pending.colour, self.noun_follows = None, False
        if self.current is not None:
            self.current.colour = self.current.colour or self.pending.colour
            self.current.build = self.current.build or self.pending.build
            self.pending.colour = self.pending.build = None

    def _next_names_a_figure(self, at: int) -> bool:
        """Whether nothing but colours, builds and actions stands before the next kind."""
        for span in self.spans[at + 1 :]:
            if span.category == "kinds" or (span.category == "bundles" and self._kind_of(span) is not None):
                return True
            if span.category not in ("colours", "builds", "accessories"):
                return False
        return False

    def _target(self, at: int) -> Draft:
        if self.current is None or self._next_names_a_figure(at):
            return self.pending
        return self.current

    def _is_held(self, at: int) -> bool:
        """Whether "holding a", "with a" … stands before, colours aside."""
        before = at - 1
        while before >= 0 and (
            self.spans[before].category in ("colours", "builds") or self.spans[before].text in LINKING
        ):
            before -= 1
        if before < 0 or self.current is None or self.spans[before].text not in lists()["hold"]:
            return False
        speaks = before > 0 and self.spans[before - 1].meaning in ("talking", "arguing", "dancing")
        return not (speaks and self.spans[before].text == "with" and self.spans[before - 1].text != "is")

    def _stands_at(self, at: int) -> bool:
        """Whether "in the", "at a" … stands before."""
        before = at - 1
        while before >= 0 and self.spans[before].text in LINKING:
            before -= 1
        return before >= 0 and self.spans[before].text in AT

    def _count(self, at: int, span: Span) -> int:
        for before in self.spans[max(at - 4, 0) : at]:
            if before.text in COUNTS:
                return COUNTS[before.text]
        plural = span.text in lists()["plurals"] or (span.text.endswith("s") and span.text[:-1] in KINDS)
        return 2 if plural else 1

    def _kind(self, at: int, span: Span) -> None:
        prop, place = span.other("props"), span.other("sets")
        if prop is not None and self._is_held(at):
            self._prop(at, Span(span.text, "props", prop))
        elif place is not None and self._stands_at(at):
            self._set(at, Span(span.text, "sets", place))
        else:
            self._name(at, span, span.meaning, role=False)

    def _name(self, at: int, span: Span, kind: str, *, role: bool) -> None:
        """Opens a figure, or says more of the one that was just named or is named again."""
        current = self.current
        again = at > 0 and self.spans[at - 1].text == "the"
        known = [figure for figure in self.figures if figure.kind == kind] if again else []
        if known and self.pending == Draft():
            self.figures.remove(known[0])
            self.figures.append(known[0])
            return
        if current is not None and current.opened_at == at - 1:
            if (current.role or current.kind in PEOPLE) and not role:
                current.kind, current.role = kind, False
            elif current.role and role:
                current.kind = kind
            current.opened_at = at
            return
        draft, self.pending = self.pending, Draft()
        draft.kind = "old man" if kind == "man" and self.hint == "old man" else kind
        draft.role, draft.opened_at = role, at
        self.noun_follows, self.hint = False, None
        count = min(self._count(at, span), MOST_FIGURES - len(self.figures))
        self.group = max(count, 1)
        for _ in range(count):
            copy = Draft(**{**vars(draft), "accessories": list(draft.accessories)})
            self.figures.append(copy)

    @staticmethod
    def _kind_of(span: Span) -> str | None:
        bundle = lists()["bundles"][span.meaning]
        return None if bundle.get("adjective") else bundle.get("kind")

    def _bundle(self, at: int, span: Span) -> None:
        bundle = lists()["bundles"][span.meaning]
        place = span.other("sets")
        if place is not None and (self._stands_at(at) or self._is_alone(at)):
            self._set(at, Span(span.text, "sets", place))
            return
        if bundle.get("adjective"):
            self._hint(bundle["kind"])
            return
        if "kind" in bundle:
            self._name(at, span, bundle["kind"], role=True)
        named = "kind" in bundle and self.figures
        for target in self.figures[-self.group :] if named else [self._target(at)]:
            target.add(bundle)
        if "set" in bundle:
            self.sets.append((True, bundle["set"]))

    def _hint(self, kind: str) -> None:
        """Bald or bearded: a man who is one is an old man, whether it is said before or after."""
        self.hint = kind
        if kind == "old man" and self.current is not None and self.current.kind == "man":
            self.current.kind = kind

    def _is_alone(self, at: int) -> bool:
        """Whether the span is all that stands between two breaks, after a figure: ", fishmonger, day"."""
        follows = self.spans[at + 1].category if at + 1 < len(self.spans) else "break"
        return at > 0 and self.spans[at - 1].category == "break" and follows == "break" and bool(self.figures)

    def _colour(self, at: int, span: Span) -> None:
        self.pending.colour = self.pending.colour or span.meaning
        self.noun_follows = False

    def _build(self, at: int, span: Span) -> None:
        self.pending.build = self.pending.build or span.meaning

    def _action(self, at: int, span: Span) -> None:
        if self.current is None or self._next_names_a_figure(at):
            self.pending.do(span.meaning)
            return
        for figure in self.figures[-self.group :]:
            figure.do(span.meaning)

    def _accessory(self, at: int, span: Span) -> None:
        target = self._target(at)
        target.wear(span.meaning)
        if span.meaning not in ("apron", "hat"):
            self.pending.colour = None if self.current is not None else self.pending.colour
        elif target is not self.pending:
            self._dress(target, strong=span.meaning == "apron")

    def _clothes(self, at: int, span: Span) -> None:
        target = self._target(at)
        if target is self.pending:
            target.clothed = target.colour is not None
        else:
            self._dress(target, strong=True)

    def _feature(self, at: int, span: Span) -> None:
        """Green eyes or red shoes do not make a green cat."""
        if not self.pending.clothed:
            self.pending.colour = None

    def _owner(self, at: int, span: Span) -> None:
        """The cat is in the picture when its face is, not when its bowl is."""
        for following in self.spans[at + 1 : at + 4]:
            if following.category == "features":
                self._name(at, span, span.meaning, role=False)
            if following.category in ("features", "break"):
                return

    def _dress(self, target: Draft, *, strong: bool) -> None:
        """The colour that was just said is that of what the figure wears: people are known by it."""
        colour, self.pending.colour = self.pending.colour, None
        if colour is None or (target.clothed and target.colour is not None):
            return
        if target.colour is None or (strong and target.kind in PEOPLE):
            target.colour, target.clothed = colour, strong

    def _prop(self, at: int, span: Span) -> None:
        target = self._target(at)
        target.prop = target.prop or span.meaning
        if target is not self.pending:
            self.pending.colour = None

    def _set(self, at: int, span: Span) -> None:
        self.sets.append((self._stands_at(at), span.meaning))
        if not (self.pending.clothed or self.pending.accessories):
            self.pending.colour = self.pending.build = None  # a small red kitchen: the kitchen's own

    def _place(self, at: int, span: Span) -> None:
        if self.current is not None:
            self.current.place = self.current.place or span.meaning

    def _pronoun(self, at: int, span: Span) -> None:
        self.pronoun = self.pronoun or span.meaning

    def _share_actions(self) -> None:
        """In "a cat, a ghost and a dog dancing" all three dance."""
        listed = False
        for second, first in zip(self.figures[::-1], self.figures[-2::-1], strict=False):
            between = self.spans[first.opened_at + 1 : second.opened_at]
            plain = not any(span.category in ("actions", "sets", "places", "bundles") for span in between)
            breaks = [span.text for span in between if span.category == "break"]
            linked = any(span.text == "and" for span in between) and not breaks
            listed = plain and (linked or (listed and breaks == [","]))
            if listed:
                first.action = first.action or second.action

    def _name_the_unnamed(self) -> None:
        """Someone who acts or wears something but is called by a name only is taken for a man."""
        draft = self.pending
        acts = draft.action is not None and self.setting.get("sizes") != "establishing"
        if self.figures or self.is_empty or not (acts or draft.accessories or self.pronoun or self.hint):
            return
        draft.kind = self.pronoun or self.hint or "man"
        self.figures.append(draft)
