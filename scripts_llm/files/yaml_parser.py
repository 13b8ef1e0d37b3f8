"""pyyaml's pure Python parser with a scanner that accepts unquoted dialogue."""

from __future__ import annotations

import re
from typing import Any

import yaml

from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Beat, Line, Shot

_LINE_ENDS = "\0\r\n\x85\u2028\u2029"
_SPACES = _LINE_ENDS + " \t"
_BRACKETS = ",[]{}"
_BRACKETS_AND_MORE = re.compile(r"(?:\[[^\[\]{}]*\]|\{[^\[\]{}]*\})[ \t]*[^\s\]},]")

_KEYS = frozenset((*Line.model_fields, *Beat.model_fields, *Shot.model_fields, *Character.model_fields))


class Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """Parser whose unquoted text may contain colons, question marks, quotes, asterisks and at-signs.

    `- joe: Wait: what` is an error in YAML though nothing else can be meant. Here a plain scalar that begins
    on the line of its key runs to the end of the line, inside brackets to the next comma or closing bracket.
    Likewise `"No," he said`, `[sighs] No`, `*sighs* No` and `@don No` behind a key are text. Of YAML 1.2,
    which pyyaml refuses or reads otherwise, it takes `{line: Really?, laugh: big}`, tabs between tokens and
    within text, and U+2028 and U+2029 as no line breaks. Overrides methods of pyyaml 6's scanner.
    """

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text.replace("\u2028", " ").replace("\u2029", " "))
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)

    def scan_to_next_token(self) -> None:
        """Skips spaces, comments, line ends, and the tabs that indent nothing."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()

    def check_plain(self) -> Any:
        """Whether an unquoted scalar begins here."""
        if self.peek() in "@`%" and (self.flow_level or self._is_behind_its_key()):
            return True
        return super().check_plain()

    def fetch_alias(self) -> None:
        """Scans an alias; `*sighs*` is text."""
        if re.match(r"\*[^\s*,\[\]{}]+\*", self.prefix(80)):
            self.fetch_plain()
        else:
            super().fetch_alias()

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        """Scans `[` or `{`; a line that continues behind the closing bracket is text: `[sighs] No`."""
        row = self._row()
        if not self.flow_level and self._is_behind_its_key() and re.match(_BRACKETS_AND_MORE, row):
            self.allow_simple_key = False
            self.tokens.append(self._take_row(row))
        else:
            super().fetch_flow_collection_start(token_class)

    def fetch_flow_scalar(self, style: Any) -> None:
        """Scans quoted text; a line that continues behind the closing quote is plain text."""
        if not self.flow_level and self._is_behind_its_key():
            row = self._row()
            quoted = r'"(?:[^"\\]|\\.)*"' if style == '"' else r"'(?:[^']|'')*'"
            closed = re.match(quoted, row)
            if closed and row[closed.end() :].strip() and not re.match(r"\s+#", row[closed.end() :]):
                self.allow_simple_key = False
                self.tokens.append(self._take_row(row))
                return
        super().fetch_flow_scalar(style)

    def _is_behind_its_key(self) -> bool:
        return not self.allow_simple_key and self.flow_level not in self.possible_simple_keys

    def scan_plain(self) -> Any:
        """Scans an unquoted scalar and returns its token."""
        if self.flow_level:
            return self._scan_in_brackets()
        return (self._scan_row() if self._is_behind_its_key() else None) or super().scan_plain()

    def _row(self) -> str:
        """The rest of the line without a comment."""
        length = 0
        while (sign := self.peek(length)) not in _LINE_ENDS:
            if sign == "#" and length and self.peek(length - 1) in " \t":
                break
            length += 1
        return str(self.prefix(length).rstrip(" \t"))

    def _take_row(self, row: str) -> Any:
        start = self.get_mark()
        self.forward(len(row))
        return yaml.ScalarToken(row, True, start, self.get_mark())

    def _scan_row(self) -> Any:
        """The rest of the line as one scalar if it contains a colon or tab that would otherwise end it."""
        row = self._row()
        return self._take_row(row) if re.search(r":(\s|$)|\t", row) else None

    def _scan_in_brackets(self) -> Any:
        is_value = self._is_behind_its_key()
        start = end = self.get_mark()
        chunks: list[str] = []
        spaces: list[str] | None = []
        while self.peek() != "#":
            length = 0
            while not self._ends_in_brackets(length, is_value=is_value):
                length += 1
            if not length:
                break
            self.allow_simple_key = False
            chunks += [*(spaces or ()), self.prefix(length)]
            self.forward(length)
            end = self.get_mark()
            spaces = self.scan_plain_spaces(self.indent + 1, start)
            if not spaces:
                break
        return yaml.ScalarToken("".join(chunks), True, start, end)

    def _ends_in_brackets(self, length: int, *, is_value: bool) -> bool:
        sign = self.peek(length)
        if sign == ":":
            ends = self.peek(length + 1) in _SPACES + _BRACKETS
            return ends and not (is_value and self.prefix(length) not in _KEYS)
        return sign in _SPACES + _BRACKETS
