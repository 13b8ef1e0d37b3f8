"""Premises and scripts as YAML files: read with every fault's line and column, written for people to edit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from scripts_llm.errors import ScriptError
from scripts_llm.screenplay import Beat, Line, Premise, Script
from scripts_llm.yaml_edit import write_into_script
from scripts_llm.yaml_faults import Fault, known_keys, nearest, refuse, shown, validate
from scripts_llm.yaml_nodes import Node, Spot, parse, read_text
from scripts_llm.yaml_write import write_script

__all__ = ["UNUSED_KEYS", "read_premise", "read_script", "unused_keys", "write_into_script", "write_script"]

UNUSED_KEYS = (
    "audio.laugh_track.pack",
    "captions.style",
    "publish",
    "titles.intro",
    "video.fit",
    "video.model",
    "scenes.dialogue.file",
    "scenes.lock",
    "scenes.sfx",
    "scenes.shots.file",
    "scenes.shots.pick",
    "scenes.shots.takes",
)
"""Keys that are accepted, and that nothing reads yet. The documentation says so too."""

_OF_AN_ELEMENT = frozenset(known_keys(Line) + known_keys(Beat))


def read_premise(path: Path) -> Premise:
    """The premise in a YAML file. Raises ScriptError with one line a fault."""
    root = _root(path, "premise", "`show:` and `logline:`")
    premise, faults = validate(Premise, root, path)
    if premise is None:
        raise refuse(faults, path)
    if premise.logline is None and (premise.genre == "sitcom" or premise.meme is None):
        also = "" if premise.genre == "sitcom" else " or `meme:`"
        wanted = f"the key 'logline'{also}"
        raise refuse([Fault(root.start, wanted, "nothing", "adding `logline: ...`, one sentence")], path)
    return premise


def read_script(path: Path, cast: Collection[str]) -> Script:
    """The script in a YAML file; who speaks must be in `cast` or in the script's own. Raises ScriptError."""
    root = _root(path, "script", "`title:` and `scenes:`")
    invented = _child(root, "cast")
    everyone = {*cast, *(invented.value if invented and isinstance(invented.value, dict) else ())}
    root, strangers = _full_lines(root, everyone)
    script, faults = validate(Script, root, path)
    spots = {fault.spot for fault in strangers}
    faults = strangers + [fault for fault in faults if fault.spot not in spots]
    if script is not None and not faults:
        faults = list(_shots_without_a_prompt(script, root)) + list(_ids_used_twice(root))
    if script is None or faults:
        raise refuse(faults, path)
    return script


def unused_keys(made_by_hand: Premise | Script) -> tuple[str, ...]:
    """The keys this file sets that nothing reads yet, like `audio.laugh_track.pack`, each once."""
    return tuple(key for key in UNUSED_KEYS if _is_set(made_by_hand, key.split(".")))


def _is_set(value: Any, way: list[str]) -> bool:
    if isinstance(value, tuple):
        return any(_is_set(element, way) for element in value)
    if not isinstance(value, BaseModel) or way[0] not in value.model_fields_set:
        return False
    inside = getattr(value, way[0])
    if inside is None or inside == ():
        return False
    return len(way) == 1 or _is_set(inside, way[1:])


def _root(path: Path, what: str, least: str) -> Node:
    root = parse(read_text(path, what=what), path)
    if root is None or root.is_blank:
        raise ScriptError(f"{path}: wanted a {what}, got an empty file, try {least}")
    if not isinstance(root.value, dict):
        start = Spot(0, 1, 1)
        raise refuse([Fault(start, f"a mapping with {least}", shown(root), "`key: value` lines")], path)
    return root


# ------------------------------------------------------------------------------------- lines of dialogue


def _child(node: Node | None, key: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, list) and isinstance(key, int):
        return node.value[key]
    return None


def _scenes(root: Node) -> Iterator[Node]:
    scenes = _child(root, "scenes")
    if scenes is not None and isinstance(scenes.value, list):
        yield from scenes.value


def _full_lines(root: Node, everyone: set[str]) -> tuple[Node, list[Fault]]:
    """The tree with every `- joe: text` as `{who: joe, line: text}`, and the lines of strangers."""
    faults: list[Fault] = []
    for scene in _scenes(root):
        dialogue = _child(scene, "dialogue")
        if dialogue is None or not isinstance(dialogue.value, list):
            continue
        for index, element in enumerate(dialogue.value):
            dialogue.value[index] = _full_line(element, everyone, faults)
    return root, faults


def _full_line(element: Node, everyone: set[str], faults: list[Fault]) -> Node:
    content = element.value
    if not isinstance(content, dict):
        return element
    speakers = [key for key in content if key not in _OF_AN_ELEMENT]
    if not ({"who", "line", "beat"} & content.keys()) and speakers:
        if len(speakers) > 1 and set(speakers) <= everyone:
            second = element.keys[speakers[1]]
            faults.append(Fault(second.start, "one line", f"a second by {speakers[1]!r}", "a dash before it"))
        key = element.keys[speakers[0]]
        rest = {name: node for name, node in content.items() if name != speakers[0]}
        element = replace(element, value={"who": key, "line": content[speakers[0]], **rest})
        element.keys["who"], element.keys["line"] = key, key
    return _cast_member(element, everyone, faults)


def _cast_member(element: Node, everyone: set[str], faults: list[Fault]) -> Node:
    """The line with its speaker as the cast spells it; `JOE` is joe."""
    assert isinstance(element.value, dict)
    who = element.value.get("who")
    if who is None or not isinstance(who.value, str) or who.value in everyone:
        return element
    if who.value.lower() in everyone:
        return replace(element, value={**element.value, "who": replace(who, value=who.value.lower())})
    hint = nearest(who.value, everyone) or f"one of: {', '.join(sorted(everyone)) or 'nobody is cast yet'}"
    faults.append(Fault(who.start, "someone of the cast", repr(who.value), hint))
    return element


def _shots_without_a_prompt(script: Script, root: Node) -> Iterator[Fault]:
    for scene, scene_node in zip(script.scenes, _scenes(root), strict=True):
        for index, shot in enumerate(scene.shots or ()):
            if shot.prompt is None and shot.prompt_exact is None and shot.file is None:
                node = _child(_child(scene_node, "shots"), index)
                spot = node.start if node else scene_node.start
                yield Fault(spot, "a shot's `prompt`, `prompt_exact` or `file`", "none of them", "a prompt")


def _ids_used_twice(root: Node) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for scene in _scenes(root):
        node = _child(scene, "id")
        if node is None or not isinstance(node.value, str) or node.is_blank:
            continue
        if node.value in first:
            wanted, got = "an id of its own for every scene", f"{node.value!r} as in line {first[node.value]}"
            yield Fault(node.start, wanted, got, "leaving the id out: it is written in")
        first.setdefault(node.value, node.start.line)
