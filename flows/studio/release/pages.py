"""Pages for a browser: templates/pages filled in strictly, with everything that people wrote escaped."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote


def render(name: str, **values: object) -> str:
    """The page of this name. A slot without a value is an error, never a gap."""
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
    """A page's link, from the folder that it lies in, to a file; None if that is not there."""
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
