"""Writes docs/premise.md, docs/script.md and their JSON Schemas: `python docs/reference_pages.py`.

Each page lists every key, its type, its default and its description, as the models say. The page of
the commands, docs/cli.md, is written by docs/reference.py.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scripts_llm.files import schema
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script

_PREMISE = """\
# The premise

A YAML file that a person writes: the show. `show` and `logline` are enough; what is left out is invented from
them and listed at the head of `script.yaml`. A meme may have `meme:` instead of a logline. An unknown key is
an error with its line and column.

```yaml
show: Joe and the Don
logline: A fishmonger rents his spare room to a retired mob boss, who is a cat.
```

An editor with the YAML language server completes keys and underlines mistakes if the file names its
schema: `# yaml-language-server: $schema=.premise.schema.json`. `coldopen new` writes that line, and the
schema beside the file; it is [premise.schema.json](premise.schema.json).

YAML is read by its version 1.2: `No`, `off` and `1:30` are text. Where text is wanted, `1984` is text
as well. Tabs, tags, merge keys and a second document are refused, and more than 1 MB, 100 aliases or 40
levels.
"""

_SCRIPT = """\
# The script

`script.yaml` is an episode's scene list. A writer writes it, a person edits it, and the program never writes
over an edited one unasked: it only writes in the `id` and the `shots` of scenes that were typed without, and
leaves every other byte as it is. Scenes may be moved, deleted and added; their `id` goes with them.

```yaml
schema: 1
title: The Blinking Fish
scenes:
  - id: s01
    part: cold_open
    slugline: INT. LIVING ROOM - DAY
    setting: living room
    action: Joe is standing, the Don is sleeping.
    shots:
      - {size: medium, prompt: "Joe standing and the Don sleeping"}
    dialogue:
      - joe: Is it supposed to blink?
      - {beat: 0.8}
      - {who: don, line: "Everyone blinks.", laugh: big}
```

The short form of a line is `- joe: text`; the text may hold a colon. `laugh: big` and a line's other keys may
stand below it, or in the long form as above. Who speaks must be in the premise's `characters` or the script's
`cast`.

## Screenplays

`coldopen import FILE` makes a screenplay the script: Fountain (plain text, UTF-8) or Final Draft's `.fdx`;
the content decides, not the name. `coldopen export --to fountain` writes one that reads back as the same
script.

| in the screenplay | in the script |
| --- | --- |
| scene heading, with its number | a scene, with its `id`; speech before the first heading is a scene, too |
| action, centred text, shots | the scene's `action`, up to 20,000 characters |
| speech | one line; one more for each parenthetical inside it and every 500 characters |
| parenthetical | `parenthetical`; `(beat)` at the end is a silence |
| `(V.O.)`, `(O.S.)`, `(O.C.)`, `(FILTERED)` | `off_screen`; other words, `(ON PHONE)`: `parenthetical` |
| lyrics below a speech | lines of the same speaker |
| dual dialogue | two lines, one after the other |
| `# Act One`, `COLD OPEN`, `TAG` | `part` |
| `CUT TO:`, `SMASH CUT TO:`, `DISSOLVE TO:`, `FADE …` | the next scene's `transition` |
| `Title:`, the first synopsis | `title`, `logline` |
| bold, italics, underlines, comments, page breaks, page numbers | nothing |
| `[[setting: bar]]` and other keys of a script | that key |
| other notes, sections and synopses, the title page's other lines | left out; the command says how many |

A speaker whom neither the premise nor the script has is added to `cast`. Texts that are too long for a title
(80), a heading (240) or a parenthetical (80) are cut, which the command says, too.

## The schema

The head of a script that the program wrote names its schema for editors, which lies in `output/`; it is
[script.schema.json](script.schema.json).
"""


def premise_page() -> str:
    """The text of docs/premise.md."""
    return _PREMISE + "".join(_sections(Premise, ""))


def script_page() -> str:
    """The text of docs/script.md."""
    return _SCRIPT + "".join(_sections(Script, ""))


def write_pages(folder: Path) -> None:
    """Write both pages and both schemas into a folder."""
    (folder / "premise.md").write_text(premise_page(), encoding="utf-8")
    (folder / "script.md").write_text(script_page(), encoding="utf-8")
    for name, made in (("premise", schema.premise_schema()), ("script", schema.script_schema())):
        (folder / f"{name}.schema.json").write_text(schema.schema_text(made), encoding="utf-8")


def _sections(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """A table for a model, then those of the models in it."""
    title = f"`{prefix}`" if prefix else "The keys"
    rows = [_row(field.alias or name, field) for name, field in model.model_fields.items()]
    yield f"\n## {title}\n\n"
    if prefix:
        yield (model.__doc__ or "").strip().splitlines()[0] + "\n\n"
    yield "| key | holds | left out | |\n| --- | --- | --- | --- |\n"
    yield "".join(rows)
    for name, field in model.model_fields.items():
        for inner, suffix in _models(field.annotation):
            yield from _sections(inner, f"{prefix}{'.' if prefix else ''}{field.alias or name}{suffix}")


def _row(key: str, field: FieldInfo) -> str:
    return f"| `{key}` | {_holds(field)} | {_default(field)} | {(field.description or '').strip()}. |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.default
    if value is None or value in ((), {}, "") or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _holds(field: FieldInfo) -> str:
    kind = _type(field.annotation)
    bounds = _bounds(field.metadata)
    return f"{kind}, {bounds}" if bounds else kind


def _type(annotation: Any) -> str:
    """A type in plain words."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bounds = _bounds(_flat(args[1:]))
        return f"{_type(args[0])}, {bounds}" if bounds else _type(args[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(arg) for arg in args if arg is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin is tuple:
        return f"list of: {_type(args[0])}"
    if origin is dict:
        return "mapping" if args[1] is Any else f"mapping of: {_type(args[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return names.get(annotation, "mapping")


def _flat(metadata: tuple[Any, ...]) -> list[Any]:
    return [
        each for entry in metadata for each in (entry.metadata if isinstance(entry, FieldInfo) else [entry])
    ]


def _bounds(metadata: list[Any]) -> str:
    said = []
    for bound in metadata:
        match bound:
            case Ge(ge=low):
                said.append(f"at least {low}")
            case Gt(gt=low):
                said.append(f"more than {low}")
            case Le(le=high):
                said.append(f"at most {high}")
            case Lt(lt=high):
                said.append("below 2^63" if high == 2**63 else f"below {high}")
            case MaxLen(max_length=most):
                said.append(f"at most {most} long")
            case MinLen():
                said.append("not empty")
    return ", ".join(said)


def _models(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The models in a type, with the suffix of their key: `[]` in a list, `.<key>` in a mapping."""
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, " (a silence)" if annotation.__name__ == "Beat" else ""
    suffix = {tuple: "[]", dict: ".<key>"}.get(origin, "") if origin else ""
    inner = args[1:] if origin is dict else () if origin is Literal else args
    for arg in inner:
        for model, rest in _models(arg):
            yield model, suffix + rest


if __name__ == "__main__":
    write_pages(Path(__file__).parent)
