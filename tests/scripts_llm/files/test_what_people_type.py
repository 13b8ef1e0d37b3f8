"""Premises and scripts as people bring them: other encodings, other signs, other files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.files import edit
from scripts_llm.files.read import find_lost_text, read_premise, read_script
from scripts_llm.screenplay.script import Line, Shot
from scripts_llm.screenplay.video import find_lora_tag

PREMISE = "show: Fish\nlogline: Ein Fischhändler hat eine Katze.\ncharacters:\n  joe: {name: Joe}\n"
SCENE = "title: Fish\nscenes:\n  - slugline: INT. FISH SHOP - DAY\n    dialogue:\n      {row}\n"


def premise_of(folder: Path, content: str | bytes) -> str:
    """The path-less answer to a premise: its faults, or its show."""
    file = folder / "fish.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        return read_premise(file).show
    except ScriptError as refused:
        return str(refused).replace(f"{file}:", "")


def line_of(folder: Path, row: str) -> str:
    """The words of a row of dialogue, or its faults without the path."""
    file = folder / "script.yaml"
    file.write_text(SCENE.format(row=row), "utf-8")
    try:
        element = read_script(file, {"joe", "don"}).scenes[0].dialogue[0]
    except ScriptError as refused:
        return str(refused).replace(f"{file}:", "")
    assert isinstance(element, Line)
    return element.line


# ------------------------------------------------------------------------------------------ encodings


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_says_how_a_file_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    assert premise_of(tmp_path, PREMISE.replace("\n", end).encode(encoding)) == "Fish"
    assert "händler" in str(read_premise(tmp_path / "fish.yaml").logline)


def test_a_script_in_utf_16_is_edited_and_stays_itself(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_bytes(SCENE.format(row="- joe: Kätzchen 🐟").replace("\n", "\r\n").encode("utf-16"))
    edit.insert_ids_and_shots(file, ids={0: "s01"}, shots={0: [Shot(prompt="a cat")]})
    scene = read_script(file, {"joe"}).scenes[0]
    assert (scene.id, scene.dialogue[0].line) == ("s01", "Kätzchen 🐟")  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    answer = premise_of(tmp_path, PREMISE.encode(encoding))
    assert answer == "1:1: wanted UTF-8, got UTF-16 without a byte order mark, try saving the file as UTF-8"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\0", "a Word file or another zip archive, try saving it as plain text"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"{\\rtf1\\ansi{\\fonttbl}}", "rich text (RTF)"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Office file"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"\x89PNG\r\n", "a picture, a sound or a film"),
        (b"\0\0\0\x20ftypisom", "a picture, a sound or a film"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"Title: Fish\n\nINT. SHOP - DAY\n\nJOE\nHi.\n", "a screenplay, try coldopen import "),
        (b"\n.EXT. SEA - NIGHT\n", "a screenplay, try coldopen import "),
        (
            b'<?xml version="1.0"?>\n<FinalDraft DocumentType="Script">',
            "a Final Draft screenplay, try",
        ),
        (SCENE.format(row="- joe: Hi").encode(), "a script, try the file with `show:` in it"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    answer = premise_of(tmp_path, content)
    assert f"got {kind}" in answer
    assert "\n" not in answer


def test_a_premise_in_place_of_a_script_is_named(tmp_path: Path) -> None:
    (tmp_path / "fish.yaml").write_text(PREMISE, "utf-8")
    with pytest.raises(ScriptError, match=r"wanted a script, got a premise, try coldopen script --premise "):
        read_script(tmp_path / "fish.yaml", {"joe"})


# ---------------------------------------------------------------------------------------------- signs


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ("logline: ", "logline:\u00a0", "2:9: wanted a space, got NO-BREAK SPACE, U+00A0, try a plain"),
        ("logline: ", "logline：", "2:8: wanted a colon, got FULLWIDTH COLON, U+FF1A, try a plain colon"),
        ("  joe", "\u3000don: {}\n  joe", "4:1: wanted a space, got IDEOGRAPHIC SPACE, U+3000, try two"),
        ("show: Fish", 'show: "\\ud83d"', "1:7: wanted whole characters, not half of a pair like"),
        ("show: Fish", 'show: "C:\\me"', "1:11: wanted text, got a \\ that begins no sign in double quotes"),
        ("show:", "```yaml\nshow:", "1:1: wanted YAML, got the mark of a code block, try taking both ```"),
        ("show: Fish", "show: | Fish", "1:9: wanted text, got a | or > that YAML keeps for itself, try"),
        ("show: Fish", "show: ? Fish", "1:7: wanted text, got a ? that YAML keeps for itself, try quotes"),
        ("Joe}", "Joe, look: a man #1}", "4:32: wanted a closing bracket, got a comment from the #"),
        ("name: Joe}", "caption_color: #ffd400}", "4:24: wanted a closing bracket, got a comment from"),
        ("show:", "tone: [#dry]\nshow:", "1:8: wanted a closing bracket, got a comment from the #"),
    ],
)
def test_a_sign_that_looks_right_is_named(tmp_path: Path, old: str, new: str, answer: str) -> None:
    assert premise_of(tmp_path, PREMISE.replace(old, new)).startswith(answer)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("logline: ", "logline:\t"),
        ("show: Fish\n", "show: Fish\t# a comment\n"),
        ("logline: Ein ", "logline: Ein\t"),
        ("{name: Joe}", "{\tname:\tJoe\t}"),
        ("logline: Ein Fisch", "logline: Ein\u2028Fisch"),
        ("Eine", "“Eine”, it’s — …"),
    ],
)
def test_signs_that_yaml_1_2_allows_are_read(tmp_path: Path, old: str, new: str) -> None:
    assert premise_of(tmp_path, PREMISE.replace(old, new)) == "Fish"


def test_json_with_tabs_is_yaml(tmp_path: Path) -> None:
    assert premise_of(tmp_path, '{\n\t"show": "Fish",\n\t"logline":\t"A fish."\n}\n') == "Fish"


@pytest.mark.parametrize("mark", ["|", ">", "|-", ">+"])
def test_a_name_over_several_lines_is_one_line(tmp_path: Path, mark: str) -> None:
    assert premise_of(tmp_path, f"show: {mark}\n  Fish and\n  Chips\nlogline: x\n") == "Fish and Chips"


def test_json_escapes_of_a_fish_are_a_fish(tmp_path: Path) -> None:
    assert premise_of(tmp_path, json.dumps({"show": "🐟 & Chips", "logline": "Рыба."})) == "🐟 & Chips"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("- joe: [sighs] No.", "[sighs] No."),
        ("- joe: [sighs]No: never # she does", "[sighs]No: never"),
        ("- joe: {fish} it is", "{fish} it is"),
        ("- joe: It\tblinked.", "It\tblinked."),
        ("- joe: One\u2028two", "One two"),
        ('- {who: joe, line: "Well, no"}', "Well, no"),
    ],
)
def test_dialogue_that_could_mean_nothing_else_is_text(tmp_path: Path, row: str, words: str) -> None:
    assert line_of(tmp_path, row) == words


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ("- {who: joe, line: Well, no, laugh: big}", "7:34: wanted `key: value`, got 'no'"),
        ("- {who: joe, line: Cod, the fish}", "5:31: wanted `key: value`, got 'the fish'"),
        ("- {who: joe, line: “Cod, beat”, laugh: big}", "5:32: wanted `key: value`, got 'beat”'"),
        ("- {who: joe, line: Cod, beat}", "5:31: wanted `key: value`, got 'beat'"),
    ],
)
def test_text_behind_a_comma_in_brackets_is_not_lost(tmp_path: Path, row: str, lost: str) -> None:
    answer = line_of(tmp_path, row)
    assert lost.split(": ", 1)[1] in answer
    assert "try quotes around the text before it, if the comma belongs to it" in answer


def test_a_comma_for_a_point_is_not_lost(tmp_path: Path) -> None:
    assert "got '5'" in premise_of(tmp_path, PREMISE + "audio: {duck_db: 1,5}\n")


def test_names_in_brackets_need_no_colon(tmp_path: Path) -> None:
    assert premise_of(tmp_path, "show: x\nlogline: y\ncharacters: {joe, don}\n") == "x"


# ----------------------------------------------------------------------------------------- lost, and told


@pytest.mark.parametrize(
    ("text", "at", "lost", "kept"),
    [
        ("show: Fish #1\n", "1:12", "#1", "'Fish'"),
        ("audio:\n  music: #1.mp3\n", "2:10", "#1.mp3", "nothing"),
        ("tone:\n  - dry\n  - very #dry # it is\n", "3:10", "#dry # it is", "'very'"),
        ("show: Рыба #2 — «Суп»\r\n", "1:12", "#2 — «Суп»", "'Рыба'"),
    ],
)
def test_text_that_yaml_takes_for_a_comment_is_told(
    tmp_path: Path, text: str, at: str, lost: str, kept: str
) -> None:
    file = tmp_path / "fish.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (message,) = find_lost_text(file, what="premise")
    first = message.split("\n")[0]
    assert first.startswith(
        f"{file}:{at}: YAML takes {lost!r} for a comment, which leaves {kept}; put quotes"
    )


@pytest.mark.parametrize(
    "text",
    [
        "show: Fish # the first\n",
        'show: "Fish #1"\n',
        "show: Fish#1\n",
        "seed: 7 #old\n",
        "show: 'Fish' #1\n",
        "#show: Fish #1\nshow: Fish\n",
        "format: #as it is\n  scenes: 1\n",
    ],
)
def test_a_comment_is_a_comment(tmp_path: Path, text: str) -> None:
    (tmp_path / "fish.yaml").write_text(text, "utf-8")
    assert find_lost_text(tmp_path / "fish.yaml", what="premise") == []


@pytest.mark.parametrize(
    ("tag", "entry"),
    [
        ("<lora:ink:0.7>", "ink.safetensors:0.7"),
        ("<lora:ink>", "ink.safetensors"),
        ("<LyCO:my ink v2:1:0.5>", "my ink v2.safetensors:1"),
    ],
)
def test_a_lora_in_a_prompt_is_refused_with_its_place_in_the_premise(
    tmp_path: Path, tag: str, entry: str
) -> None:
    assert find_lora_tag(f"a cat, {tag}, ink") == (tag, entry)
    answer = premise_of(tmp_path, PREMISE + f"style: {{prompt: 'ink {tag}'}}\n")
    assert answer.startswith(
        f"5:17: wanted a prompt in words, got {tag}, try `video: {{lora: [{entry}]}}` in the"
    )
    shot = f"- joe: Hi\n    shots: [{{prompt: 'a cat {tag}'}}]"
    assert f"got {tag}" in line_of(tmp_path, shot)


def test_brackets_that_are_no_lora_stay(tmp_path: Path) -> None:
    assert find_lora_tag("a <b> lora:ink:1 <lora> (cat:1.3)") is None


SHOT = """\
title: One
scenes:
  - slugline: INT. BAR - DAY
    shots:
      - prompt: Joe talking
        direct: {}
"""


@pytest.mark.parametrize(
    ("direct", "read"),
    [
        ('{0: "joe: arms out, angry", 8: "joe: sits"}', {0: "joe: arms out, angry", 8: "joe: sits"}),
        ("{0: joe: arms out, 8: joe: sits}", {0: "joe: arms out", 8: "joe: sits"}),
        ("\n          0: joe: arms out, angry\n          8: sits", {0: "joe: arms out, angry", 8: "sits"}),
    ],
)
def test_directions_are_read_as_they_are_typed(tmp_path: Path, direct: str, read: dict[int, str]) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(SHOT.format(direct), encoding="utf-8")
    (shot,) = read_script(path, ["joe"]).scenes[0].shots or ()
    assert shot.direct == read


@pytest.mark.parametrize(
    ("direct", "fault"),
    [
        ("{0: joe: arms out, angry}", "got 'angry', try quotes around the text before it"),
        ("[joe sits]", "wanted a mapping, got a list"),
        ("{x: joe sits}", "wanted a whole number, got 'x'"),
        ("{250: joe sits}", "wanted less than 250, got '250'"),
    ],
)
def test_what_is_wrong_in_directions_is_told_with_its_place(tmp_path: Path, direct: str, fault: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(SHOT.format(direct), encoding="utf-8")
    with pytest.raises(ScriptError, match=r":6:") as error:
        read_script(path, ["joe"])
    assert fault in str(error.value)
