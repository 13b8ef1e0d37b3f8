"""The words that a language model is sent: templates/prompts/*.j2, filled in strictly.

A file of the same name in a folder of the person's own is used instead. What is filled in is data: it is
never read as a template, steers nothing, and cannot close the tags that it stands between.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.plain_text import strip_controls

_MARKS = re.compile("[\u200b\u200e\u200f\u061c\ufeff]")


def render_prompt(template: str, folder: Path | None = None, /, **values: object) -> str:
    """The prompt of this name with its slots filled. A slot without a value is an error, never a gap."""
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
    """A value as it is filled in: text without control and direction signs, and without a closing tag."""
    if not isinstance(value, str):
        return value
    return _MARKS.sub("", strip_controls(value)).replace("</", "‹/").replace("<show>", "‹show>")


def join_words(words: Any) -> str:
    """Words with commas between them."""
    return ", ".join(str(word) for word in words)


def _unfilled(template: str, folder: Path | None, said: str) -> ScriptError:
    own = folder / f"{template}.j2" if folder else None
    where = own if own and own.is_file() else f"templates/prompts/{template}.j2"
    return ScriptError(f"{where}: wanted a filled prompt, got: {said}")


def _source(name: str, folder: Path | None) -> str | None:
    own = folder / f"{name}.j2" if folder else None
    if own is not None and own.is_file() and own.parent == folder:
        return own.read_text(encoding="utf-8")
    file = resources.files("templates") / "prompts" / f"{name}.j2"
    return file.read_text(encoding="utf-8") if file.is_file() else None
