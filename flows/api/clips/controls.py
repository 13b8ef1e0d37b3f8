"""The controls of One clip: those of `coldopen clip`, with the same names, help and choices.

What names files of the server or other machines, what concerns a terminal alone, and what spends money, is no
control; a test wants that said of every new option of the command.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import Field

from flows.studio.commands.clip import ClipOptions

NOT_HERE = frozenset(("out", "gif", "prompts_file", "like", "memory", "device", "max_cost", "farm"))
FIRST = ("negative", "video_model", "size", "frames", "steps", "guidance", "sampler", "seed", "count")
START = ("image", "last_image", "video", "strength")  # what a clip may start from
MORE = ("motion_guidance", "eta", "loop", "lora", "speed")
UPLOAD = r"^[0-9a-f]{16}\.[a-z0-9]{2,5}$"  # the name of a file that was sent here
FILMS = frozenset(("video",))
TITLES = {"size": "Picture size", "lora": "LoRA", "video_model": "Film model"}  # where a name says too little

Kind = Literal["text", "whole", "number", "switch", "choice", "file", "several"]
Limits = tuple[float | None, float | None]
LIMITS: Mapping[str, Limits] = {
    "steps": (1, 1000),
    "guidance": (0, 100),
    "motion_guidance": (0, 100),
    "frames": (1, 1000),
    "seed": (-1, 2**63 - 1),
    "eta": (0, 1),
    "count": (1, 100),
    "strength": (0, 1),
}
LONGEST = {"size": 20, "negative": 2000, "video_model": 200}
SIZE = r"^(small|\d{2,4}[x×]\d{2,4})$"


@dataclass(frozen=True)
class Control:
    """One control: an option of `coldopen clip`."""

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES.get(self.name) or self.name.replace("_", " ").capitalize()

    @property
    def takes_films(self) -> bool:
        """Whether a file for it is a film; otherwise it is a picture."""
        return self.name in FILMS


@cache
def controls() -> tuple[Control, ...]:
    """Every control, the usual ones first."""
    helps, types = help_of_fields(ClipOptions), get_type_hints(ClipOptions)
    return tuple(_control(name, types[name], helps[name]) for name in (*FIRST, *START, *MORE))


def _control(name: str, type_: Any, text: str) -> Control:
    kind, choices = _kind(type_)
    low, high = LIMITS.get(name, (None, None))
    return Control(name, kind, text, choices, low, high)


def _kind(type_: Any) -> tuple[Kind, tuple[str, ...]]:
    given = next((each for each in get_args(type_) if each is not type(None)), type_)
    if get_origin(given) is Literal:
        return "choice", get_args(given)
    if get_origin(type_) is tuple:
        return "several", ()
    kinds: dict[Any, Kind] = {str: "text", int: "whole", float: "number", bool: "switch", Path: "file"}
    return kinds[given], ()


def help_of_fields(cls: type) -> dict[str, str]:
    """The text under each field of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = str(ast.literal_eval(text.value))
    return found


def job_fields() -> dict[str, Any]:
    """The controls as fields of a pydantic model: type, limits and description of each."""
    return {control.name: (_annotation(control), _default(control)) for control in controls()}


def _default(control: Control) -> Any:
    return () if control.kind == "several" else None


def _annotation(control: Control) -> Any:
    about: dict[str, Any] = {"description": control.help}
    if control.kind == "several":
        item = Annotated[str, Field(max_length=200)]
        return Annotated[tuple[item, ...], Field(max_length=8, **about)]
    if control.kind in ("whole", "number"):
        low, high = control.low, control.high
        number = int if control.kind == "whole" else float
        return Annotated[number | None, Field(ge=low, le=high, **about)]
    if control.kind == "file":
        return Annotated[str | None, Field(pattern=UPLOAD, **about)]
    if control.kind == "choice":
        return Annotated[Literal[control.choices] | None, Field(**about)]
    if control.kind == "switch":
        return Annotated[bool | None, Field(**about)]
    if control.name == "size":
        about["pattern"] = SIZE
    return Annotated[str | None, Field(max_length=LONGEST.get(control.name, 200), **about)]
