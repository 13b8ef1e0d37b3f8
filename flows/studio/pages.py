"""Pages for a browser: templates/pages filled in strictly, with everything that people wrote escaped."""

from __future__ import annotations

from importlib import resources


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
