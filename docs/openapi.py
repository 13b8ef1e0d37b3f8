"""Writes docs/openapi.json, the board's API as its server describes it: `python docs/openapi.py`."""

from __future__ import annotations

import json
from pathlib import Path

from flows.api.live.site import Site
from flows.api.server.app import create_app
from flows.api.server.security import Rules


def document() -> str:
    """The OpenAPI document as JSON."""
    app = create_app(Site(Path("output"), Path("premises")), Rules.of(None, 8612))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("openapi.json").write_text(document(), encoding="utf-8")
