"""Parses Fountain (fountain.io/syntax) into a script, whether this program or another one wrote it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts_llm.files.fountain_script import (
    LINE_KEYS,
    SCENE_KEYS,
    SCRIPT_KEYS,
    CueNames,
    Element,
    Heading,
    Paragraph,
    Screenplay,
    Speech,
    SpeechPart,
    build_scenes,
    build_script,
    is_transition,
)
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Script

MAX_CUE = 80  # characters; a longer line in capitals is action
MAX_CASELESS_CUE = 24  # of a script without capitals, like Chinese
MAX_HEADING = 1000
MAX_NOTE = 2000  # with blank lines in it
MAX_OPEN = 64  # marks of emphasis on one line that wait for their partner

_PREFIX = r"(?:INT\.?/EXT|EXT\.?/INT|INT|EXT|EST|I\.?/E|ИНТ\.?/НАТ|НАТ\.?/ИНТ|ИНТ|НАТ|ЭКСТ)"
_HEADING = re.compile(rf"{_PREFIX}[.\s。．]", re.IGNORECASE)
_FORCED_HEADING = re.compile(r"\.[^.\s]")
_NUMBER = re.compile(r"\s*#([\w.-]+)#$")
_NUMBER_IN_MARGIN = re.compile(rf"([A-Z]?\d+[A-Z]*)\.?\s+({_PREFIX}\..*?)(?:\s+\1\.?)?")
_PAGE_MARK = re.compile(r"\d{1,3}\.?|\(?(?:CONTINUED|MORE)\)?:?(?: ?\(\d+\))?:?")
_TITLE_KEY = re.compile(r"([A-Za-z][\w ]*?)\s*[:：](.*)")
_TITLE_KEYS = {
    *("title", "logline", "credit", "credits", "author", "authors", "writer", "writers", "written by", "by"),
    *(
        "source",
        "notes",
        "note",
        "draft date",
        "date",
        "draft",
        "contact",
        "copyright",
        "revision",
        "version",
    ),
    *("episode", "season", "series", "show", "genre", "format", "font", "watermark", "company", "based on"),
}
_EXTENSIONS = re.compile(r"(?:\s*\([^()]*\))+\s*$")
_OPENS_WITH_PARENTHETICAL = re.compile(r"\(([^\W\d_][\w'’-]*(?: [\w'’-]+){0,2})\)\s+([^\s(][^(]*)")
_ESCAPED = re.compile(r"\\([\\*_~!@#.><=\[\]()^])")
_OWN_NOTE = re.compile(r"\[\[([a-z_]+):")
_OWN_KEYS = LINE_KEYS | SCENE_KEYS | SCRIPT_KEYS | {"shot", "beat"}
_CUT = "\0"  # stands where a comment or a note was taken out
_MARK = re.compile(r"\x01(\d+)\x01")  # stands for a note of our own


@dataclass(frozen=True)
class _Row:
    """A line of the file: its number and its text, without white space around it once it is in a block."""

    number: int
    text: str


@dataclass(frozen=True)
class _Text:
    """The rows of a text without comments and notes.

    `\\x01n\\x01` stands for `notes[n]`, a note of this program on a line of its own; `remarks` are the
    other notes.
    """

    rows: tuple[_Row, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]


def parse_fountain(text: str, path: Path, cast: Mapping[str, Character]) -> tuple[Script, tuple[str, ...]]:
    """The script in a Fountain text, and a list of what it had to leave out ("3 notes").

    Speakers who are not in `cast` are added to the script's own cast. Raises ScriptError if it is no script.
    """
    return build_script(read_fountain(text), path, cast)


def parse_scenes(text: str, names: CueNames) -> list[dict[str, Any]]:
    """The scenes of a text without a title page, as plain values."""
    prepared = _prepare(text)
    return build_scenes(_all_elements(prepared, prepared.rows), names)


def read_fountain(text: str) -> Screenplay:
    """The title page and the elements of a Fountain text."""
    prepared = _prepare(text)
    title_page, rows = _split_title_page(prepared.rows)
    remarks = (Paragraph("remark", remark, 1) for remark in prepared.remarks)
    return Screenplay(title_page, (*_all_elements(prepared, rows), *remarks))


def _all_elements(text: _Text, rows: Sequence[_Row]) -> Iterator[Element]:
    for block in _blocks(rows):
        yield from _elements(block, text.notes)


# ----------------------------------------------------------------------------------------------- emphasis


def plain(text: str) -> str:
    """A line of Fountain without the marks of emphasis, escapes resolved: `_**\\*Cod\\***_` is *Cod*."""
    return _ESCAPED.sub(r"\1", without_emphasis(text))


def escape(text: str) -> str:
    """The text with a backslash before its backslashes, marks of emphasis and opening brackets."""
    return re.sub(r"[\\*_\[]", r"\\\g<0>", text)


def without_emphasis(text: str) -> str:
    """A line without its pairs of `*`, `**`, `***` and `_`; a mark without a partner stays.

    A mark opens before a letter or sign and closes behind one; `_` inside a word is a letter, and `*` inside
    one needs its partner in the same word: "f**k" and "s**t" keep their stars.
    """
    runs = [_Run(match.start(), match.end()) for match in re.finditer(r"(?<!\\)(?:\*+|_+)", text)]
    dropped: set[int] = set()
    opened: list[_Run] = []
    for run in runs:
        while run.start < run.end and run.can_close(text):
            opener = next((other for other in reversed(opened) if other.pairs_with(run, text)), None)
            if opener is None:
                break
            count = min(opener.end - opener.start, run.end - run.start, 3)
            dropped |= {*range(opener.end - count, opener.end), *range(run.start, run.start + count)}
            opener.end -= count
            run.start += count
            opened = [other for other in opened if other.start < other.end]
        if run.start < run.end and run.can_open(text):
            opened = [*opened[-MAX_OPEN:], run]
    return "".join(sign for index, sign in enumerate(text) if index not in dropped)


@dataclass
class _Run:
    """The marks of emphasis from `start` to `end` that have no partner yet."""

    start: int
    end: int

    def __post_init__(self) -> None:
        self.first, self.last = self.start, self.end

    def can_open(self, text: str) -> bool:
        after = text[self.last : self.last + 1]
        return bool(after.strip()) and not (text[self.first] == "_" and self._is_behind_letter(text))

    def can_close(self, text: str) -> bool:
        before = text[self.first - 1 : self.first] if self.first else ""
        return bool(before.strip()) and not (text[self.first] == "_" and self._is_before_letter(text))

    def pairs_with(self, closing: _Run, text: str) -> bool:
        """Whether this run opens what `closing` closes."""
        if text[self.first] != text[closing.first]:
            return False
        is_inside = self._is_behind_letter(text) or closing._is_before_letter(text)
        return not is_inside or not re.search(r"\s", text[self.last : closing.first])

    def _is_behind_letter(self, text: str) -> bool:
        return self.first > 0 and text[self.first - 1].isalnum()

    def _is_before_letter(self, text: str) -> bool:
        return text[self.last : self.last + 1].isalnum()


# ----------------------------------------------------------------------------------------- rows and blocks


def _prepare(text: str) -> _Text:
    """Takes comments and notes out. A line that held nothing else is gone: it does not end a block."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00\x01\f]", "", text)
    pieces, end = [], 0
    for start, stop in _spans(text, "/*", "*/"):
        pieces += [text[end:start], _cut(text[start:stop])]
        end = stop
    text = "".join([*pieces, text[end:]])
    pieces, end = [], 0
    notes, remarks = list[str](), list[str]()
    for start, stop in _spans(text, "[[", "]]"):
        if not _is_note(text[start:stop]):
            continue
        note = text[start:stop].replace(_CUT, "")
        is_own = _is_own_note(note) and _stands_alone(text, start, stop)
        (notes if is_own else remarks).append(note)
        mark = f"\x01{len(notes) - 1}\x01" if is_own else ""
        pieces += [text[end:start], mark, _cut(text[start:stop])]
        end = stop
    rows = enumerate("".join([*pieces, text[end:]]).split("\n"), start=1)
    left = [
        _Row(number, row.replace(_CUT, ""))
        for number, row in rows
        if row.strip(f" \t{_CUT}") or _CUT not in row
    ]
    return _Text(tuple(left), tuple(notes), tuple(remarks))


def _spans(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    """Start and end of everything between two marks, marks included."""
    start = text.find(opening)
    while start >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            return
        yield start, end + len(closing)
        start = text.find(opening, end + len(closing))


def _is_note(text: str) -> bool:
    """Whether brackets hold a note. One with blank lines is short, and no scene begins in it.

    The format wants two spaces on a blank line in a note, which programs and people forget.
    """
    if "\n\n" not in text:
        return True
    is_short = len(text) <= MAX_NOTE and "[[" not in text[2:]
    return is_short and not any(_is_heading_in_capitals(row.strip()) for row in text.split("\n"))


def _cut(removed: str) -> str:
    """As many lines as were taken out."""
    return "\n".join([_CUT] * (removed.count("\n") + 1))


def _is_own_note(note: str) -> bool:
    match = _OWN_NOTE.match(note)
    return match is not None and match[1] in _OWN_KEYS


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether there is nothing else on the lines from `start` to `stop`."""
    end = text.find("\n", stop)
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return not (before + text[stop : end if end >= 0 else None]).strip(f" \t{_CUT}")


def _split_title_page(rows: Sequence[_Row]) -> tuple[dict[str, list[str]], Sequence[_Row]]:
    """The title page's lines by key, and the rows below it. Blank lines between its keys are allowed."""
    title_page: dict[str, list[str]] = {}
    start = 0
    while True:
        while start < len(rows) and not rows[start].text.strip():
            start += 1
        stop = next((n for n in range(start, len(rows)) if _ends_title_page(rows[n].text)), len(rows))
        block = textwrap.dedent("\n".join(row.text for row in rows[start:stop])).split("\n")
        keys = {match[1].lower() for row in block if (match := _TITLE_KEY.match(row))}
        is_page = _TITLE_KEY.match(block[0]) and not _is_heading(block[0]) and keys & _TITLE_KEYS
        if not is_page or (title_page and not keys <= _TITLE_KEYS):
            return title_page, rows[start:]
        _add_title_lines(block, title_page)
        start = stop


def _ends_title_page(row: str) -> bool:
    return not row.strip() or _is_heading_in_capitals(row.strip())


def _add_title_lines(block: Sequence[str], title_page: dict[str, list[str]]) -> None:
    key = ""
    for row in block:
        match = None if row[0] in " \t" else _TITLE_KEY.match(row)
        if match:
            key = match[1].lower()
        words = plain((match[2] if match else row).strip())
        title_page.setdefault(key, []).extend([words] if words else [])


def _blocks(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Runs of lines between blank lines; a scene heading in capitals begins a new one, too.

    A line of two spaces does not end a speech, unless the file has no other blank lines.
    """
    is_soft = any(not row.text for row in rows[:-1])
    block: list[_Row] = []
    for row in rows:
        text = row.text.strip()
        if row.text == "  " and is_soft and block and _cue(block[0].text):
            continue
        if block and (not text or _is_heading_in_capitals(text)):
            yield block
            block = []
        if text:
            block.append(_Row(row.number, text))
    if block:
        yield block


# ------------------------------------------------------------------------------------------------ elements


def _elements(block: Sequence[_Row], notes: Sequence[str]) -> Iterator[Element]:
    """The elements in one block."""
    while block:
        row, count = block[0], 1
        if mark := _MARK.fullmatch(row.text):
            yield Paragraph("note", notes[int(mark[1])], row.number)
        elif row.text.startswith("~"):
            count = next((n for n, each in enumerate(block) if not each.text.startswith("~")), len(block))
            yield Paragraph("lyric", _join(each.text[1:] for each in block[:count]), row.number)
        elif (element := _one_row(row, is_alone=len(block) == 1)) is not None:
            yield element
        elif row.text.strip("= ") and not _is_page_mark(block):
            yield from _speech_or_action(block, notes)
            return
        block = block[count:]


def _join(texts: Iterable[str]) -> str:
    """Lines as one plain text. Emphasis that is still open at the end of a line goes on in the next."""
    return plain(" ".join(filter(None, (without_emphasis(text).strip() for text in texts))))


def _one_row(row: _Row, *, is_alone: bool) -> Element | None:
    """The element that this line is by itself: a section, synopsis, heading or transition."""
    text = row.text
    if text.startswith("!"):
        return None
    if text.startswith("#"):
        name = text.lstrip("#")
        return Paragraph("section", plain(name.strip()), row.number, level=len(text) - len(name))
    if text.startswith("=") and text.strip("= "):
        return Paragraph("synopsis", plain(text.lstrip("=").strip()), row.number)
    if _is_heading(text):
        return _heading(row)
    if text.startswith(">") and not text.endswith("<"):
        words = plain(text[1:].strip())
        return Paragraph("transition" if words == words.upper() else "action", words, row.number)
    if is_transition(without_emphasis(text), is_alone=is_alone):
        return Paragraph("transition", plain(text), row.number)
    return None


def _is_heading(text: str) -> bool:
    if len(text) > MAX_HEADING:
        return False
    bare = without_emphasis(text)
    starts = _HEADING.match(bare) or _FORCED_HEADING.match(bare) or _NUMBER_IN_MARGIN.fullmatch(bare)
    return starts is not None


def _is_heading_in_capitals(text: str) -> bool:
    """Whether a line is a scene heading wherever it stands, even without a blank line above."""
    bare = without_emphasis(text) if len(text) <= MAX_HEADING else ""
    return bare == bare.upper() and re.match(rf"{_PREFIX}\.", bare) is not None


def _heading(row: _Row) -> Heading:
    text, number = without_emphasis(row.text), None
    if match := _NUMBER.search(text):
        text, number = text[: match.start()], match[1]
    elif match := _NUMBER_IN_MARGIN.fullmatch(text):
        text, number = match[2], match[1]
    is_forced = _FORCED_HEADING.match(text)
    return Heading(plain(text[1:] if is_forced else text).strip(), number, row.number)


def _is_page_mark(block: Sequence[_Row]) -> bool:
    """Whether a block is a page number or `(CONTINUED)`, as in text that was taken from a PDF."""
    return len(block) == 1 and _PAGE_MARK.fullmatch(block[0].text) is not None


def _cue(text: str) -> str | None:
    """The cue that a line is if words follow it; None if it is no cue."""
    if len(text) > 2 * MAX_CUE:
        return None
    text = without_emphasis(text).removesuffix("^").strip(" \t*_")
    name = _EXTENSIONS.sub("", text)
    if name.startswith("@"):
        return text if len(name) > 1 else None
    if not name or name[0] in "!~>([.#=\x01" or "^" in name or len(name) > MAX_CUE:
        return None
    if name != name.upper() or re.search(r"[!?]$|^(?:\S+ ){4,}\S+\.$", name):  # a noise, a sentence
        return None
    if any(letter.isupper() for letter in name):
        return text
    is_name = any(letter.isalpha() for letter in name) and len(name) <= MAX_CASELESS_CUE
    return text if is_name and not re.search(r"[.…。！？，、：:]$", name) else None


def _speech_or_action(block: Sequence[_Row], notes: Sequence[str]) -> Iterator[Element]:
    first = block[0]
    marked = [(row, _MARK.fullmatch(row.text)) for row in block]
    own = {row.number: notes[int(mark[1])] for row, mark in marked if mark}
    cue = _cue(first.text) if len(block) > 1 else None
    if cue is not None:
        yield Speech(plain(cue), tuple(_speech_parts(block[1:], own)), first.number)
        own = {number: note for number, note in own.items() if not _is_line_note(note)}
    else:
        lyrics = [row for row in block[1:] if row.text.startswith("~")]
        rows = [row for row in block if row.number not in own and row not in lyrics]
        words = _join(_action_text(row.text) for row in rows)
        if words:
            yield Paragraph("action", words, first.number, is_forced=first.text.startswith("!"))
        yield from (Paragraph("lyric", _join([row.text[1:]]), row.number) for row in lyrics)
    yield from (Paragraph("note", note, number) for number, note in own.items())


def _action_text(text: str) -> str:
    text = text.lstrip("!")
    is_centred = text.startswith(">") and text.endswith("<")
    return text[1:-1] if is_centred else text


def _is_line_note(note: str) -> bool:
    match = _OWN_NOTE.match(note)
    return match is not None and match[1] in LINE_KEYS


def _speech_parts(rows: Sequence[_Row], own: Mapping[int, str]) -> Iterator[SpeechPart]:
    """Words, parentheticals and notes; `(softly) Hello` on one line is a parenthetical and words."""
    said: list[str] = []
    for row in _with_whole_parentheticals(rows):
        bare = plain(row.text)
        opening = _OPENS_WITH_PARENTHETICAL.fullmatch(bare)
        if row.number not in own and not opening and not _is_parenthetical(bare):
            said.append(row.text.removeprefix("~"))
            continue
        if said:
            yield SpeechPart("words", _join(said))
        said = [opening[2]] if opening else []
        if row.number not in own:
            yield SpeechPart("parenthetical", opening[1] if opening else bare[1:-1].strip())
        elif _is_line_note(own[row.number]):
            yield SpeechPart("note", own[row.number])
    if said:
        yield SpeechPart("words", _join(said))


def _with_whole_parentheticals(rows: Sequence[_Row]) -> Iterator[_Row]:
    """The rows, those of a parenthetical that goes over several lines as one."""
    rest = list(rows)
    while rest:
        row = rest.pop(0)
        text = row.text
        if text.startswith("(") and any(")" in each.text for each in rest[:4]):
            while ")" not in text:
                text = f"{text} {rest.pop(0).text}"
        yield _Row(row.number, text)


def _is_parenthetical(text: str) -> bool:
    """Whether a line is one pair of brackets from end to end."""
    depth = 0
    for index, sign in enumerate(text):
        depth += {"(": 1, "（": 1, ")": -1, "）": -1}.get(sign, 0)
        if depth == 0:
            return index == len(text) - 1 and text[0] in "(（"
    return False
