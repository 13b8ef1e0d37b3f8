"""Reads premises and scripts from YAML files and reports every fault with its line and column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Fault, Source, Spot, faults_error, read_text, spot_at
from scripts_llm.files.validation import describe_node, known_keys, suggestion, validate
from scripts_llm.files.yaml_nodes import Node, children, parse, resolve_scalar
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Beat, Line, Script
from scripts_llm.screenplay.video import find_lora_tag

_SCREENPLAY = "coldopen import {}, which makes a script of it"
_OTHER_TEXTS = (
    (re.compile(r"^\ufeff?(?:<\?xml[^>]*>)?\s*<FinalDraft"), "a Final Draft screenplay", _SCREENPLAY),
    (re.compile(r"^\.?(?:INT|EXT|EST|I/E)[./ ].*\n", re.MULTILINE), "a screenplay", _SCREENPLAY),
    (re.compile(r"^\s*<(?:!doctype|html)", re.IGNORECASE), "a web page", "saving the page's text"),
)
_MAYBE_LOST = re.compile(r"^[^#\n]*\S[ \t]+#[^\s#!]", re.MULTILINE)
_LOST_TEXT = re.compile(r"[ \t]+(?P<text>#[^\s#!][^\r\n]*)")
_LOST = "YAML takes {} for a comment, which leaves {}; put quotes around the text, or a space behind the #"
_OF_AN_ELEMENT = frozenset(known_keys(Line) + known_keys(Beat))


def read_premise(path: Path) -> Premise:
    """Reads a premise. Raises ScriptError with every fault in the file."""
    source = Source(path, read_text(path, what="premise"))
    root, faults = _root(source, "premise", "`show:` and `logline:`")
    premise, more = validate(Premise, root, path)
    faults = _merge_faults([*faults, *_lora_tags(root)], more)
    if (
        premise is not None
        and premise.logline is None
        and (premise.genre == "sitcom" or premise.meme is None)
    ):
        also = "" if premise.genre == "sitcom" else " or `meme:`"
        hint = "adding `logline: ...`, one sentence"
        faults.append(Fault(root.start, f"the key 'logline'{also}", "nothing", hint))
    if premise is None or faults:
        raise faults_error(faults, source)
    return premise


def salvage_premise(path: Path) -> Premise | None:
    """The show's name and the keys of its cast from a premise with faults; None if unreadable."""
    try:
        root, _ = parse(Source(path, read_text(path, what="premise")))
        show, cast = _child(root, "show"), _child(root, "characters")
        keys = cast.value if cast is not None and isinstance(cast.value, dict) else ()
        named = show.value if show is not None else ""
        return Premise(show=str(named), logline="?", characters={key: Character() for key in keys})
    except (ScriptError, ValidationError):
        return None


def read_script(path: Path, cast: Collection[str]) -> Script:
    """Reads a script; speakers must be in `cast` or its own. Raises ScriptError with every fault."""
    source = Source(path, read_text(path, what="script"))
    root, faults = _root(source, "script", "`title:` and `scenes:`")
    invented = _child(root, "cast")
    everyone = {*cast, *(invented.value if invented and isinstance(invented.value, dict) else ())}
    root, strangers = _expand_lines(root, everyone)
    script, more = validate(Script, root, path)
    ours = [*strangers, *_shot_faults(root, everyone), *_ids_used_twice(root), *_locked_without_id(root)]
    ours += _lora_tags(root)
    faults = _merge_faults(faults + ours, more)
    if script is None or faults:
        raise faults_error(faults, source)
    return script


def find_positions(path: Path, key_paths: Sequence[Sequence[str | int]]) -> list[tuple[int, int]]:
    """Line and column of each path of keys and indexes, or of the deepest part of it that exists."""
    root, _ = parse(Source(path, read_text(path, what="YAML")))
    return [_position_of(root, key_path) for key_path in key_paths]


def _position_of(node: Node | None, key_path: Sequence[str | int]) -> tuple[int, int]:
    spot = node.start if node else Spot(0, 1, 1)
    for step in key_path:
        inside = _child(node, step) if node is not None else None
        if inside is None:
            break
        node, spot = inside, inside.start
    return spot.line, spot.column


def _merge_faults(faults: list[Fault], more: list[Fault]) -> list[Fault]:
    """Both lists of faults, at most one fault for each position."""
    spots = {fault.spot for fault in faults}
    return [*faults, *(fault for fault in more if fault.spot not in spots)]


def _root(source: Source, what: str, least: str) -> tuple[Node, list[Fault]]:
    for pattern, kind, hint in _OTHER_TEXTS:
        if pattern.search(source.text):
            raise ScriptError(f"{source.path}: wanted a {what}, got {kind}, try {hint.format(source.path)}")
    root, faults = parse(source)
    if root is None or root.is_blank:
        raise ScriptError(f"{source.path}: wanted a {what}, got an empty file, try {least}")
    if not isinstance(root.value, dict):
        fault = Fault(root.start, f"a mapping with {least}", describe_node(root), "`key: value` lines")
        raise faults_error([*faults, fault], source)
    keys = root.value.keys()
    if what == "premise" and "scenes" in keys and "show" not in keys:
        raise ScriptError(f"{source.path}: wanted a premise, got a script, try the file with `show:` in it")
    if what == "script" and "show" in keys and "scenes" not in keys:
        hint = f"coldopen script --premise {source.path}, which writes one"
        raise ScriptError(f"{source.path}: wanted a script, got a premise, try {hint}")
    return root, faults


# --------------------------------------------------------------------------------- text in the wrong place


def find_lost_text(path: Path, *, what: str) -> list[str]:
    """Messages about text that YAML takes for a comment: `show: Fish #1` is a show called Fish.

    A comment with a space behind its # is one. Raises ScriptError for a file that is no YAML.
    """
    source = Source(path, read_text(path, what=what))
    if not _MAYBE_LOST.search(source.text):
        return []
    messages = []
    for node in _scalars(parse(source)[0]):
        kept = resolve_scalar(str(node.value)) if node.plain else None
        lost = _LOST_TEXT.match(source.text, node.end.index) if node.plain else None
        if lost is not None and (node.is_blank or isinstance(kept, str)):
            spot = spot_at(source.text, lost.start("text"))
            message = _LOST.format(repr(lost["text"].rstrip()), repr(kept) if kept else "nothing")
            messages.append(source.format_message(spot.line, spot.column, message))
    return messages


def _scalars(root: Node | None) -> Iterator[Node]:
    """Every scalar that is a value, in the order of the file."""
    stack = [root] if root is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node.value, str):
            yield node
        stack.extend(reversed([child for _, child in children(node)]))


def _lora_tags(root: Node) -> Iterator[Fault]:
    for node in _scalars(root):
        tag = find_lora_tag(str(node.value))
        if tag is not None:
            hint = f"`video: {{lora: [{tag[1]}]}}` in the premise"
            yield Fault(node.start, "a prompt in words", tag[0], hint)


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


def _expand_lines(root: Node, everyone: set[str]) -> tuple[Node, list[Fault]]:
    """Expands every `- joe: text` into `{who: joe, line: text}`; returns the tree and faults of speakers."""
    faults: list[Fault] = []
    for scene in _scenes(root):
        dialogue = _child(scene, "dialogue")
        if dialogue is None or not isinstance(dialogue.value, list):
            continue
        for index, element in enumerate(dialogue.value):
            dialogue.value[index] = _expand_line(element, everyone, faults)
    return root, faults


def _expand_line(element: Node, everyone: set[str], faults: list[Fault]) -> Node:
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
    return _correct_speaker(element, everyone, faults)


def _correct_speaker(element: Node, everyone: set[str], faults: list[Fault]) -> Node:
    """Corrects the case of the speaker (`JOE` is joe), or adds a fault."""
    assert isinstance(element.value, dict)
    who = element.value.get("who")
    if who is None or not isinstance(who.value, str) or who.value in everyone:
        return element
    if who.value.lower() in everyone:
        return replace(element, value={**element.value, "who": replace(who, value=who.value.lower())})
    hint = _no_such_person(who.value, everyone)
    faults.append(Fault(who.start, "someone of the cast", repr(who.value), hint))
    return element


def _no_such_person(who: str, everyone: Collection[str]) -> str:
    return suggestion(who, everyone) or f"one of: {', '.join(sorted(everyone)) or 'nobody is cast yet'}"


def _shot_faults(root: Node, everyone: Collection[str]) -> Iterator[Fault]:
    for scene in _scenes(root):
        shots = _child(scene, "shots")
        for shot in shots.value if shots is not None and isinstance(shots.value, list) else ():
            if not isinstance(shot, Node) or not isinstance(shot.value, dict):
                continue
            if not {"prompt", "prompt_exact", "file"} & shot.value.keys():
                expected = "a shot's `prompt`, `prompt_exact` or `file`"
                yield Fault(shot.start, expected, "none of them", "a prompt")
            yield from _directions_cut_short(_child(shot, "direct"))
            who = shot.value.get("who")
            if who is not None and isinstance(who.value, str) and who.value not in (*everyone, ""):
                hint = _no_such_person(who.value, everyone)
                yield Fault(who.start, "someone of the cast", repr(who.value), hint)


def _directions_cut_short(direct: Node | None) -> Iterator[Fault]:
    """What follows a comma in `{0: joe: arms out, angry}`: to YAML it is a key without a value."""
    if direct is None or not isinstance(direct.value, dict) or not direct.flow:
        return
    for name, node in direct.value.items():
        key = direct.keys.get(name)
        if key is not None and node.is_blank and node.start == key.end:
            hint = "quotes around the text before it, if the comma belongs to it"
            yield Fault(key.start, "`frame: direction`", repr(name), hint)


def _ids_used_twice(root: Node) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for scene in _scenes(root):
        node = _child(scene, "id")
        if node is None or not isinstance(node.value, str) or node.is_blank:
            continue
        if node.value in first:
            got = f"{node.value!r} as in line {first[node.value]}"
            hint = "leaving the id out: it is written in"
            yield Fault(node.start, "an id of its own for every scene", got, hint)
        first.setdefault(node.value, node.start.line)


def _locked_without_id(root: Node) -> Iterator[Fault]:
    """Faults of locked scenes without an id: takes need the id, and a locked scene gets none written."""
    for number, scene in enumerate(_scenes(root), start=1):
        lock, name = _child(scene, "lock"), _child(scene, "id")
        if lock is not None and lock.value == "true" and (name is None or name.is_blank):
            hint = f"a line like `id: scene_{number}`"
            yield Fault(lock.start, "an id in a scene that is locked", "none", hint)
