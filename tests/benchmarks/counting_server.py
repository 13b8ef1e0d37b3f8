"""A private server of Prefect that counts its SQL statements, by `flows.orchestration.private_server`.

The file that BENCH_STATEMENTS names has the counts by now, as JSON by the statement's first word.
"""

from __future__ import annotations

import json
import os
import runpy
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from flows.orchestration import private_server

COUNTS = "BENCH_STATEMENTS"


def main() -> None:
    counts: Counter[str] = Counter()

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        counts[statement.split(maxsplit=1)[0].upper()] += 1

    def tell() -> None:
        path = Path(os.environ[COUNTS])
        part = path.with_suffix(".part")
        while True:
            part.write_text(json.dumps(dict(counts)), "utf-8")
            part.replace(path)
            time.sleep(0.2)

    threading.Thread(target=tell, daemon=True).start()
    runpy.run_path(str(private_server.__file__), run_name="__main__")


if __name__ == "__main__":
    main()
