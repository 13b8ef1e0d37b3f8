"""Errors that people can do something about: one line and an exit code. All others are bugs."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace.files import disk_errors

FAILED, WRONG_INPUT = 1, 2
_NO_FOLDER = "the working folder is not there any more; go into another one (cd) and run again"
_OURS = ("flows", "scripts_llm", "t2v")
_VARIABLES = {  # how the environment variables begin that a library reads
    "huggingface_hub": ("HF_", "HUGGINGFACE_"),
    "torch": ("TORCH", "PYTORCH_", "CUDA_", "OMP_", "MKL_"),
}


def describe_error(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code of an error that people can do something about; None for a bug."""
    from scripts_llm.errors import ScriptError  # imported for an error alone, not for every command
    from scripts_llm.llm.client import LLMError

    if isinstance(error, StudioError):
        return str(error), error.code
    if isinstance(error, ScriptError):
        return str(error), WRONG_INPUT
    if isinstance(error, LLMError):
        return str(error), getattr(error, "code", FAILED)
    described = _describe_disk_error(error) if isinstance(error, OSError) else None
    return described or _describe_failed_import(error)


def describe_error_in_a_line(error: BaseException) -> str:
    """An error in one line, without the excerpts of a file; a bug with its kind in front."""
    known = describe_error(error)
    lines = (known[0] if known else f"{type(error).__name__}: {error}").splitlines()
    return "; ".join(line for line in lines if not line.startswith("    "))


def _describe_failed_import(error: BaseException) -> tuple[str, int] | None:
    """The line of an error that a library raised while it was imported, with the variables that it reads."""
    library = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _OURS:
            library = ""
        elif frame.f_code.co_name == "<module>" and package != "__main__":
            library = library or package
    if not library:
        return None
    from scripts_llm.plain_text import one_line  # imported for an error alone, as above

    prefixes = _VARIABLES.get(library, (f"{library.upper()}_",))
    names = sorted(name for name in os.environ if name.startswith(prefixes))
    hint = f"; it reads {', '.join(names)}" if names else ""
    return f"{library} cannot be loaded: {one_line(str(error))}{hint}", FAILED


def _describe_disk_error(error: OSError) -> tuple[str, int] | None:
    try:
        with disk_errors(Path(str(error.filename or "the output folder"))):
            raise error
    except StudioError as known:
        return str(known), known.code
    except OSError:
        return None if error.filename or _has_working_folder() else (_NO_FOLDER, WRONG_INPUT)


def _has_working_folder() -> bool:
    try:
        return Path.cwd().is_dir()
    except FileNotFoundError:
        return False
