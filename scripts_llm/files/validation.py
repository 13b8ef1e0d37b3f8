"""Validates a YAML tree with a pydantic model and turns pydantic's errors into faults with positions."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from scripts_llm.errors import ScriptError, suggest
from scripts_llm.files.source import Fault, Spot, shorten
from scripts_llm.files.yaml_nodes import Node, children, construct

M = TypeVar("M", bound=BaseModel)


def suggestion(word: str, known: Iterable[str]) -> str:
    """ "did you mean 'season'?", or an empty text if nothing known is similar."""
    meant = suggest(word, known)
    return f"did you mean {meant!r}?" if meant else ""


def describe_node(node: Node | None) -> str:
    """The content of a node for a message, on one line."""
    if node is None or node.is_blank:
        return "nothing"
    if isinstance(node.value, str):
        return repr(shorten(node.value))
    return "a list" if isinstance(node.value, list) else "a mapping"


def validate(model: type[M], root: Node, path: Path) -> tuple[M | None, list[Fault]]:
    """The model's value, or None and the faults.

    A scalar is read as the number or boolean that it looks like; where the model wants text, as it was typed.
    A key without a value counts as missing.
    """
    content = construct(root)
    for _ in range(8):
        try:
            return model.model_validate(content), []
        except ValidationError as wrong:
            places = [_Place.of(model, root, error) for error in wrong.errors(include_url=False)]
            mended = [_mend(content, place) for place in places]
            if True not in mended:
                return None, _faults(places)
    raise ScriptError(f"{path}: wanted plainer YAML than this")


@dataclass(frozen=True)
class _Place:
    """The position of one pydantic error in the file."""

    error: Any
    owner: Any  # the type of what holds it
    steps: tuple[str | int, ...]  # keys and indexes alone
    node: Node | None
    key: Node | None
    parent: Node
    union: tuple[str | int, ...] | None  # the steps of the union it is about

    @property
    def kind(self) -> str:
        return str(self.error["type"])

    @property
    def missing(self) -> tuple[str | int, ...] | None:
        """The path of the missing key, if that is the error."""
        return self.steps if self.kind == "missing" else None

    @property
    def spot(self) -> Spot:
        if self.key is not None and (
            self.node is None or self.node.is_blank or self.kind == "extra_forbidden"
        ):
            return self.key.start
        return (self.node or self.parent).start

    @classmethod
    def of(cls, model: Any, root: Node, error: Any) -> _Place:
        wanted, owner, parent = model, model, root
        steps: list[str | int] = []
        node: Node | None = root
        key: Node | None = None
        union: tuple[str | int, ...] | None = None
        for part in error["loc"]:
            if len(_choices(wanted)) > 1:
                union = union if union is not None else tuple(steps)
                wanted = _chosen(wanted, str(part))
                continue
            if part == "[key]":
                node = key
                break
            wanted, owner = _inside(wanted, str(part)), _choices(wanted)[0]
            steps.append(part)
            if node is None:
                break
            parent = node
            key = parent.keys.get(str(part))
            node = dict(children(parent)).get(part)
            if node is None:
                break
        return cls(error, owner, tuple(steps), node, key, parent, union)


def _choices(wanted: Any) -> list[Any]:
    """The members of a union without None; any other type is its only member."""
    while get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    if get_origin(wanted) in (Union, types.UnionType):
        members = [arg for arg in get_args(wanted) if arg is not type(None)]
        return members if len(members) > 1 else _choices(members[0])
    return [wanted]


def _chosen(wanted: Any, tag: str) -> Any:
    """The member of a union that pydantic calls by this tag."""
    for member in (_choices(choice)[0] for choice in _choices(wanted)):
        if getattr(member, "__name__", "").lower() == tag.lower():
            return member
    return Any


def _inside(wanted: Any, part: str) -> Any:
    """The type of a field, an element or a value of a type."""
    wanted = _choices(wanted)[0]
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        found = {field.alias or name: field.annotation for name, field in wanted.model_fields.items()}
        return found.get(part, Any)
    args = get_args(wanted)
    if not args:
        return Any
    return args[1] if get_origin(wanted) is dict else args[0]


def known_keys(wanted: Any) -> list[str]:
    """The keys of a model as they are typed in a file."""
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return [field.alias or name for name, field in wanted.model_fields.items()]
    return []


# ------------------------------------------------------------------------------------------- mending


def _mend(content: Any, place: _Place) -> bool:
    """Replaces a value by its text, or removes an empty one, if that resolves the error; True if so."""
    node = place.node
    if node is None or not place.steps or not node.plain:
        return False
    last: Any = place.steps[-1]
    for step in place.steps[:-1]:
        content = content[step]
    if not isinstance(content, list) and last not in content:
        return False
    if node.is_blank and content[last] is None:
        return _leave_out(content, last, place.kind)
    if place.kind == "string_type" and not isinstance(content[last], str):
        content[last] = node.value
        return True
    return False


def _leave_out(content: Any, last: Any, kind: str) -> bool:
    if not isinstance(content, dict):
        return False
    if kind in ("model_type", "dict_type"):
        content[last] = {}
    else:
        del content[last]
    return True


# ------------------------------------------------------------------------------------------- telling


def _faults(places: Sequence[_Place]) -> list[Fault]:
    """One fault for each position; the errors of a union's members are merged."""
    misspelt = {meant for place in places if (meant := _meant(place)) is not None}
    places = [place for place in places if not _is_an_echo(place) and place.missing not in misspelt]
    alone = [place for place in places if place.union is None]
    unions: dict[tuple[str | int, ...], list[_Place]] = {}
    for place in places:
        if place.union is not None:
            unions.setdefault(place.union, []).append(place)
    faults = [_fault(place) for place in alone]
    for steps, group in unions.items():
        deeper = [_fault(place) for place in group if len(place.steps) > len(steps)]
        faults.extend(deeper or [_either(group)])
    return faults


def _meant(place: _Place) -> tuple[str | int, ...] | None:
    """The path of the key that an unknown key probably stands for."""
    if place.kind != "extra_forbidden":
        return None
    meant = suggest(str(place.steps[-1]), known_keys(place.owner))
    return (*place.steps[:-1], meant) if meant else None


def _is_an_echo(place: _Place) -> bool:
    """Whether the error is about a list that is too short only because its elements are faulty."""
    return place.kind == "too_short" and place.node is not None and bool(place.node.value)


def _either(group: Sequence[_Place]) -> Fault:
    told = [_fault(place) for place in group]
    wanted = " or ".join(dict.fromkeys(fault.wanted for fault in told))
    close = next((fault.hint for fault in told if fault.hint.startswith(("did you", "`-"))), "")
    return Fault(told[0].spot, wanted, told[0].got, close)


def _fault(place: _Place) -> Fault:
    wanted, hint = _WANTED.get(place.kind, _other)(place)
    got = describe_node(place.node)
    if place.kind == "string_too_long" and place.node is not None:
        got = f"{len(str(place.node.value))}"
    elif place.kind in ("too_long", "too_short") and place.node is not None:
        got = f"{len(place.node.value)}"
    elif place.kind == "extra_forbidden":
        got = repr(str(place.steps[-1]))
    return Fault(place.spot, wanted, got, hint)


def _other(place: _Place) -> tuple[str, str]:
    return str(place.error["msg"]).removeprefix("Value error, "), ""


def _unknown_key(place: _Place) -> tuple[str, str]:
    known = known_keys(place.owner)
    return "a known key", suggestion(str(place.steps[-1]), known) or f"one of: {', '.join(known)}"


def _mapping(place: _Place) -> tuple[str, str]:
    if "dialogue" in place.steps:
        return "a line of dialogue", "`- joe: text`, or `- {beat: 0.8}` for a silence"
    return "a mapping", "`key: value` on the lines below"


def _missing(place: _Place) -> tuple[str, str]:
    key = str(place.steps[-1])
    if place.key is not None:
        return f"something after `{place.key.value}:`", ""
    return f"the key {key!r}", f"adding `{key}: ...`"


def _literal(place: _Place) -> tuple[str, str]:
    expected = str(place.error["ctx"]["expected"])
    values = re.findall(r"'([^']*)'", expected)
    typed = place.node.value if place.node is not None and isinstance(place.node.value, str) else ""
    if place.steps[-1:] == ("schema",):
        return expected, "a newer version of this program"
    return expected, suggestion(typed, values)


def _pattern(place: _Place) -> tuple[str, str]:
    typed = str(place.node.value) if place.node is not None else ""
    if "#" in place.error["ctx"]["pattern"]:
        return "a colour in quotes like '#ffd400'", "six digits of 0-9 and a-f"
    if "x" in place.error["ctx"]["pattern"]:
        return "width x height like 1280x720", ""
    key = re.sub(r"[^a-z0-9_-]+", "_", typed.lower()).strip("_-")[:32]
    return "at most 32 small letters, digits, - and _", key if re.search("[a-z0-9]", key) else "a short key"


def _bound(text: str, name: str) -> Callable[[_Place], tuple[str, str]]:
    def told(place: _Place) -> tuple[str, str]:
        limit = place.error["ctx"][name]
        key = str(place.steps[-1]) if place.steps else ""
        return text.format(f"{limit:,}" if isinstance(limit, int) else f"{limit:g}", key), ""

    return told


def _fixed(wanted: str, hint: str = "") -> Callable[[_Place], tuple[str, str]]:
    return lambda place: (wanted, hint)


_WANTED: Mapping[str, Callable[[_Place], tuple[str, str]]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_type": _fixed("text"),
    "string_too_short": _fixed("some text"),
    "string_too_long": _bound("at most {} characters", "max_length"),
    "too_long": _bound("at most {} under `{}:`", "max_length"),
    "too_short": _bound("at least {} under `{}:`", "min_length"),
    "greater_than": _bound("more than {}", "gt"),
    "greater_than_equal": _bound("at least {}", "ge"),
    "less_than": _bound("less than {}", "lt"),
    "less_than_equal": _bound("at most {}", "le"),
    "finite_number": _fixed("a number"),
    "model_type": _mapping,
    "dict_type": _fixed("a mapping", "`key: value` on the lines below"),
    "tuple_type": _fixed("a list", "[a, b] or a line with a dash for each"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _fixed("a whole number")),
    **dict.fromkeys(("int_parsing_size",), _fixed("a smaller number")),
    **dict.fromkeys(("float_type", "float_parsing"), _fixed("a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _fixed("true or false")),
}
