"""Parses Final Draft's XML (.fdx) into a script.

The format has no public schema: this follows the files that Final Draft 8 to 13 and other programs write. A
file with a document type or an entity is refused before it is expanded, and nothing outside of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn
from xml.parsers import expat

from scripts_llm.errors import ScriptError
from scripts_llm.files.fountain_script import (
    Element,
    Heading,
    Paragraph,
    Screenplay,
    Speech,
    SpeechPart,
    build_script,
    is_transition,
)
from scripts_llm.plain_text import one_line
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Script

MAX_DEPTH = 100  # elements inside one another; Final Draft has 10

_SCRIPT = ("FinalDraft", "Content")
_TITLE_PAGE = ("FinalDraft", "TitlePage", "Content")
_SUMMARY = ("SceneProperties", "Summary")
_SPOKEN = {"Dialogue": "words", "Parenthetical": "parenthetical", "Lyrics": "words", "Singing": "words"}
_ACTS = {"New Act", "Act Break", "Act"}
_OTHER: Mapping[str, Literal["transition", "remark", "synopsis"]] = {
    "Transition": "transition",
    "Cast List": "remark",
    "Note": "remark",
    "Author": "remark",
    "Summary": "synopsis",
    "Synopsis": "synopsis",
}
_CREDIT = re.compile(r"(?:\w+ )?(?:by|written|story|created|based|adapted)\b", re.IGNORECASE)


@dataclass
class _Block:
    """A paragraph of the file: its type, the number of its scene, its first line and its text."""

    kind: str
    number: str | None
    line: int
    text: str = ""


@dataclass
class _Document:
    """What a parse has found: paragraphs of the script and of the title page, and the number of notes."""

    path: Path
    parser: expat.XMLParserType
    tags: list[str] = field(default_factory=list)
    open_blocks: list[tuple[int, _Block]] = field(default_factory=list)  # with the depth of their tag
    script: list[_Block] = field(default_factory=list)
    title_page: list[_Block] = field(default_factory=list)
    is_struck: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A start tag: a paragraph of the script opens, or a text that is struck out."""
        if not self.tags and tag != "FinalDraft":
            self.refuse(f"wanted a Final Draft document, got the XML of <{one_line(tag, 40)}>")
        if len(self.tags) >= MAX_DEPTH:
            self.refuse(f"wanted at most {MAX_DEPTH} elements inside one another, got more")
        if tag == "Paragraph":
            kind = attributes.get("Type", "")
            block = _Block(kind, attributes.get("Number"), self.parser.CurrentLineNumber)
            if (target := self._target()) is not None:
                target.append(block)
            self.open_blocks.append((len(self.tags), block))
        elif tag == "ScriptNote" and tuple(self.tags[:2]) == _SCRIPT:
            self.script.append(_Block("Note", None, self.parser.CurrentLineNumber, "note"))
        elif tag == "Text":
            self.is_struck = "Strikeout" in attributes.get("Style", "").split("+")
        self.tags.append(tag)

    def end(self, tag: str) -> None:
        """An end tag."""
        self.tags.pop()
        if tag == "Paragraph":
            self.open_blocks.pop()

    def characters(self, text: str) -> None:
        """Text; that of a `<Text>` directly in a paragraph belongs to the paragraph."""
        if self.tags[-1] == "Text" and self.open_blocks and not self.is_struck:
            depth, block = self.open_blocks[-1]
            if depth == len(self.tags) - 2:
                block.text += text

    def refuse(self, message: str) -> NoReturn:
        """Raises ScriptError with the line that is being read."""
        raise ScriptError(f"{self.path}:{self.parser.CurrentLineNumber}: {message}")

    def _target(self) -> list[_Block] | None:
        """The list for a paragraph at this place; None inside notes, headers and alternatives."""
        if tuple(self.tags[:3]) == _TITLE_PAGE:
            return self.title_page
        if tuple(self.tags[:2]) != _SCRIPT:
            return None
        inside = [tag for tag in self.tags[2:] if tag not in ("Paragraph", "DualDialogue")]
        return None if inside else self.script


def is_fdx(raw: bytes) -> bool:
    """Whether a file's bytes are XML: its own name says nothing."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw[:400].decode("utf-16", "ignore").lstrip().startswith("<")
    return re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!DOCTYPE|!--|FinalDraft)", raw) is not None


def parse_fdx(raw: bytes, path: Path, cast: Mapping[str, Character]) -> tuple[Script, tuple[str, ...]]:
    """The script in a Final Draft file, and a list of what it had to leave out ("3 notes").

    Raises ScriptError, with the line, for a file that is no such document or no script.
    """
    return build_script(read_fdx(raw, path), path, cast)


def read_fdx(raw: bytes, path: Path) -> Screenplay:
    """The title page and the elements of a Final Draft file. Raises ScriptError with the line of a fault."""
    parser = expat.ParserCreate()
    document = _Document(path, parser)
    parser.buffer_text = True
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.characters
    parser.StartDoctypeDeclHandler = lambda *_: document.refuse("wanted XML without <!DOCTYPE>, got one")
    parser.EntityDeclHandler = lambda *_: document.refuse("wanted XML without <!ENTITY>, got one")
    try:
        parser.Parse(raw.strip(b" \t\r\n"), True)
    except expat.ExpatError as fault:
        where = f"{path}:{fault.lineno}:{fault.offset + 1}"
        got = f"faulty XML: {expat.errors.messages[fault.code]}"
        raise ScriptError(f"{where}: wanted a Final Draft document, got {got}") from None
    except (LookupError, ValueError) as fault:  # the encoding that the first line names
        raise ScriptError(f"{path}:1: wanted XML in UTF-8, got: {fault}") from None
    return Screenplay(_title_page(document.title_page), tuple(_elements(document.script)))


def _title_page(blocks: Sequence[_Block]) -> dict[str, list[str]]:
    """The title is what stands first, down to an empty line or `Written by`; all else has no key."""
    texts = [_one_line(block) for block in blocks]
    while texts and not any(letter.isalnum() for letter in texts[0]):
        texts.pop(0)
    end = next((n for n, text in enumerate(texts) if not text or _CREDIT.match(text)), len(texts))
    return {"title": texts[:end], "": [text for text in texts[end:] if text]}


def _one_line(block: _Block) -> str:
    return " ".join(filter(None, (row.strip() for row in block.text.splitlines())))


def _elements(blocks: Sequence[_Block]) -> Iterator[Element]:
    """The elements of a script's paragraphs; a cue and what is said below it are one speech."""
    speech: Speech | None = None
    for block in blocks:
        text = _one_line(block)
        if not text:
            continue
        if block.kind in _SPOKEN and speech is not None:
            speech = Speech(speech.cue, (*speech.parts, _speech_part(block.kind, text)), speech.line)
            continue
        if block.kind == "Note" and speech is not None:
            yield Paragraph("remark", text, block.line)
            continue
        if speech is not None:
            yield speech
        speech = Speech(text, (), block.line) if block.kind == "Character" else None
        if speech is None:
            yield from _element(block, text)
    if speech is not None:
        yield speech


def _speech_part(kind: str, text: str) -> SpeechPart:
    if _SPOKEN[kind] == "words":
        return SpeechPart("words", text)
    return SpeechPart("parenthetical", text.removeprefix("(").removesuffix(")").strip())


def _element(block: _Block, text: str) -> Iterator[Element]:
    kind = block.kind
    if kind == "Scene Heading":
        yield Heading(text, block.number, block.line)
    elif kind in _ACTS:
        yield Paragraph("section", text, block.line)
    elif kind == "Action" and is_transition(text) and text == text.upper():
        yield Paragraph("transition", text, block.line)
    elif kind.startswith("Outline") or kind in _OTHER:
        yield Paragraph(_OTHER.get(kind, "synopsis"), text, block.line)
    elif kind != "End of Act":
        yield Paragraph("action", text, block.line)
