"""Every file in tests/data/broken is answered as its messages.txt says, and no answer is a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.yaml_io import read_premise, read_script

BROKEN = Path(__file__).parents[1] / "data" / "broken"
FILES = sorted(file.name for file in BROKEN.glob("*.yaml"))


def _answer(file: Path) -> str:
    if file.name.endswith(".premise.yaml"):
        return _answer_to(file)
    with pytest.raises(ScriptError) as refused:
        read_script(file, {"joe", "don"})
    return str(refused.value)


def _table() -> dict[str, list[str]]:
    rows = (BROKEN / "messages.txt").read_text(encoding="utf-8").splitlines()
    table: dict[str, list[str]] = {}
    for row in rows:
        if not row.startswith("#"):
            table.setdefault(row.split(":", 1)[0], []).append(row)
    return table


def test_the_table_has_every_file_and_no_other() -> None:
    assert sorted(_table()) == FILES
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_answered_as_the_table_says(name: str) -> None:
    answer = _answer(BROKEN / name).replace(f"{BROKEN}/", "")
    assert answer.splitlines() == _table()[name]


@pytest.mark.parametrize("row", [row for rows in _table().values() for row in rows])
def test_an_answer_says_where_and_what_was_wanted_and_what_came(row: str) -> None:
    assert len(row) < 240
    if not row.endswith("of this kind"):
        assert re.match(r"[\w.-]+(:\d+:\d+)?: wanted .+, got .+", row)


def test_a_missing_file_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "joe_and_the_don.yaml").write_text("show: x\n")
    wanted = tmp_path / "joe_and_the_dom.yaml"
    assert _answer_to(wanted) == (
        f"{wanted}: wanted a premise file, got nothing at this path, try {tmp_path}/joe_and_the_don.yaml"
    )


def test_a_folder_is_refused_with_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "cat.yaml").write_text("show: x\n")
    assert _answer_to(tmp_path) == f"{tmp_path}: wanted a premise file, got a folder, try {tmp_path}/cat.yaml"


def test_a_file_over_a_megabyte_is_refused_unread(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("show: x\nlogline: y\n# " + "x" * 1_000_000)
    assert (
        _answer_to(large)
        == f"{large}: wanted at most 1,000,000 bytes, got 1,000,021, try to split or shorten it"
    )


def test_a_device_is_no_premise() -> None:
    assert "no plain file" in _answer_to(Path("/dev/zero"))


def test_a_key_of_a_thousand_letters_is_told_short(tmp_path: Path) -> None:
    file = tmp_path / "premise.yaml"
    file.write_text("show: x\nlogline: y\n" + "k" * 1000 + ": z\n")
    assert len(_answer_to(file)) < 500


def test_a_path_with_a_nul_is_told_like_any_other(tmp_path: Path) -> None:
    assert "wanted a premise file that can be read" in _answer_to(tmp_path / "a\0b.yaml")


@pytest.mark.parametrize(
    "signs", ["[", "{", "- ", "a: ", "? ", "&a ", '"', "!", "*a ", ": ", "\n- ", "-\n ", "|\n", "'"]
)
def test_a_file_full_of_one_sign_is_answered_in_a_moment(tmp_path: Path, signs: str) -> None:
    file = tmp_path / "signs.yaml"
    file.write_text(signs * (200_000 // len(signs)))
    answer = _answer_to(file)
    assert answer.startswith(str(file))
    assert len(answer) < 600


def _answer_to(file: Path) -> str:
    with pytest.raises(ScriptError) as refused:
        read_premise(file)
    return str(refused.value)
