"""Renders the prompts: templates/prompts/*.j2, or files of the same name in the user's own folder.

Values are data: they are never read as templates and cannot close the tags around them. Missing values are
errors.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import read_text
from scripts_llm.plain_text import strip_controls

_MARKS = re.compile("[\u200b\u200e\u200f\u061c\ufeff]")


def render_prompt(template: str, folder: Path | None = None, /, **values: object) -> str:
    """The named prompt with its slots filled.

    Raises ScriptError if a slot has no value or the template is faulty.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: _source(name, folder)),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        finalize=sanitize,
    )
    environment.filters["listed"] = join_words
    try:
        return environment.get_template(template).render(**values).strip() + "\n"
    except jinja2.TemplateSyntaxError as fault:
        raise _unfilled(fault.name or template, folder, f"line {fault.lineno}: {fault.message}") from None
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as fault:
        raise _unfilled(template, folder, str(fault)) from None


def sanitize(value: Any) -> Any:
    """A value for a slot: text without control and direction characters and without closing tags."""
    if not isinstance(value, str):
        return value
    return _MARKS.sub("", strip_controls(value)).replace("</", "‹/").replace("<show>", "‹show>")


def join_words(words: Any) -> str:
    """Words joined by commas: the filter `listed` of the templates."""
    return ", ".join(str(word) for word in words)


def _unfilled(template: str, folder: Path | None, problem: str) -> ScriptError:
    own = folder / f"{template}.j2" if folder else None
    where = own if own and own.is_file() else f"templates/prompts/{template}.j2"
    return ScriptError(f"{where}: wanted a filled prompt, got: {problem}")


def _source(name: str, folder: Path | None) -> str | None:
    own = folder / f"{name}.j2" if folder else None
    if own is not None and own.is_file() and own.parent == folder:
        return read_text(own, what="prompt").removeprefix("\ufeff")
    file = resources.files("templates") / "prompts" / f"{name}.j2"
    return file.read_text(encoding="utf-8") if file.is_file() else None
