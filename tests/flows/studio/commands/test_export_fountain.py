"""`export` and `import`: the episode's script as a screenplay, and back; what is there is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.commands import export
from flows.studio.errors import StudioError
from flows.studio.production.request import EpisodeRequest
from scripts_llm.files import read

FISH = "fish-chips/s01e01"


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _options(home: Path) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output")


def _script(home: Path) -> Path:
    return home / "output" / FISH / "script.yaml"


def test_a_script_goes_out_and_comes_back_as_it_was(home: Path, tiny_script: str) -> None:
    before = read.read_script(_script(home), ["joe", "don"])
    path = export.export_fountain(_options(home), None).path
    assert path == _script(home).with_name("script.fountain")
    assert "THE DON\n[[laugh: small]]\nCod." in path.read_text("utf-8")
    outcome = export.import_fountain(path, _options(home))
    assert read.read_script(_script(home), ["joe", "don"]) == before
    assert _script(home).with_name("script.1.yaml").read_text("utf-8") == tiny_script
    assert any("script.1.yaml" in line for line in outcome.lines)


def test_a_screenplay_begins_an_episode_and_gets_its_ids_and_shots(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my_fish.fountain"
    mine.write_text("Author: me\n\nINT. FISH SHOP - DAY\n\nJOE\nIt blinked.\n\nANNIE\nCod.\n", "utf-8")
    outcome = export.import_fountain(mine, _options(tiny.parent))
    script = read.read_script(_script(tiny.parent), ["joe", "don"])
    assert (script.title, [scene.id for scene in script.scenes]) == ("My Fish", ["s01"])
    assert script.scenes[0].shots
    assert list(script.cast) == ["annie"]
    assert "left out, a script has no place for them: 1 title-page line" in outcome.lines


def test_a_file_that_says_something_else_is_not_written_over(home: Path) -> None:
    edited = _script(home).with_name("script.fountain")
    edited.write_text("INT. MY OWN - DAY\n", "utf-8")
    with pytest.raises(StudioError, match="says something else; name another: --out F"):
        export.export_fountain(_options(home), None)
    assert edited.read_text("utf-8") == "INT. MY OWN - DAY\n"
    assert export.export_fountain(_options(home), home / "other.fountain").path == home / "other.fountain"


def test_a_locked_scene_is_not_changed_by_an_import(home: Path) -> None:
    path = _script(home)
    path.write_text(path.read_text("utf-8") + "    lock: true\n", "utf-8")
    out = export.export_fountain(_options(home), home / "x.fountain").path
    assert out is not None
    export.import_fountain(out, _options(home))
    out.write_text(out.read_text("utf-8").replace("It blinked.", "It winked."), "utf-8")
    before = path.read_bytes()
    with pytest.raises(StudioError, match="s01 locked, and otherwise in the file"):
        export.import_fountain(out, _options(home))
    assert path.read_bytes() == before
    assert not path.with_name("script.2.yaml").exists()


def test_an_episode_without_a_script_has_nothing_to_export(tiny: Path) -> None:
    with pytest.raises(StudioError, match="there is none yet; coldopen script"):
        export.export_fountain(_options(tiny.parent), None)
