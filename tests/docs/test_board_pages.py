"""The board's documents: the API's description is what the server says, and the examples work."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_openapi_document_is_what_the_server_answers():
    spec = importlib.util.spec_from_file_location("openapi", ROOT / "docs" / "openapi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert written == module.document(), "run `python docs/openapi.py`"
