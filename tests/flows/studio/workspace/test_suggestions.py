"""Suggestions are text files beside a premise: which are read, which wait, and where told ones go."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.workspace.suggestions import MOST, MOST_LETTERS, move_to_used, read_suggestions


@pytest.fixture
def premise(tmp_path: Path) -> Path:
    """A premise with a folder of suggestions beside it."""
    (tmp_path / "suggestions" / "fish").mkdir(parents=True)
    return tmp_path / "fish.yaml"


def write(premise: Path, name: str, text: str | bytes = "a llama") -> Path:
    path = premise.parent / "suggestions" / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def names(premise: Path, **more: tuple[str, ...]) -> list[str]:
    return [each.name for each in read_suggestions(premise, **more)[0]]


def test_a_shows_own_come_before_those_for_all_each_by_name(premise: Path) -> None:
    for name in ("b.txt", "a.txt", "fish/z.txt", "other.md", ".hidden.txt", "fish/~x.txt~"):
        write(premise, name)
    (premise.parent / "suggestions" / "cats").mkdir()
    write(premise, "cats/c.txt")
    assert names(premise) == ["fish/z.txt", "a.txt", "b.txt"]
    assert names(premise.with_name("dogs.yaml")) == ["a.txt", "b.txt"]
    assert names(premise.parent / "elsewhere" / "fish.yaml") == []


def test_a_text_is_one_line_without_controls_and_not_too_long(premise: Path) -> None:
    write(premise, "a.txt", "a  llama\n\n\x1b[31mmoves\u202e in\r\n" + "x" * 5000)
    (found,) = read_suggestions(premise)[0]
    assert found.text.startswith("a llama moves in x")
    assert len(found.text) == MOST_LETTERS


def test_what_cannot_be_used_stays_and_is_told(premise: Path) -> None:
    write(premise, "a.txt", "Сосед".encode("cp1251"))
    write(premise, "b.txt", b"x" * 30_000)
    write(premise, "c.txt", "Everybody drinks Real Cola.")
    write(premise, "d.txt", " \n")
    secret = premise.parent / "secret"
    secret.write_text("my key")
    (premise.parent / "suggestions" / "e.txt").symlink_to(secret)
    found, messages = read_suggestions(premise, avoid=("real cola",))
    assert found == ()
    assert [message.rpartition("/")[2].partition(":")[0] for message in messages] == [
        "a.txt",
        "b.txt",
        "c.txt",
    ]
    assert messages[2].endswith("left out, as the show avoids 'real cola'")
    assert len(list((premise.parent / "suggestions").iterdir())) == 6


def test_a_writer_is_shown_a_few(premise: Path) -> None:
    for number in range(20):
        write(premise, f"{number:02d}.txt")
    assert names(premise) == [f"{number:02d}.txt" for number in range(MOST)]


def test_a_told_one_moves_to_used_and_nothing_there_is_overwritten(premise: Path) -> None:
    used = premise.parent / "suggestions" / "used"
    for expected in ("a.txt", "a-2.txt", "a-3.txt"):
        write(premise, "a.txt", expected)
        (found,) = read_suggestions(premise)[0]
        assert move_to_used(found) == used / expected
    assert [path.read_text() for path in sorted(used.iterdir())] == ["a-2.txt", "a-3.txt", "a.txt"]
    assert names(premise) == []
    assert move_to_used(found) is None, "it is gone"


def test_one_that_cannot_be_moved_stays(premise: Path) -> None:
    path = write(premise, "a.txt")
    (premise.parent / "suggestions" / "used").write_text("a file of this name")
    (found,) = read_suggestions(premise)[0]
    assert move_to_used(found) is None
    assert path.exists()
