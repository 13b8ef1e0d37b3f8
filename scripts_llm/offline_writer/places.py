"""Chooses the setting of each scene, and describes what is seen there in the film model's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from scripts_llm.offline_writer.person import flatten
from scripts_llm.offline_writer.story import PlannedScene
from scripts_llm.screenplay.premise import Premise

OUTSIDE = ("street", "park", "beach")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "living room": (
        "apartment",
        "flat",
        "lounge",
        "sofa",
        "couch",
        "parlour",
        "castle",
        "hall",
        "mansion",
        "house",
    ),
    "bar": ("pub", "tavern", "saloon", "cafe", "restaurant", "diner"),
    "classroom": ("school", "class", "lecture", "library"),
    "stage": ("theatre", "theater", "studio", "podium", "concert", "arena", "podium"),
    "spaceship": ("space", "ship", "submarine", "rocket", "bridge", "airlock", "cockpit"),
    "office": ("headquarters", "station", "bureau", "town hall", "desk", "bank", "court"),
    "bedroom": ("attic", "guest room", "spare room", "bed", "cell"),
    "kitchen": ("bakery", "galley", "canteen", "laboratory", "lab"),
    "beach": ("sea", "island", "pier", "harbour", "shore", "desert"),
    "street": ("road", "town", "city", "square", "alley", "market", "front door", "car"),
    "park": ("garden", "forest", "farm", "field", "cemetery", "lawn"),
    "fish shop": ("fishmonger", "shop", "store"),
}

RUSSIAN_PLACES: Mapping[str, str] = {
    **dict.fromkeys(("кухн", "пекарн", "столов", "булочн", "кафе", "коммунал", "лаборатор"), "kitchen"),
    **dict.fromkeys(("контор", "офис", "банк", "бухгалтер", "мэри", "налогов", "почт", "морг"), "office"),
    **dict.fromkeys(("гостин", "квартир", "дом ", "замок", "замк", "общежит"), "living room"),
    **dict.fromkeys(("бар ", "баре", "пивн", "рюмочн", "шашлычн", "ресторан"), "bar"),
    **dict.fromkeys(("улиц", "двор", "город", "площад", "рынок", "рынк", "гараж"), "street"),
    **dict.fromkeys(("парк", "сад ", "лес", "огород", "дач", "скамейк"), "park"),
    **dict.fromkeys(("школ", "класс", "детск", "институт", "библиотек"), "classroom"),
    **dict.fromkeys(("сцен", "театр", "клуб", "цирк"), "stage"),
    **dict.fromkeys(("пляж", "мор", "берег", "остров"), "beach"),
    **dict.fromkeys(("рыбн", "лавк", "магазин"), "fish shop"),
    **dict.fromkeys(("звездол", "космич", "ракет", "корабл"), "spaceship"),
    **dict.fromkeys(("спальн", "шкаф", "чердак", "кладов"), "bedroom"),
}


def find_set(text: str, sets: Sequence[str]) -> str | None:
    """The film model's set that a text names, by its own word or a similar one; None if none."""
    flat = f" {flatten(text.replace('_', ' '))} "
    for name in sorted(sets, key=len, reverse=True):
        if f" {name} " in flat:
            return name
    for name, near in SYNONYMS.items():
        if name in sets and any(f" {word} " in flat for word in near):
            return name
    return None


def named_places(text: str, sets: Sequence[str], *, most: int = 2) -> dict[str, str]:
    """The places that a flattened text names, by key, each with the film model's set for it: `pub: bar`.

    Russian ones get the set's own name as their key.
    """
    found: list[tuple[int, str, str]] = []
    words = {word: name for name in sets for word in (name, *SYNONYMS.get(name, ()))}
    for word, name in words.items():
        if (at := f" {text} ".find(f" {word} ")) >= 0:
            found.append((at, word, name))
    for stem, name in RUSSIAN_PLACES.items():
        if (at := f" {text}".find(f" {stem}")) >= 0 and name in sets:
            found.append((at, name, name))
    places: dict[str, str] = {}
    for _, word, name in sorted(found):
        if name not in places.values() and len(places) < most:
            places[word.replace(" ", "_")] = name
    return places


def map_settings(premise: Premise, sets: Sequence[str]) -> dict[str, str | None]:
    """The film model's set for each setting of the show."""
    found = {
        key: find_set(setting.look, sets) or find_set(key, sets) for key, setting in premise.settings.items()
    }
    return dict(found) or {name: name for name in sets[:1]}


def choose_places(
    scenes: Sequence[PlannedScene], places: Mapping[str, str | None], rng: Random, *, most: int = 5
) -> list[str]:
    """A setting for each scene: the one it asks for if the show has it; never twice in a row."""
    keys = list(places)
    home = keys[0]
    rooms = [key for key in keys if places[key] not in OUTSIDE] or keys
    rooms = rooms if len(rooms) > 2 else keys
    used = (
        rooms if len(rooms) <= most else [home, *rng.sample([key for key in rooms if key != home], most - 1)]
    )
    chosen: list[str] = []
    for number, scene in enumerate(scenes):
        wished = [key for key in keys if places[key] in scene.exchange.sets]
        before = chosen[-1] if chosen else None
        free = (
            [key for key in (wished or used) if key != before]
            or [key for key in used if key != before]
            or [home]
        )
        if scene.step in {"open", "tag"} and not wished and home != before:
            free = [home]
        if len({*chosen}) >= most and (old := [key for key in free if key in chosen]):
            free = old
        least = min(chosen.count(key) for key in free) if number else 0
        chosen.append(rng.choice([key for key in free if chosen.count(key) == least] or free))
    return chosen


def format_slugline(key: str, world: str | None, *, night: bool) -> str:
    """A slugline: "INT. FISH SHOP - DAY"."""
    where = "EXT." if world in OUTSIDE else "INT."
    return f"{where} {key.replace('_', ' ').replace('-', ' ').upper()} - {'NIGHT' if night else 'DAY'}"


_PLACES = {1: ("",), 2: ("on the left", "on the right"), 3: ("on the left", "", "on the right")}


def describe_action(scene: PlannedScene, actions: Sequence[str], props: Sequence[str], rng: Random) -> str:
    """The action of a scene: each person, what they do, where they stand, what they hold; what is close."""
    stage = {role: (verb, prop) for role, verb, prop in scene.exchange.stage}
    present = [role for role in ("A", "C", "B") if role in scene.exchange.roles]
    first = scene.exchange.lines[0].role
    heated = scene.step in {"backfire", "worse"} and rng.random() < 0.45
    sentences: list[str] = []
    for number, role in enumerate(present):
        verb, prop = stage.get(role, ("", ""))
        if not verb:
            verb = "arguing" if heated else "talking" if role == first or rng.random() < 0.4 else "standing"
        held = scene.prop if prop == "thing" else prop
        if not held and (scene.holder == role if not stage else scene.shows_prop and role == "A"):
            held = scene.prop
        place = _PLACES[len(present)][number]
        verb = verb if verb in actions else "standing"
        name = scene.people[role].spoken_name
        words = f"{name[0].upper()}{name[1:]} is {verb}{' ' + place if place else ''}"
        sentences.append(f"{words}, holding a {held}." if held in props else f"{words}.")
    return " ".join((*sentences, *([f"Close on {scene.close_on}."] if scene.close_on else [])))
