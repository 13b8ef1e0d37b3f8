"""The documents say what is so: commands, targets, files."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from flows.cli.app import build_app
from flows.studio.typography.caption_style import style_names
from flows.studio.voice import lines
from scripts_llm.files import read

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "output" / "README.md"])
NAMES = ("prefect run ", "coldopen ", "python -m flows ")


def lines_of_shell(page: Path) -> list[str]:
    """The lines of a page's shell blocks, without their comments."""
    blocks = re.findall(
        r"```(?:sh|shell|bash|powershell)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def commands(page: Path) -> list[list[str]]:
    """Our own commands on a page, as words; `…` stands for what one types oneself."""
    found = []
    for line in lines_of_shell(page):
        for name in NAMES:
            if line.startswith(name):
                found.append([word for word in shlex.split(line.removeprefix(name)) if word != "…"])
    return found


def test_the_reference_is_what_the_commands_say_about_themselves():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == module.reference(), "run `python docs/reference.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_one(page):
    for words in commands(page):
        build_app("coldopen").parse_args(words, exit_on_error=False, print_error=False)


def test_the_readme_shows_every_command():
    shown = {words[0] for words in commands(ROOT / "README.md")}
    assert shown >= {"new", "episode", "script", "batch", "meme"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_on_a_page_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    wanted = {line.split()[1] for line in lines_of_shell(page) if line.startswith("make ")}
    assert wanted <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_examples_of_sound_captions_and_cut_are_read_as_they_stand(tmp_path):
    page = (ROOT / "docs" / "finishing.md").read_text(encoding="utf-8")
    scene, show = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "show.yaml").write_text(show, encoding="utf-8")
    (tmp_path / "script.yaml").write_text(scene, encoding="utf-8")
    premise = read.read_premise(tmp_path / "show.yaml")
    script = read.read_script(tmp_path / "script.yaml", cast=premise.characters)
    assert len(script.scenes[0].dialogue) == 6
    assert premise.captions.style in style_names()
    assert [who.voice.name for who in premise.characters.values()] == ["walt", "tom"]
    lines.premise_voices(premise)  # a voice that is none would be told


def test_the_units_of_systemd_start_commands_that_there_are():
    page = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
    units = [configparser.ConfigParser(interpolation=None) for _ in range(2)]
    for unit, text in zip(units, re.findall(r"```ini\n(.*?)```", page, re.DOTALL), strict=True):
        unit.read_string(text)
        program = unit["Service"]["WorkingDirectory"] + "/.venv/bin/prefect "
        assert unit["Service"]["ExecStart"].startswith(program)
        assert unit["Install"]["WantedBy"] == "default.target"
    pool = re.search(r"pool: &pool\n\s+name: (\w+)", (ROOT / "prefect.yaml").read_text(encoding="utf-8"))[1]
    assert f"--pool {pool} " in units[1]["Service"]["ExecStart"]


def test_the_house_has_its_pages():
    names = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert names >= {
        "cli.md",
        "decisions.md",
        "glossary.md",
        "how-it-works.md",
        "nightly.md",
        "premise.md",
        "script.md",
    }


def test_the_page_on_film_models_names_tests_that_there_are():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", page)
    assert len(named) > 20
    folder = ROOT / "tests" / "t2v" / "checkpoints"
    assert [
        name for file, name in named if f"def {name}(" not in (folder / file).read_text(encoding="utf-8")
    ] == []
