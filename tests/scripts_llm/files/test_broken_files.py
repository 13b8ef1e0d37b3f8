"""Every file in tests/data/broken is answered as its messages.txt says, and no answer is a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_premise, read_script

BROKEN = Path(__file__).parents[2] / "data" / "broken"
FILES = sorted(file.name for file in BROKEN.glob("*.yaml"))


def _answer(file: Path) -> str:
    if file.name.endswith(".premise.yaml"):
        return _answer_to(file)
    with pytest.raises(ScriptError) as refused:
        read_script(file, {"joe", "don"})
    return str(refused.value)


def _table() -> dict[str, list[str]]:
    rows = (BROKEN / "messages.txt").read_text(encoding="utf-8").split("\n")
    table: dict[str, list[str]] = {}
    name = ""
    for row in rows:
        if row.startswith("    "):
            table[name].append(row)
        elif row and not row.startswith("#"):
            name = row.split(":", 1)[0]
            table.setdefault(name, []).append(row)
    return table


MESSAGES = [row for rows in _table().values() for row in rows if not row.startswith("    ")]


def test_the_table_has_every_file_and_no_other() -> None:
    assert sorted(_table()) == FILES
    assert len(FILES) >= 80


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_answered_as_the_table_says(name: str) -> None:
    answer = _answer(BROKEN / name).replace(f"{BROKEN}/", "")
    assert answer.split("\n") == _table()[name]


@pytest.mark.parametrize("row", MESSAGES)
def test_an_answer_says_where_and_what_was_wanted_and_what_came(row: str) -> None:
    assert len(row) < 240
    if not row.endswith(" more"):
        assert re.match(r"[\w.-]+(:\d+:\d+)?: wanted .+, got .+", row)


@pytest.mark.parametrize("name", FILES)
def test_at_most_twenty_faults_are_told_and_a_place_is_named_once(name: str) -> None:
    told = [row for row in _table()[name] if not row.startswith("    ")]
    assert len(told) <= 21
    places = [match[0] for row in told if (match := re.match(r"[\w.-]+:\d+:\d+", row))]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("name", FILES)
def test_a_line_that_is_shown_is_short_and_its_caret_is_under_it(name: str) -> None:
    for line, caret in _shown(_table()[name]):
        assert len(line) <= 104
        assert caret.strip() == "^"
        assert "\x1b" not in line


def _shown(rows: list[str]) -> list[tuple[str, str]]:
    quoted = [row for row in rows if row.startswith("    ")]
    return list(zip(quoted[::2], quoted[1::2], strict=True))


def test_the_caret_points_at_the_fault_under_wide_letters_too() -> None:
    row = next(row for row in _table()["other-scripts.premise.yaml"] if row.endswith(" ^"))
    assert len(row) - 1 == len("    ") + len("  joe: {name: ") + 2 * len("魚屋さん") + len(", ")


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
    assert all(len(row) < 400 for row in _answer_to(file).split("\n"))


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
    assert len(answer) < 1000 + len(str(file))


def _answer_to(file: Path) -> str:
    with pytest.raises(ScriptError) as refused:
        read_premise(file)
    return str(refused.value)
