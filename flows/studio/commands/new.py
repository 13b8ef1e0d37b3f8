"""Premise files: the shipped ones, and new ones from a logline. An existing file is never overwritten."""

from __future__ import annotations

import shlex
import zlib
from pathlib import Path

from flows.studio.production.request import Outcome
from flows.studio.workspace.files import atomic_write, disk_errors, list_files
from flows.studio.workspace.folder import show_folder_name
from scripts_llm.errors import ScriptError, suggest
from scripts_llm.files import schema

MAX_LOGLINE = 240


def new(logline: str | None, from_: str | None, folder: Path) -> Outcome:
    """Writes a premise into `folder`: from a logline, or a copy of the shipped one of that name.

    Raises ScriptError for neither or both of them, a name that is not shipped, or a file that exists.
    """
    if (logline is None) == (from_ is None):
        raise ScriptError(
            'wanted either a logline or --from NAME, try: new "A cat runs for mayor", or one of '
            f"--from {', '.join(shipped())}"
        )
    path = write_new(logline, folder) if logline is not None else copy_shipped(str(from_), folder)
    command = f"  coldopen episode --premise {shlex.quote(str(path))}"
    return Outcome(0, path, (f"Wrote {path}. Look at it, change what you like, then:", command))


def shipped() -> dict[str, Path]:
    """The premises in the package, by name."""
    import templates

    folder = Path(templates.__path__[0]) / "premises"
    return {path.stem: path for path in list_files(folder, (".yaml",))}


def write_new(logline: str, folder: Path) -> Path:
    """Writes a commented premise, with a cast that the film model can show, named after the logline."""
    from flows.studio.filming.vocabulary import film_words
    from scripts_llm.offline_writer.premises import premise_from_logline

    words = " ".join(logline.split())
    if not words:
        raise ScriptError('wanted a logline, got an empty one, try: new "A cat runs for mayor"')
    if len(words) > MAX_LOGLINE:
        raise ScriptError(
            f"wanted a logline of at most {MAX_LOGLINE} letters, got {len(words)}; say it in one sentence"
        )
    text = premise_from_logline(words, film_words(), seed=zlib.crc32(words.encode()))
    text = f"# {schema.modeline(schema.PREMISE)}\n{text}"
    return _write(folder / f"{show_folder_name(words)}.yaml", text)


def copy_shipped(name: str, folder: Path) -> Path:
    """Copies a shipped premise, to be edited."""
    known = shipped()
    path = known.get(name.removesuffix(".yaml").replace("-", "_"))
    if path is None:
        near = suggest(name, known)
        meant = f"did you mean {near}? " if near else ""
        raise ScriptError(f"no shipped premise is called {name!r}; {meant}there are {', '.join(known)}")
    return _write(folder / path.name, path.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> Path:
    if path.exists():
        raise ScriptError(
            f"{path}: there is a premise of this name already, and it stays as it is. "
            "Edit it, move it away, or say the new idea in other words."
        )
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")
    with disk_errors(path):
        schema.save_schema(path.parent, schema.PREMISE)
    return path
