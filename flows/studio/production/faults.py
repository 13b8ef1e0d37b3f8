"""Which errors are told in one line, and with which exit code. The rest are bugs and keep their traceback."""

from __future__ import annotations

from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace.folder import disk_errors

FAILED, WRONG_INPUT = 1, 2


def known_fault(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code of an error that people can do something about; None for a bug."""
    from flows.orchestration.server import ApiError
    from scripts_llm.errors import ScriptError
    from scripts_llm.llm.settings import LLMError
    from t2v.errors import CheckpointError, SettingsError, T2VError

    if isinstance(error, StudioError):
        return str(error), error.code
    if isinstance(error, ScriptError | SettingsError | CheckpointError):
        return str(error), WRONG_INPUT
    if isinstance(error, LLMError):
        return str(error), getattr(error, "code", FAILED)
    if isinstance(error, ApiError | T2VError):
        return str(error), FAILED
    return _disk_fault(error) if isinstance(error, OSError) else None


def _disk_fault(error: OSError) -> tuple[str, int] | None:
    try:
        with disk_errors(Path(str(error.filename or "the output folder"))):
            raise error
    except StudioError as known:
        return str(known), known.code
    except OSError:
        return None
