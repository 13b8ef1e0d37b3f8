"""`script --rewrite`: one scene and nothing else, or the whole with the old one kept; a lock holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.cli.app import main
from flows.studio.commands import rewrite
from flows.studio.errors import StudioError
from flows.studio.production.request import EpisodeRequest, Outcome
from scripts_llm.files import edit
from scripts_llm.files.read import read_script
from tests.flows.fish import make

FISH = "fish-chips/s01e01"
CAST = ["joe", "don"]


@pytest.fixture
def home(tiny: Path, heard: Any) -> Path:
    """The tiny show with a script of four scenes by the offline writer, and a person's comments in it."""
    tiny.write_text(tiny.read_text("utf-8").replace("scenes: 1", "scenes: 4"), "utf-8")
    options = EpisodeRequest(premise=tiny, until="script", writer="offline", output=tiny.parent / "output")
    make(options, heard())
    return tiny.parent


def _rewrite(home: Path, heard: Any, scene: str, note: str = "") -> tuple[Outcome, Any]:
    screen = heard()
    options = EpisodeRequest(premise=home / "fish.yaml", output=home / "output")
    return rewrite.rewrite(options, scene, note, screen), screen


def _script(home: Path) -> Path:
    return home / "output" / FISH / "script.yaml"


def test_only_that_scene_is_another_and_the_rest_stays_byte_for_byte(home: Path, heard: Any) -> None:
    path = _script(home)
    path.write_text(path.read_text("utf-8").replace("  - id: s03", "  # keep me\n\n  - id: s03"), "utf-8")
    before, old = path.read_text("utf-8"), edit.read_scene_text(path, 1)
    outcome, screen = _rewrite(home, heard, "s02", "shorter")
    now = edit.read_scene_text(path, 1)
    assert now != old
    assert path.read_text("utf-8") == before.replace(old, now)
    removed = [line[1:].strip() for line in outcome.lines if line.startswith("-")]
    added = [line[1:].strip() for line in outcome.lines if line.startswith("+")]
    assert removed[0] == "-- s02 as it was"
    assert all(line in old for line in removed[1:])
    assert added[1:]
    assert all(line in now for line in added[1:])
    assert "reads no notes" in screen.text
    scene = read_script(path, CAST).scenes[1]
    assert (scene.id, bool(scene.shots)) == ("s02", True)


def test_the_whole_is_written_anew_and_the_old_one_is_kept(home: Path, heard: Any) -> None:
    before = _script(home).read_text("utf-8")
    outcome, _ = _rewrite(home, heard, rewrite.ALL)
    kept = _script(home).with_name("script.1.yaml")
    assert kept.read_text("utf-8") == before
    assert str(kept) in outcome.lines[-1]
    second = _script(home).read_text("utf-8")
    assert read_script(_script(home), CAST).scenes != read_script(kept, CAST).scenes
    _rewrite(home, heard, rewrite.ALL)
    assert _script(home).with_name("script.2.yaml").read_text("utf-8") == second


def test_a_locked_scene_is_refused_alone_and_stays_in_a_new_whole(home: Path, heard: Any) -> None:
    path = _script(home)
    path.write_text(
        path.read_text("utf-8").replace("  - id: s02", "  - lock: true  # mine\n    id: s02"), "utf-8"
    )
    before, locked = path.read_bytes(), edit.read_scene_text(path, 1)
    with pytest.raises(StudioError, match="s02 is locked; to have it written again, take"):
        _rewrite(home, heard, "s02")
    assert path.read_bytes() == before
    outcome, _ = _rewrite(home, heard, rewrite.ALL)
    assert edit.read_scene_text(path, 1) == locked
    assert path.read_bytes() != before
    assert "locked, and so as before: s02" in outcome.lines


def test_a_scene_that_there_is_not_is_named_with_the_one_that_was_meant(home: Path, heard: Any) -> None:
    with pytest.raises(StudioError, match=r"wanted the id of a scene, got 's2', did you mean s02\?"):
        _rewrite(home, heard, "s2")
    with pytest.raises(StudioError, match="there are s01, s02, s03, s04"):
        _rewrite(home, heard, "kitchen")


def test_a_writing_that_fails_leaves_the_old_script(
    home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _script(home).read_bytes()
    options = EpisodeRequest(
        premise=home / "fish.yaml", writer="some-model@http://127.0.0.1:9/v1", output=home / "output"
    )
    with pytest.raises(StudioError, match="--writer some-model"):
        rewrite.rewrite(options, rewrite.ALL, "", heard())
    assert _script(home).read_bytes() == before
    assert not _script(home).with_name("script.1.yaml").exists()


def test_rewrite_wants_a_scene_or_all(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = ["--premise", str(home / "fish.yaml"), "--output", str(home / "output")]
    with pytest.raises(SystemExit) as refused:
        main(["script", *show, "--rewrite"])
    assert refused.value.code == 2
    assert "--rewrite" in capsys.readouterr().err
    before = _script(home).read_text("utf-8")
    with pytest.raises(SystemExit) as done:
        main(["script", *show, "--writer", "offline", "--rewrite", "all"])
    assert done.value.code == 0
    assert _script(home).with_name("script.1.yaml").read_text("utf-8") == before
