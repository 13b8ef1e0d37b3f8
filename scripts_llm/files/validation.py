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
            errors = [_LocatedError.of(model, root, error) for error in wrong.errors(include_url=False)]
            mended = [_mend(content, located) for located in errors]
            if True not in mended:
                return None, _faults(errors)
    raise ScriptError(f"{path}: wanted plainer YAML than this")


@dataclass(frozen=True)
class _LocatedError:
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
        """Pydantic's name for the kind of error."""
        return str(self.error["type"])

    @property
    def missing(self) -> tuple[str | int, ...] | None:
        """The path of the missing key, if that is the error."""
        return self.steps if self.kind == "missing" else None

    @property
    def lacks_colon(self) -> bool:
        """Whether it is a key of a model in {} without a colon: `no` in `{who: joe, line: Well, no}`."""
        if self.node is None or self.key is None or not self.node.is_blank or not self.parent.flow:
            return False
        return bool(known_keys(self.owner)) and self.node.start == self.key.end

    @property
    def spot(self) -> Spot:
        """The position to report: the key's if the value is missing or unknown, else the value's."""
        if self.key is not None and (
            self.node is None or self.node.is_blank or self.kind == "extra_forbidden"
        ):
            return self.key.start
        return (self.node or self.parent).start

    @classmethod
    def of(cls, model: Any, root: Node, error: Any) -> _LocatedError:
        """Follows the error's path through the tree and the model's types."""
        expected, owner, parent = model, model, root
        steps: list[str | int] = []
        node: Node | None = root
        key: Node | None = None
        union: tuple[str | int, ...] | None = None
        for part in error["loc"]:
            if len(_union_members(expected)) > 1:
                union = union if union is not None else tuple(steps)
                expected = _union_member(expected, str(part))
                continue
            if part == "[key]":
                node = key
                break
            expected, owner = _inner_type(expected, str(part)), _union_members(expected)[0]
            steps.append(part)
            if node is None:
                break
            parent = node
            key = parent.keys.get(str(part))
            node = dict(children(parent)).get(part)
            if node is None:
                break
        return cls(error, owner, tuple(steps), node, key, parent, union)


def _union_members(expected: Any) -> list[Any]:
    """The members of a union without None; any other type is its only member."""
    while get_origin(expected) is Annotated:
        expected = get_args(expected)[0]
    if get_origin(expected) in (Union, types.UnionType):
        members = [arg for arg in get_args(expected) if arg is not type(None)]
        return members if len(members) > 1 else _union_members(members[0])
    return [expected]


def _union_member(expected: Any, tag: str) -> Any:
    """The member of a union that pydantic calls by this tag."""
    for member in (_union_members(choice)[0] for choice in _union_members(expected)):
        if getattr(member, "__name__", "").lower() == tag.lower():
            return member
    return Any


def _inner_type(expected: Any, part: str) -> Any:
    """The type of a field, an element or a value of a type."""
    expected = _union_members(expected)[0]
    if isinstance(expected, type) and issubclass(expected, BaseModel):
        found = {field.alias or name: field.annotation for name, field in expected.model_fields.items()}
        return found.get(part, Any)
    args = get_args(expected)
    if not args:
        return Any
    return args[1] if get_origin(expected) is dict else args[0]


def known_keys(expected: Any) -> list[str]:
    """The keys of a model as they are typed in a file."""
    if isinstance(expected, type) and issubclass(expected, BaseModel):
        return [field.alias or name for name, field in expected.model_fields.items()]
    return []


# ------------------------------------------------------------------------------------------- mending


def _mend(content: Any, located: _LocatedError) -> bool:
    """Replaces a value by its text, or removes an empty one, if that resolves the error; True if so."""
    node = located.node
    if node is None or not located.steps or not node.plain or located.lacks_colon:
        return False
    last: Any = located.steps[-1]
    for step in located.steps[:-1]:
        content = content[step]
    if not isinstance(content, list) and last not in content:
        return False
    if node.is_blank and content[last] is None:
        return _leave_out(content, last, located.kind)
    if located.kind == "string_type" and not isinstance(content[last], str):
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


def _faults(errors: Sequence[_LocatedError]) -> list[Fault]:
    """One fault for each position; the errors of a union's members are merged."""
    misspelt = {meant for located in errors if (meant := _intended_key(located)) is not None}
    errors = [
        located for located in errors if not _is_consequence(located) and located.missing not in misspelt
    ]
    alone = [located for located in errors if located.union is None]
    unions: dict[tuple[str | int, ...], list[_LocatedError]] = {}
    for located in errors:
        if located.union is not None:
            unions.setdefault(located.union, []).append(located)
    faults = [_fault(located) for located in alone]
    for steps, group in unions.items():
        deeper = [_fault(located) for located in group if len(located.steps) > len(steps)]
        faults.extend(deeper or [_merge_union_faults(group)])
    return faults


def _intended_key(located: _LocatedError) -> tuple[str | int, ...] | None:
    """The path of the key that an unknown key probably stands for."""
    if located.kind != "extra_forbidden":
        return None
    meant = suggest(str(located.steps[-1]), known_keys(located.owner))
    return (*located.steps[:-1], meant) if meant else None


def _is_consequence(located: _LocatedError) -> bool:
    """Whether the error is about a list that is too short only because its elements are faulty."""
    return located.kind == "too_short" and located.node is not None and bool(located.node.value)


def _merge_union_faults(group: Sequence[_LocatedError]) -> Fault:
    faults = [_fault(located) for located in group]
    expected = " or ".join(dict.fromkeys(fault.expected for fault in faults))
    close = next((fault.hint for fault in faults if fault.hint.startswith(("did you", "`-"))), "")
    return Fault(faults[0].spot, expected, faults[0].got, close)


def _fault(located: _LocatedError) -> Fault:
    expected, hint = _EXPECTED.get(located.kind, _other)(located)
    if located.lacks_colon:
        expected, hint = "`key: value`", "quotes around the text before it, if the comma belongs to it"
    got = describe_node(located.node)
    if located.kind == "string_too_long" and located.node is not None:
        got = f"{len(str(located.node.value))}"
    elif located.kind in ("too_long", "too_short") and located.node is not None:
        got = f"{len(located.node.value)}"
    elif located.kind == "extra_forbidden" or located.lacks_colon:
        got = repr(str(located.steps[-1]))
    return Fault(located.spot, expected, got, hint)


def _other(located: _LocatedError) -> tuple[str, str]:
    return str(located.error["msg"]).removeprefix("Value error, "), ""


def _unknown_key(located: _LocatedError) -> tuple[str, str]:
    known = known_keys(located.owner)
    return "a known key", suggestion(str(located.steps[-1]), known) or f"one of: {', '.join(known)}"


def _mapping(located: _LocatedError) -> tuple[str, str]:
    if "dialogue" in located.steps:
        return "a line of dialogue", "`- joe: text`, or `- {beat: 0.8}` for a silence"
    return "a mapping", "`key: value` on the lines below"


def _missing(located: _LocatedError) -> tuple[str, str]:
    key = str(located.steps[-1])
    if located.key is not None:
        return f"something after `{located.key.value}:`", ""
    return f"the key {key!r}", f"adding `{key}: ...`"


def _literal(located: _LocatedError) -> tuple[str, str]:
    expected = str(located.error["ctx"]["expected"])
    values = re.findall(r"'([^']*)'", expected)
    typed = located.node.value if located.node is not None and isinstance(located.node.value, str) else ""
    if located.steps[-1:] == ("schema",):
        return expected, "a newer version of this program"
    return expected, suggestion(typed, values)


def _pattern(located: _LocatedError) -> tuple[str, str]:
    typed = str(located.node.value) if located.node is not None else ""
    if "#" in located.error["ctx"]["pattern"]:
        return "a colour in quotes like '#ffd400'", "six digits of 0-9 and a-f"
    if "x" in located.error["ctx"]["pattern"]:
        return "width x height like 1280x720", ""
    key = re.sub(r"[^a-z0-9_-]+", "_", typed.lower()).strip("_-")[:32]
    return "at most 32 small letters, digits, - and _", key if re.search("[a-z0-9]", key) else "a short key"


def _bound(text: str, name: str) -> Callable[[_LocatedError], tuple[str, str]]:
    def describe(located: _LocatedError) -> tuple[str, str]:
        limit = located.error["ctx"][name]
        key = str(located.steps[-1]) if located.steps else ""
        return text.format(f"{limit:,}" if isinstance(limit, int) else f"{limit:g}", key), ""

    return describe


def _fixed(expected: str, hint: str = "") -> Callable[[_LocatedError], tuple[str, str]]:
    return lambda located: (expected, hint)


_EXPECTED: Mapping[str, Callable[[_LocatedError], tuple[str, str]]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_type": _fixed("text"),
    "string_unicode": _fixed("whole characters, not half of a pair like \\ud83d"),
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
