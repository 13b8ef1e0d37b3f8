"""What a night leaves behind: its record, the page of all episodes, and the command that is told of it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flows.studio.production import batch
from flows.studio.production.batch import Result
from flows.studio.production.request import BatchOptions
from flows.studio.release import index_page
from flows.studio.workspace.folder import read_json, write_json

NIGHTS_KEPT = 60
ON_DONE_SECONDS = 300


def keep(options: BatchOptions, results: Sequence[Result], began: datetime) -> dict[str, Any]:
    """Adds the night to `output/nights.json`, draws `output/index.html` anew, and returns its record."""
    record = record_of(options, results, began)
    path = options.output / "nights.json"
    nights = (read_json(path) or {}).get("nights")
    before = nights if isinstance(nights, list) else []
    write_json(path, {"schema": 1, "nights": [record, *before][:NIGHTS_KEPT]})
    index_page.write(options.output)
    return record


def record_of(options: BatchOptions, results: Sequence[Result], began: datetime) -> dict[str, Any]:
    """The summary as data: what `--on-done` gets on standard input."""
    return {
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now().astimezone().isoformat(timespec="seconds"),
        "premises": str(options.premises),
        "output": str(options.output),
        "exit_code": batch.code_of(results),
        "summary": batch.summary(results)[0],
        "shows": batch.table(results),
        "space": batch.space_line(options.output),
    }


def call(command: str, record: dict[str, Any]) -> str | None:
    """Runs the command with the record as JSON on its standard input; what went wrong, or None.

    The command is split as a shell would split it, and no shell runs it.
    """
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("wanted a command")
        done = subprocess.run(
            words,
            input=json.dumps(record, ensure_ascii=False),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=ON_DONE_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"--on-done {command}: {error}"
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        return f"--on-done {command}: it ended with exit code {done.returncode} ({last[0][:200]})"
    return None
