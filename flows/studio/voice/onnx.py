"""onnxruntime without its telemetry."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_OFF = "ORT_DISABLE_TELEMETRY"
_importing = threading.Lock()


def import_onnxruntime() -> ModuleType:
    """The module, with telemetry switched off.

    onnxruntime starts its telemetry while it is imported and writes a device id to ~/.cache. It has no
    parameter against that (version 1.32), only a variable of the environment, which is therefore set during
    this one import and taken back.

    Raises:
        ImportError: onnxruntime is not installed or is broken.
    """
    with _importing:
        is_first = "onnxruntime" not in sys.modules and _OFF not in os.environ
        if is_first:
            os.environ[_OFF] = "1"
        try:
            import onnxruntime
        finally:
            if is_first:
                del os.environ[_OFF]
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def open_session(model: Path | bytes) -> InferenceSession:
    """A network, from its file or its bytes, on one CPU thread that does not spin while it waits."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
