"""Errors that people can do something about: one line and an exit code. All others are bugs."""

from __future__ import annotations

from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace.files import disk_errors

FAILED, WRONG_INPUT = 1, 2


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
    return _describe_disk_error(error) if isinstance(error, OSError) else None


def describe_error_in_a_line(error: BaseException) -> str:
    """An error in one line, without the excerpts of a file; a bug with its kind in front."""
    known = describe_error(error)
    lines = (known[0] if known else f"{type(error).__name__}: {error}").splitlines()
    return "; ".join(line for line in lines if not line.startswith("    "))


def _describe_disk_error(error: OSError) -> tuple[str, int] | None:
    try:
        with disk_errors(Path(str(error.filename or "the output folder"))):
            raise error
    except StudioError as known:
        return str(known), known.code
    except OSError:
        return None
