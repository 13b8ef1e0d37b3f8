"""A real small language model writes one scene: its every reply is of the form, and what it means is judged.

SmolLM2 (135M) writes nonsense in perfect form. Where the checks refuse it, the offline writer's script is
what the episode gets, and that is what is asserted.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.studio.filming.vocabulary import writers_dialect
from flows.studio.production.request import EpisodeRequest
from flows.studio.workspace import downloads
from scripts_llm.files.read import read_premise, read_script
from scripts_llm.llm.ask import Question, Server, ask
from scripts_llm.llm.client import LLMSettings
from scripts_llm.llm.json_answer import extract_object
from scripts_llm.llm.retry import RetryPolicy
from scripts_llm.llm_writer.alternates import Offer, Ranking
from scripts_llm.llm_writer.draft import (
    Brief,
    DraftOutline,
    DraftScene,
    DraftScenes,
    draft_schema,
    validate_draft,
)
from tests.flows.fish import make

PREMISE = """\
show: Fish
logline: A man shares his kitchen with a cat.
format: {scenes: 1, length: 6, shots: 1}
characters:
  joe: {name: Joe, look: "man, blue apron"}
  don: {name: Don, look: "orange cat"}
settings:
  kitchen: {look: kitchen}
seed: 7
writer: {temperature: 0}
"""
ANSWER = 400  # tokens; a scene of two short lines has 150
SHORT = {
    "system": "You write sitcoms. Everything is short.",
    "outline": "{{ premise.logline }} Outline an episode.",
    "scenes": "Write this scene: {{ outline }}",
    "punch_up": "Make it funnier: {{ script }}",
}
Endpoint = tuple[str, str]


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """llama.cpp's own server in this process, on one thread: its address and its key."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="xllamacpp has no wheel for this system")
    weights = downloads.downloaded_folder("tiny")
    if weights is None:
        pytest.skip("the small model's weights are not here: coldopen pull tiny")
    key = secrets.token_hex(16)
    asked = xllamacpp.CommonParams()
    asked.model.path = str(weights / "smollm2-135m.gguf")
    asked.n_ctx, asked.n_parallel, asked.n_gpu_layers = 4096, 1, 0
    asked.hostnames, asked.port, asked.api_keys, asked.model_alias = ["127.0.0.1"], 0, [key], {"smollm2"}
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(asked)
    yield server.listening_address, key
    del server


@pytest.fixture
def premise(tmp_path: Path) -> Path:
    path = tmp_path / "fish.yaml"
    path.write_text(PREMISE, "utf-8")
    return path


def test_every_reply_of_a_real_model_is_of_the_form_that_was_asked_for(
    endpoint: Endpoint, premise: Path
) -> None:
    address, key = endpoint
    brief = Brief.from_premise(read_premise(premise), writers_dialect("toon"))
    settings = LLMSettings("smollm2", f"{address}/v1", key, temperature=0, answer_tokens=ANSWER)
    server = Server(settings, retry_policy=RetryPolicy(tries=1))
    schema = draft_schema(DraftScenes, brief, count=1)
    schema["$defs"]["DraftScene"]["properties"]["dialogue"].update(minItems=2, maxItems=2)
    for kind in schema["$defs"].values():
        for each in kind["properties"].values():
            each.update({"maxLength": 40} if "maxLength" in each else {})
    heard: list[DraftScene] = []

    def judge(found: dict[str, Any], is_last: bool) -> None:
        heard.extend(validate_draft(DraftScenes, found).scenes)

    question = Question("a scene", "You write sitcoms.", "Joe talks to Don, a cat. One scene.", schema, 7)
    ask(server, question, judge)
    assert len(server.calls) == 1, "the first reply was already of the form"
    assert server.calls[0].form == "json_schema"
    assert (server.calls[0].prompt_tokens or 0) > 10
    assert (server.calls[0].completion_tokens or 0) > 10
    (scene,) = heard
    assert scene.setting == "kitchen"
    assert {line.who for line in scene.dialogue} <= {"joe", "don"}
    assert len(scene.dialogue) == 2


@pytest.mark.parametrize("model", [DraftOutline, Offer, Ranking])
def test_outlines_alternates_and_rankings_of_a_real_model_are_of_the_form(
    endpoint: Endpoint, premise: Path, model: Any
) -> None:
    address, key = endpoint
    brief = Brief.from_premise(read_premise(premise), writers_dialect("toon"))
    settings = LLMSettings("smollm2", f"{address}/v1", key, temperature=0, answer_tokens=ANSWER)
    server = Server(settings, retry_policy=RetryPolicy(tries=1))
    schema = draft_schema(model, brief, count=1, enums={"orders": ["a", "b"], "suggestion": ["", "1"]})
    schema["properties"].pop("schema", None)
    schema["required"] = list(schema["properties"])
    _cut_texts(schema)
    question = Question("a draft", "You write sitcoms.", "A man and his cat, a lemon.", schema, 7, turns=1)
    found = ask(server, question, lambda found, is_last: validate_draft(model, found))
    assert server.calls[0].form == "json_schema"
    assert len(found.scenes) == 1


def _cut_texts(schema: Any) -> None:
    """Cuts texts to 20 letters and lists to two: a small model fills whatever it may."""
    for each in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(each, dict | list):
            _cut_texts(each)
    if isinstance(schema, dict) and schema.get("type") == "string" and "enum" not in schema:
        schema["maxLength"] = 20
    if isinstance(schema, dict) and schema.get("type") == "array":
        schema["maxItems"] = min(2, schema.get("maxItems", 2))


def test_a_real_model_writes_the_episode_or_the_offline_writer_does_and_says_so(
    endpoint: Endpoint, premise: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, key = endpoint
    monkeypatch.setenv("XDG_CACHE_HOME", str(premise.parent / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", address)  # its /v1 is found
    monkeypatch.setenv("OPENAI_API_KEY", key)
    premise.write_text(PREMISE.replace("temperature: 0", "temperature: 0, max_tokens: 1000"), "utf-8")
    prompts = premise.parent / "prompts"  # short ones: reading takes such a model longer than writing
    prompts.mkdir()
    for name, words in SHORT.items():
        (prompts / f"{name}.j2").write_text(words, "utf-8")
    screen = heard()
    options = EpisodeRequest(premise=premise, until="script", output=premise.parent / "output")
    outcome = make(options, screen)
    place = premise.parent / "output" / "fish" / "s01e01"
    script = read_script(place / "script.yaml", {"joe", "don"})
    told = json.loads((place / "manifest.json").read_text("utf-8"))
    assert outcome.code == 0
    assert len(script.scenes) == 1
    calls = told["writer_calls"]
    assert all(call["model"] == "smollm2" and call["prompt_tokens"] > 10 for call in calls)
    if told["script"]["fell_back"]:
        assert told["script"]["written_by"] == "the offline writer"
        assert "the offline writer writes instead" in screen.text
        answers = place / "writer-answer.txt"
        if answers.exists() and calls[-1]["finish"] == "stop":
            assert validated_form(answers.read_text("utf-8"))
    else:
        assert told["script"]["written_by"] == "smollm2"


def validated_form(answers: str) -> bool:
    """Whether the last answer is one of our drafts."""
    found = extract_object(answers.split("--- the answer to the repair ---")[-1])
    model: Any = DraftOutline if "title" in found else DraftScenes
    return validate_draft(model, found) is not None
