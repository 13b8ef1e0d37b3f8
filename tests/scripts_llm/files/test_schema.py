"""The JSON Schemas for editors say what the reader says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel

from scripts_llm.errors import ScriptError
from scripts_llm.files import schema
from scripts_llm.files.read import read_premise, read_script
from scripts_llm.files.source import Source
from scripts_llm.files.yaml_nodes import construct, parse
from scripts_llm.screenplay import script

ROOT = Path(__file__).parents[3]
BROKEN = ROOT / "tests" / "data" / "broken"
SHIPPED = sorted((ROOT / "templates" / "premises").glob("*.yaml"))
SCHEMAS = {"premise": schema.premise_schema, "script": schema.script_schema}
SCRIPT = """\
title: 1984
logline:
scenes:
- id: s01
  part: tag
  slugline: INT. KITCHEN - DAY
  action:
  shots:
  - {size: medium, prompt: "x", takes: 3, pick: 2}
  - {file: door.mp4}
  dialogue:
  - joe: Wait: what?
  - joe: 1:30
    laugh: big
  - {beat: 0.8}
  - {who: don, line: Yes., file: yes.wav}
  duration: 12
  lock: true
"""


def _content(text: str) -> Any:
    root, _ = parse(Source(Path("x"), text))
    return None if root is None else construct(root)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_in_docs_is_the_one_that_the_models_make(name: str) -> None:
    """After a change: python -c 'from docs.reference_pages import *; write_pages(Path("docs"))'."""
    made = SCHEMAS[name]()
    Draft7Validator.check_schema(made)
    assert json.loads((ROOT / "docs" / f"{name}.schema.json").read_text("utf-8")) == made


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_of_every_model_is_in_the_schema_with_its_description(name: str) -> None:
    made = SCHEMAS[name]()
    models = {**made["definitions"], {"premise": "Premise", "script": "Script"}[name]: made}
    for title, held in models.items():
        model: Any = getattr(script, title, None)
        if model is not None:
            assert issubclass(model, BaseModel)
            keys = {field.alias or key: field.description for key, field in model.model_fields.items()}
            assert {key: held["properties"][key].get("description") for key in keys} == keys
            assert set(held["properties"]) == set(keys)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_premises_keep_to_the_schema(path: Path) -> None:
    read_premise(path)
    assert list(Draft7Validator(schema.premise_schema()).iter_errors(_content(path.read_text("utf-8")))) == []


def test_a_script_as_people_type_it_keeps_to_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(SCRIPT, "utf-8")
    read_script(file, ["joe", "don"])
    assert list(Draft7Validator(schema.script_schema()).iter_errors(_content(SCRIPT))) == []


@pytest.mark.parametrize(
    "name",
    [
        "unknown-key.premise.yaml",
        "a-wrong-aspect.premise.yaml",
        "a-wrong-colour.premise.yaml",
        "no-show.premise.yaml",
        "characters-as-a-list.premise.yaml",
        "a-voice-out-of-range.premise.yaml",
        "no-slugline.script.yaml",
        "no-scenes.script.yaml",
        "a-wrong-laugh.script.yaml",
        "a-shot-of-nothing.script.yaml",
        "a-line-that-is-a-list.script.yaml",
        "a-wrong-duration.script.yaml",
    ],
)
def test_what_the_reader_refuses_an_editor_underlines(name: str) -> None:
    path = BROKEN / name
    kind = name.split(".")[1]
    with pytest.raises(ScriptError):
        read_premise(path) if kind == "premise" else read_script(path, ["joe", "don"])
    assert list(Draft7Validator(SCHEMAS[kind]()).iter_errors(_content(path.read_text("utf-8"))))


def test_a_schema_is_kept_beside_the_files_and_written_only_when_it_changed(tmp_path: Path) -> None:
    schema.save_schema(tmp_path, schema.PREMISE)
    file = tmp_path / schema.PREMISE
    before = file.stat().st_mtime_ns
    schema.save_schema(tmp_path, schema.PREMISE)
    assert file.stat().st_mtime_ns == before
    assert json.loads(file.read_text("utf-8")) == schema.premise_schema()
    assert schema.modeline(schema.PREMISE) == "yaml-language-server: $schema=.premise.schema.json"
