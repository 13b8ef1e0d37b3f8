"""Who may import whom, read from the source: flows -> scripts_llm and t2v, and neither of those back."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"flows", "scripts_llm", "t2v", "templates"}
FORBIDDEN = {
    "t2v": (OURS - {"t2v"}) | {"prefect", "moviepy", "imageio_ffmpeg"},
    "scripts_llm": (OURS - {"scripts_llm", "templates"}) | {"torch", "prefect"},
    "flows": {"torch"},
    "flows/studio": {"torch", "prefect"},
}
MOST_LINES = 600


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The top-level names of everything that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_follow_the_arrows(folder):
    assert sources(folder)
    wrong = {str(path): bad for path in sources(folder) if (bad := FORBIDDEN[folder] & set(imports(path)))}
    assert wrong == {}


@pytest.mark.parametrize(
    "package",
    ["t2v", "scripts_llm", "flows", "flows.cli.app", "flows.studio.production.messages", "flows.studio"],
)
def test_importing_a_package_imports_neither_torch_nor_prefect(package):
    check = f"import sys, {package}; sys.exit(bool({{'torch', 'prefect', 'moviepy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("folder", ["t2v", "scripts_llm", "flows"])
def test_no_file_is_longer_than_six_hundred_lines(folder):
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(folder)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_no_file_is_named_after_nothing():
    assert [p for p in sources("flows") + sources("t2v") + sources("scripts_llm") if p.stem in VAGUE] == []


VAGUE = {"utils", "util", "helpers", "common", "misc", "core", "base"}
