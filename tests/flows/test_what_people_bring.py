"""Inputs out of other people's bug reports: names, paths, folders, disks and clocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.studio.commands import clip
from flows.studio.commands.check import check
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, MemeText
from tests.flows.fish import make


def request_of(folder: Path, **more: Any) -> EpisodeRequest:
    """`script --premise fish.yaml --writer offline` in that folder."""
    request = {"premise": folder / "fish.yaml", "output": folder / "output", "writer": "offline"}
    return EpisodeRequest(**{**request, "until": "script", **more})


# ------------------------------------------------------------------------------------- lost text, and LoRAs


def test_a_show_that_loses_its_number_is_told_by_check_and_by_a_run(
    tiny: Path, heard: Callable[[], Any]
) -> None:
    tiny.write_text(tiny.read_text("utf-8").replace("Fish & Chips", "Fish #1"), "utf-8")
    warning = f"{tiny}:1:12: YAML takes '#1' for a comment, which leaves 'Fish'; put quotes around the text"
    told = check(request_of(tiny.parent), None)
    assert told.code == 0
    assert any(line.startswith(warning) for line in told.lines)
    assert "0 errors, 1 warning." in told.lines[-1]
    console = heard()
    assert make(request_of(tiny.parent), console).code == 0
    assert next(line for line in console.lines if "YAML takes" in line).startswith(f"! {warning}")


def test_a_lora_in_a_prompt_is_refused_before_anything_is_loaded(
    tmp_path: Path, heard: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "_open_model", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(StudioError, match=r"<lora:ink:0\.7>, try --lora ink\.safetensors:0\.7") as caught:
        clip.make("a cat <lora:ink:0.7>", clip.ClipOptions(), heard(), LoadedModels())
    assert caught.value.code == 2
    request = EpisodeRequest(meme=MemeText(picture="a cat <lora:ink>"), output=tmp_path)
    with pytest.raises(StudioError, match=r"--picture: .*<lora:ink>, try --lora ink\.safetensors"):
        Episode.open(request)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_prompts_is_read_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("eine Kätze\r\n# no prompt\r\n\r\na robot\r\n".encode(encoding))
    assert clip._read_prompts(file) == ["eine Kätze", "a robot"]
