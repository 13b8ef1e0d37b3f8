"""hibari-tts stays behind one module, and an episode can be spoken, or murmured, without it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flows.studio.media.loudness import loudness_of
from flows.studio.voice import hibari, kokoro
from flows.studio.voice.casting import cast_voices
from flows.studio.voice.catalog import KOKORO_VOICES, VOICES
from flows.studio.voice.lines import hibari_fails, plan_lines, premise_voices, speak_line
from flows.studio.voice.phonemes import murmur_remedy, read_line
from flows.studio.voice.speak import speak
from flows.studio.workspace import artifacts
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Line, Scene, Script

ROOT = Path(__file__).parents[4]
PREMISE = Premise(
    show="A Show",
    logline="A fish blinks.",
    characters={"joe": Character(look="man"), "don": Character(look="large orange cat")},
)
SCRIPT = Script(
    title="One",
    scenes=(
        Scene(
            id="s01",
            slugline="INT. KITCHEN - DAY",
            dialogue=(
                Line(who="joe", line="Is it supposed to blink?"),
                Line(who="don", line="Everything blinks, Joe."),
                Line(who="joe", line="你好，世界！"),
            ),
        ),
    ),
)


@pytest.fixture
def no_hibari(monkeypatch):
    """hibari cannot be imported, as on a machine for which there is none."""
    monkeypatch.setitem(sys.modules, "hibari", None)
    hibari._load.cache_clear()
    yield
    hibari._load.cache_clear()


def imported_modules(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_one_module_imports_hibari_and_one_onnxruntime():
    importing: dict[str, list[str]] = {"hibari": [], "onnxruntime": []}
    for path in sorted(ROOT.joinpath("flows").rglob("*.py")):
        for name in {module.partition(".")[0] for module in imported_modules(path)} & set(importing):
            importing[name].append(path.relative_to(ROOT / "flows/studio/voice").as_posix())
    assert importing["hibari"] == ["hibari.py"]
    assert set(importing["onnxruntime"]) <= {"hibari.py", "kokoro.py", "onnx.py"}  # the first two name a type


def test_the_version_that_is_told_is_the_pinned_one():
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert hibari.REQUIREMENT in project["dependencies"]


def test_loading_leaves_the_environment_and_the_home_alone(tmp_path):
    check = (
        "import os; before = dict(os.environ)\n"
        "from flows.studio.voice import hibari\n"
        "assert hibari.can_speak(); assert dict(os.environ) == before"
    )
    env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    assert subprocess.run([sys.executable, "-c", check], env=env, check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_kokoro_has_the_phonemes_that_hibari_writes():
    assert hibari._hibari().vocab == kokoro.PHONEME_IDS


# ------------------------------------------------------------------------------------------ without it


@pytest.mark.usefixtures("no_hibari")
@pytest.mark.parametrize("name", ["frank", "daisy", "boo", "grum"])
def test_a_line_is_murmured_level_with_the_others(name):
    speech = speak("I have a fish in my pocket and nobody knows.", VOICES[name].settings)
    assert speech.is_murmur
    assert 1.5 < speech.seconds < 6
    assert loudness_of(speech.samples) == pytest.approx(-18, abs=0.5)


@pytest.mark.usefixtures("no_hibari")
def test_kokoro_is_given_syllables_that_it_can_say():
    murmur = read_line("I have a fish.", russian=True)
    assert murmur.is_murmur
    assert {sign for sentence in murmur.sentences for sign in sentence} <= set(kokoro.PHONEME_IDS)
    assert KOKORO_VOICES["am_puck"].settings.speaker == "kokoro"


@pytest.mark.usefixtures("no_hibari")
def test_an_episodes_lines_are_murmured_and_it_is_said_why(tmp_path):
    voices = premise_voices(PREMISE)
    planned = plan_lines(SCRIPT, PREMISE)
    spoken = [speak_line(line, voices[line.line.who], tmp_path) for line in planned]
    assert all(artifact.notes["murmured"] and artifact.notes["num_samples"] > 9_600 for artifact in spoken)
    counts = [len(artifact.notes["words"]) for artifact in spoken]
    assert counts == [len(line.line.line.split()) for line in planned]
    assert set(artifacts.stored(tmp_path, ".wav")) == {line.digest for line in planned}
    remedy = murmur_remedy(line.line.line for line in planned)
    assert remedy == (
        "; hibari is not installed, which speaks English here: "
        "pip install 'hibari-tts[fast]==0.2.1' and run again"
    )


def test_what_was_murmured_is_spoken_once_hibari_is_back_and_what_was_spoken_stays(monkeypatch):
    spoken = [line.digest for line in plan_lines(SCRIPT, PREMISE)]
    monkeypatch.setitem(sys.modules, "hibari", None)
    murmured = [line.digest for line in plan_lines(SCRIPT, PREMISE)]
    kept = [line.digest for line in plan_lines(SCRIPT, PREMISE, stored=spoken[:1])]
    monkeypatch.undo()
    assert [a != b for a, b in zip(spoken, murmured, strict=True)] == [True, True, False]
    assert kept == [spoken[0], *murmured[1:]]
    assert [line.digest for line in plan_lines(SCRIPT, PREMISE, stored=murmured)] == spoken


def test_a_broken_hibari_is_known_after_the_first_try(monkeypatch):
    import hibari as package

    class Broken:
        def __init__(self, **_options):
            raise ImportError("DLL load failed")

    monkeypatch.setattr(package, "Hibari", Broken)
    hibari._load.cache_clear()
    assert hibari.missing() is None
    planned = plan_lines(SCRIPT, PREMISE)
    assert not hibari_fails(planned[2:]), "no English in it"
    assert hibari_fails(planned)
    again = plan_lines(SCRIPT, PREMISE)
    assert [a.digest == b.digest for a, b in zip(planned, again, strict=True)] == [False, False, True]
    assert not hibari_fails(again)
    assert hibari.missing() == "hibari cannot be loaded (DLL load failed)"
    assert speak("Hello there.", cast_voices({"joe": Character()})["joe"]).is_murmur
    hibari._load.cache_clear()
