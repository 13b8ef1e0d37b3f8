"""The table of film models in docs/cameras.md is the one that the program knows."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_film_models_is_the_programs_own() -> None:
    spec = importlib.util.spec_from_file_location("guests_page", ROOT / "docs" / "guests.py")
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert "\n".join(page.rows()) in (ROOT / "docs" / "cameras.md").read_text("utf-8")
