"""JSON Schemas of premises and scripts for editors, generated from the models.

An editor with the YAML language server completes keys and underlines mistakes if a comment in the file names
the schema: `# yaml-language-server: $schema=...`. The schemas accept what `scripts_llm.files.read` accepts:
text may look like a number, a key may have no value, and a line of dialogue has a short form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from scripts_llm.files.write import replace_file
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Script

PREMISE, SCRIPT = ".premise.schema.json", ".script.schema.json"
"""The names of the schemas beside the files that they describe."""

_DRAFT = "http://json-schema.org/draft-07/schema#"
_AS_TEXT = ["string", "number", "boolean"]  # `show: 1984` is the text 1984


def premise_schema() -> dict[str, Any]:
    """The JSON Schema of a premise."""
    return _schema(Premise, "A show's premise")


def script_schema() -> dict[str, Any]:
    """The JSON Schema of a script."""
    schema = _schema(Script, "An episode's script")
    line, scene = schema["definitions"]["Line"], schema["definitions"]["Scene"]
    schema["definitions"]["ShortLine"] = _short_line(line)
    kinds = [{"$ref": f"#/definitions/{kind}"} for kind in ("Line", "Beat", "ShortLine")]
    _innermost(scene["properties"]["dialogue"])["items"] = {"anyOf": kinds}
    return schema


def modeline(schema: str) -> str:
    """The comment, without its `#`, that tells an editor where the schema is."""
    return f"yaml-language-server: $schema={schema}"


def save_schema(folder: Path, name: str) -> None:
    """Writes one of the two schemas into a folder, unless the file has this content already."""
    text = schema_text(premise_schema() if name == PREMISE else script_schema())
    path = folder / name
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        replace_file(path, text.encode())


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    made = model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    made["definitions"] = made.pop("$defs")
    return {"$schema": _DRAFT, **_simplify(made), "title": title}


def _simplify(schema: Any) -> Any:
    """Simplifies a schema: no titles, text may look like a number, and optional keys may be empty."""
    if isinstance(schema, list):
        return [_simplify(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _simplify(value) for key, value in schema.items() if key not in ("title", "default")}
    for group in ("properties", "definitions"):
        if group in schema:
            plain[group] = {key: _simplify(value) for key, value in schema[group].items()}
    if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
        plain["type"] = _AS_TEXT
    needed = schema.get("required", ())
    for key in plain.get("properties", {}):
        if key not in needed:
            plain["properties"][key] = _allow_empty(plain["properties"][key])
    return plain


def _allow_empty(field: dict[str, Any]) -> dict[str, Any]:
    choices = field["anyOf"] if "anyOf" in field else [_without_description(field)]
    empty = [] if {"type": "null"} in choices else [{"type": "null"}]
    said = {"description": field["description"]} if "description" in field else {}
    return {**said, "anyOf": [*choices, *empty]}


def _without_description(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "description"}


def _innermost(field: dict[str, Any]) -> dict[str, Any]:
    """The array among the alternatives of a field."""
    found: dict[str, Any] = next(choice for choice in field["anyOf"] if choice.get("type") == "array")
    return found


def _short_line(line: dict[str, Any]) -> dict[str, Any]:
    """The schema of `- joe: his words` with a line's other keys below it."""
    more = {key: value for key, value in line["properties"].items() if key not in ("who", "line")}
    return {
        "type": "object",
        "description": "The short form of a line: a key of the cast, and what is said.",
        "properties": more,
        "additionalProperties": {"type": _AS_TEXT, "maxLength": _longest_line()},
        "minProperties": 1,
        "not": {"anyOf": [{"required": [key]} for key in ("who", "line", "beat")]},
    }


def _longest_line() -> int:
    return next(
        bound.max_length for bound in Line.model_fields["line"].metadata if hasattr(bound, "max_length")
    )
