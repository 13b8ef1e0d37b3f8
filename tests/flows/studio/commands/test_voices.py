"""`voices`: the list, a sample, a cast."""

from __future__ import annotations

import sys

import pytest
import soundfile

from flows.cli.app import main
from flows.studio.commands.voices import list_voices
from flows.studio.voice.catalog import KOKORO_VOICES, VOICES


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(tokens)
    return int(ended.value.code or 0)


def test_every_usable_name_is_listed_with_language_and_pitch():
    rows = "\n".join(list_voices())
    for name in (*VOICES, *KOKORO_VOICES):
        assert f"  {name} " in rows
    frank = next(row for row in rows.splitlines() if row.strip().startswith("frank"))
    assert "English" in frank
    assert "118 Hz" in frank


def test_a_voice_can_be_tried(tmp_path, capsys):
    path = tmp_path / "new" / "f.wav"
    assert run("voices", "--try", "Frank", "--say", "It winked at me.", "--out", str(path)) == 0
    assert soundfile.info(path).samplerate == 48_000
    assert str(path) in capsys.readouterr().out


def test_a_cast_can_be_heard(tmp_path, checkout):
    premise = checkout / "templates" / "premises" / "joe_and_the_don.yaml"
    assert run("voices", "--cast", str(premise), "--out", str(tmp_path)) == 0
    assert {"joe.wav", "don.wav"} <= {path.name for path in tmp_path.iterdir()}


def test_an_unknown_voice_is_the_persons_mistake(capsys):
    assert run("voices", "--try", "franc") == 2
    assert "did you mean frank?" in capsys.readouterr().err


def test_without_hibari_the_list_says_so_and_a_voice_is_murmured(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "hibari", None)
    install = "pip install 'hibari-tts[fast]==0.2.1'"
    assert list_voices()[0] == f"In the package (murmured, as hibari is not installed: {install}):"
    assert run("voices", "--try", "frank", "--out", str(tmp_path / "f.wav")) == 0
    told = capsys.readouterr()
    assert "murmured" in told.out + told.err
    assert install in told.out + told.err
    assert soundfile.info(tmp_path / "f.wav").duration > 1
