"""HTML pages: templates/pages filled in strictly, with everything that people wrote escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote


def render(name: str, **values: object) -> str:
    """Renders the page of this name. A slot without a value is an error."""
    import jinja2

    pages = resources.files("templates") / "pages"
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda each: (pages / each).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{name}.html.j2").render(**values) + "\n"


def link(path: Path | None, root: Path) -> str | None:
    """A link from a page in `root` to a file; None if there is no file."""
    return quote(path.relative_to(root).as_posix()) if path is not None and path.exists() else None


def minutes(seconds: object) -> str:
    """A length as "1:23"; nothing for what is no number."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}" if isinstance(seconds, int | float) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """A chapter of a manifest; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The entries of a chapter that is a list; those that are no mappings are left out."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def tokens(calls: Sequence[Mapping[str, Any]]) -> int | None:
    """Tokens of all calls, if every one of them was counted; None without calls."""
    counts = []
    for call in calls:
        whole, *parts = (call.get(key) for key in ("total_tokens", "prompt_tokens", "completion_tokens"))
        known = [part for part in parts if isinstance(part, int)]
        counts.append(whole if isinstance(whole, int) else sum(known) if known else None)
    known_counts = [count for count in counts if count is not None]
    return sum(known_counts) if calls and len(known_counts) == len(counts) else None


def dollars(calls: Sequence[Mapping[str, Any]]) -> float | None:
    """Dollars of all calls, if the price of every one of them is known; None without calls."""
    costs = [call.get("cost_usd") for call in calls]
    known = [float(cost) for cost in costs if isinstance(cost, int | float)]
    return sum(known) if calls and len(known) == len(costs) else None
