"""Alternates in a script that a person typed: written in, exchanged and back, every other byte as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts_llm.editing.alternates import exchange_alternate, set_alternates
from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_script

LINES = """\
# mine
schema: 1
title: "Fish"
scenes:
  - id: s01
    slugline: INT. KITCHEN - DAY
    dialogue:
      - joe: "It blinked."   # said quietly
      - who: don
        line: >-
          Cod
          does that.
        laugh: big   # too big?
      - {who: joe, line: Mine too, laugh: small, alternates: ["No, really", 'Fish: again.']}
      - {who: joe, line: And mine, laugh: small, alternates: }   # in one line
      - joe: Never
        alternates:
          - Well   # the first idea
          - "Maybe: later"
        laugh: aww

  # the end
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("element", "old", "new"),
    [
        (
            0,
            '      - joe: "It blinked."   # said quietly\n',
            '      - joe: "It blinked."   # said quietly\n        alternates: ["A, b", "c: d"]\n',
        ),
        (1, "big   # too big?\n", 'big   # too big?\n        alternates: ["A, b", "c: d"]\n'),
        (3, "alternates: }", 'alternates: ["A, b", "c: d"] }'),
    ],
)
def test_alternates_are_written_into_a_line_and_every_other_byte_stays(
    tmp_path: Path, element: int, old: str, new: str | None, line_end: str
) -> None:
    path = tmp_path / "script.yaml"
    path.write_bytes(LINES.replace("\n", line_end).encode())
    set_alternates(path, scene=0, element=element, alternates=["A, b", "c: d"])
    line = read_script(path, {"joe", "don"}).scenes[0].dialogue[element]
    assert line.alternates == ("A, b", "c: d")  # type: ignore[union-attr]
    assert path.read_bytes().decode() == LINES.replace(old, new).replace("\n", line_end)


@pytest.mark.parametrize(
    ("element", "number", "changes"),
    [
        (2, 1, [("line: Mine too", 'line: "No, really"'), ('["No, really", ', "[Mine too, ")]),
        (2, 2, [("line: Mine too", 'line: "Fish: again."'), ("'Fish: again.'", "Mine too")]),
        (4, 1, [("- joe: Never\n", "- joe: Well\n"), ("- Well   #", "- Never   #")]),
        (4, 2, [("- joe: Never\n", '- joe: "Maybe: later"\n'), ('- "Maybe: later"\n', "- Never\n")]),
    ],
)
def test_a_line_and_its_alternate_change_places_and_back(
    tmp_path: Path, element: int, number: int, changes: list[tuple[str, str]]
) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(LINES)
    exchange_alternate(path, scene=0, element=element, number=number)
    expected = LINES
    for old, new in changes:
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert path.read_text() == expected
    exchange_alternate(path, scene=0, element=element, number=number)
    before, after = (read_script(write(tmp_path, text), {"joe", "don"}) for text in (LINES, path.read_text()))
    assert before == after


def test_words_over_several_lines_are_exchanged_whole(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(LINES)
    set_alternates(path, scene=0, element=1, alternates=["Short."])
    exchange_alternate(path, scene=0, element=1, number=1)
    line = read_script(path, {"joe", "don"}).scenes[0].dialogue[1]
    assert (line.line, line.alternates) == ("Short.", ("Cod does that.",))  # type: ignore[union-attr]
    added = "line: Short.\n        laugh: big   # too big?\n        alternates: [Cod does that.]\n"
    assert added in path.read_text()


def test_alternates_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(LINES)
    with pytest.raises(ScriptError, match=r"script\.yaml:16: wanted a line without alternates"):
        set_alternates(path, scene=0, element=4, alternates=["x"])
    assert path.read_text() == LINES


def test_an_alternate_that_there_is_not_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(LINES)
    for element, number in ((0, 1), (2, 0), (2, 3), (9, 1)):
        with pytest.raises(ScriptError, match="wanted"):
            exchange_alternate(path, scene=0, element=element, number=number)
    assert path.read_text() == LINES


def write(folder: Path, text: str) -> Path:
    path = folder / "other.yaml"
    path.write_text(text)
    return path
