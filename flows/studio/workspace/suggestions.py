"""What viewers suggest: text files beside a premise, each of which may become a B story or a runner.

`suggestions/*.txt` is for every show of the folder, `suggestions/<premise>/*.txt` for one. A text is data: it
is cut to one line, shown to a writer as material, never as an instruction. What was told moves to `used/`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace.files import disk_errors, list_files
from scripts_llm.errors import ScriptError
from scripts_llm.files.source import decode, read_bytes
from scripts_llm.plain_text import one_line

FOLDER, USED = "suggestions", "used"
MOST = 5  # that a writer is shown
MOST_LETTERS = 300  # of one that count
MOST_BYTES = 20_000


@dataclass(frozen=True)
class Suggestion:
    """One suggestion: its name below `suggestions/`, its text on one line, its file while it is untold."""

    name: str
    text: str
    path: Path | None = None


def read_suggestions(
    premise: Path, *, avoid: Sequence[str] = ()
) -> tuple[tuple[Suggestion, ...], tuple[str, ...]]:
    """The first suggestions for a show, its own before those for all, and messages about what cannot be used.

    One that names what the show avoids stays where it is.
    """
    root = premise.parent / FOLDER
    found: list[Suggestion] = []
    messages: list[str] = []
    for path in (*_files(root / premise.stem), *_files(root)):
        try:
            text = one_line(decode(read_bytes(path, what="suggestion", most=MOST_BYTES), path), MOST_LETTERS)
        except ScriptError as fault:
            messages.append(f"{str(fault).splitlines()[0]}; it is left out")
            continue
        avoided = next((each for each in avoid if each.casefold() in text.casefold()), None)
        if avoided is not None:
            messages.append(f"{path}: left out, as the show avoids {avoided!r}")
        elif text and len(found) < MOST:
            found.append(Suggestion(str(path.relative_to(root)), text, path))
    return tuple(found), tuple(messages)


def _files(folder: Path) -> list[Path]:
    """The text files of a folder by name; links may lead anywhere and are passed over."""
    if not folder.is_dir():
        return []
    with disk_errors(folder):
        return [path for path in list_files(folder, (".txt",)) if not path.is_symlink()]


def move_to_used(suggestion: Suggestion) -> Path | None:
    """Moves the file of a suggestion that was told; its new path, or None if it is gone or cannot be moved.

    A file of the same name that was used before stays.
    """
    path = suggestion.path
    if path is None or not path.exists():
        return None
    folder = path.parent / USED
    try:
        with disk_errors(folder):
            folder.mkdir(exist_ok=True)
            others = (f"{path.stem}-{number}{path.suffix}" for number in itertools.count(2))
            names = itertools.chain([path.name], others)
            place = next(folder / name for name in names if not (folder / name).exists())
            path.rename(place)
    except StudioError:
        return None
    return place
