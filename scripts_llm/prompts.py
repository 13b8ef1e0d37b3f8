"""The words that a language model is sent: templates/prompts/*.j2, filled in strictly."""

from __future__ import annotations

from importlib import resources
from typing import Any

from scripts_llm.errors import ScriptError


def render(name: str, **values: object) -> str:
    """The prompt of this name with its slots filled. A slot without a value is an error, never a gap."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_source),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["listed"] = listed
    try:
        return environment.get_template(name).render(**values).strip() + "\n"
    except jinja2.TemplateError as fault:
        raise ScriptError(f"templates/prompts/{name}.j2: wanted a filled prompt, got: {fault}") from None


def listed(words: Any) -> str:
    """Words with commas between them."""
    return ", ".join(str(word) for word in words)


def _source(name: str) -> str | None:
    file = resources.files("templates") / "prompts" / f"{name}.j2"
    return file.read_text(encoding="utf-8") if file.is_file() else None
