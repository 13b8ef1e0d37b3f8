"""Which failures are worth another try."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.states import Completed, Failed

from flows import tasks
from flows.studio.errors import StudioError
from scripts_llm.errors import ScriptError


def _disk_full() -> StudioError:
    error = StudioError("the disk is full")
    error.__cause__ = OSError(28, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RuntimeError("a hiccup"), True),
        (StudioError("ffmpeg stopped with 1"), True),
        (StudioError("format: size", code=2), False),
        (ScriptError("script.yaml:3:5: wanted a number"), False),
        (_disk_full(), False),
        (PermissionError(13, "Permission denied"), False),
    ],
)
def test_only_what_can_recover_is_tried_again(error: Exception, again: bool) -> None:
    nobody: Any = None
    assert tasks.can_recover(nobody, nobody, Failed(data=error)) is again


def test_what_succeeded_is_not_tried_again() -> None:
    nobody: Any = None
    assert tasks.can_recover(nobody, nobody, Completed(data="made")) is False


def test_outside_of_a_flow_run_a_step_is_plain_work() -> None:
    assert tasks.run_as_task("double", "double 21", lambda: 2 * 21) == 42
