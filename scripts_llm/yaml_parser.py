"""pyyaml's pure-Python parser, taught two things that people type in dialogue."""

from __future__ import annotations

import re
from typing import Any

import yaml

_LINE_ENDS = "\0\r\n\x85\u2028\u2029"
_SPACES = _LINE_ENDS + " \t"
_BRACKETS = ",[]{}"


class Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """Events of a YAML text, where unquoted text may hold a colon and a question mark.

    `- joe: Wait: what` is an error in YAML, and the way people write dialogue. Nothing else can be meant: so
    a plain scalar that begins on the line of its key runs to the end of that line. `{line: Really?, laugh:
    big}` is an error to pyyaml alone; YAML 1.2 has no objection.
    """

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)

    def scan_plain(self) -> Any:
        """An unquoted scalar, as a token."""
        if self.flow_level:
            return self._scan_in_brackets()
        behind_its_key = not self.allow_simple_key and 0 not in self.possible_simple_keys
        return (self._scan_row() if behind_its_key else None) or super().scan_plain()

    def _scan_row(self) -> Any:
        """The rest of the line as one scalar, if there is a colon in it that would end it."""
        start = self.get_mark()
        length = 0
        while (sign := self.peek(length)) not in _LINE_ENDS:
            if sign == "#" and length and self.peek(length - 1) in " \t":
                break
            length += 1
        body = self.prefix(length).rstrip(" \t")
        if not re.search(r":(\s|$)", body):
            return None
        self.forward(len(body))
        return yaml.ScalarToken(body, True, start, self.get_mark())

    def _scan_in_brackets(self) -> Any:
        start = end = self.get_mark()
        chunks: list[str] = []
        spaces: list[str] | None = []
        while self.peek() != "#":
            length = 0
            while not self._ends_in_brackets(length):
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

    def _ends_in_brackets(self, length: int) -> bool:
        sign = self.peek(length)
        if sign == ":":
            return self.peek(length + 1) in _SPACES + _BRACKETS
        return sign in _SPACES + _BRACKETS
