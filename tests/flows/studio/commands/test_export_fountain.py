"""`export` and `import`: the episode's script as a screenplay, and back; what is there is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.commands import export
from flows.studio.errors import StudioError
from flows.studio.production.request import EpisodeRequest
from scripts_llm.errors import ScriptError
from scripts_llm.files import read
from scripts_llm.screenplay.fields import MAX_PROMPT
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Line

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
    outcome = export.import_screenplay(path, _options(home))
    assert read.read_script(_script(home), ["joe", "don"]) == before
    assert _script(home).with_name("script.1.yaml").read_text("utf-8") == tiny_script
    assert any("script.1.yaml" in line for line in outcome.lines)


def test_a_screenplay_begins_an_episode_and_gets_its_ids_and_shots(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my_fish.fountain"
    mine.write_text("Author: me\n\nINT. FISH SHOP - DAY\n\nJOE\nIt blinked.\n\nANNIE\nCod.\n", "utf-8")
    outcome = export.import_screenplay(mine, _options(tiny.parent))
    script = read.read_script(_script(tiny.parent), ["joe", "don"])
    assert (script.title, [scene.id for scene in script.scenes]) == ("My Fish", ["s01"])
    assert script.scenes[0].shots
    assert list(script.cast) == ["annie"]
    assert "left out, a script has no place for them: 1 title-page line" in outcome.lines


FDX = (
    '<?xml version="1.0"?>\n<FinalDraft><Content>'
    '<Paragraph Type="Scene Heading"><Text>INT. FISH SHOP - DAY</Text></Paragraph>'
    '<Paragraph Type="Character"><Text>JOE</Text></Paragraph>'
    '<Paragraph Type="Dialogue"><Text>It blinked.</Text></Paragraph></Content></FinalDraft>'
)
FOUNTAIN = "INT. FISH SHOP - DAY\n\nJOE\nIt blinked.\n"


@pytest.mark.parametrize("name", ["a.fdx", "a.txt", "a.fountain", "a"])
@pytest.mark.parametrize(
    "raw", [FDX.encode(), FOUNTAIN.encode(), FOUNTAIN.encode("utf-16"), FDX.encode("utf-16")]
)
def test_the_content_decides_on_the_format_and_not_the_name(raw: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    (scene,) = export.read_screenplay(path, {"joe": Character(name="Joe")})[0].scenes
    assert (scene.slugline, scene.dialogue) == (
        "INT. FISH SHOP - DAY",
        (Line(who="joe", line="It blinked."),),
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"%PDF-1.7\n", "wanted a text file, got a PDF, try saving it as plain text"),
        (b"PK\x03\x04", "wanted a text file, got a Word file or another zip archive"),
        (b"{\\rtf1 hi}", "wanted a text file, got rich text (RTF)"),
        (b"INT. BAR - DAY\n\nCaf\xe9.\n", ":3:4: wanted UTF-8, got the byte 0xe9 (Latin-1?)"),
        (b"INT. BAR - DAY\n\nHi.\x00\n", ":3:4: wanted text, got a NUL byte"),
        (b"", ": wanted scene headings"),
        (
            b"".join(b"INT. A\n\n" + b"He runs. " * 2_000 + b"\n\n" for _ in range(45)),
            "wanted at most 750,000 bytes of script, got",
        ),
        (b"x" * 1_000_001, "wanted at most 1,000,000 bytes of Fountain, got 1,000,001"),
        (b"x" * 20_000_001, "wanted at most 20,000,000 bytes, got 20,000,001"),
    ],
)
def test_what_is_no_screenplay_is_refused_and_nothing_is_put_aside(
    home: Path, raw: bytes, message: str
) -> None:
    path = home / "draft.fdx"
    path.write_bytes(raw)
    before = _script(home).read_bytes()
    with pytest.raises(ScriptError) as refused:
        export.import_screenplay(path, _options(home))
    assert str(refused.value).startswith(str(path))
    assert message in str(refused.value)
    assert _script(home).read_bytes() == before
    assert not _script(home).with_name("script.1.yaml").exists()


def test_pages_of_action_get_shots_whose_prompts_fit(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "long.fountain"
    mine.write_text("INT. FISH SHOP - DAY\n\n" + "The fish swims in the tank.\n\n" * 60, "utf-8")
    export.import_screenplay(mine, _options(tiny.parent))
    (scene,) = read.read_script(_script(tiny.parent), ["joe", "don"]).scenes
    assert len(scene.action) > 1500
    assert scene.shots
    assert all(shot.prompt and len(shot.prompt) <= MAX_PROMPT for shot in scene.shots)


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
    export.import_screenplay(out, _options(home))
    out.write_text(out.read_text("utf-8").replace("It blinked.", "It winked."), "utf-8")
    before = path.read_bytes()
    with pytest.raises(StudioError, match="s01 locked, and otherwise in the file"):
        export.import_screenplay(out, _options(home))
    assert path.read_bytes() == before
    assert not path.with_name("script.2.yaml").exists()


def test_an_episode_without_a_script_has_nothing_to_export(tiny: Path) -> None:
    with pytest.raises(StudioError, match="there is none yet; coldopen script"):
        export.export_fountain(_options(tiny.parent), None)
