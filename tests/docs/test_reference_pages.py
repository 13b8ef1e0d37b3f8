"""The pages docs/premise.md and docs/script.md say what the models hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from docs import reference_pages
from scripts_llm.screenplay import premise, script
from scripts_llm.screenplay.fields import Model

DOCS = Path(__file__).parents[2] / "docs"

MODELS = {
    each
    for module in (premise, script)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Model) and each is not Model
}


@pytest.mark.parametrize("name", ["premise", "script"])
def test_the_page_in_docs_is_the_one_that_the_models_make(name: str) -> None:
    """After a change: `python docs/reference_pages.py`."""
    page = {"premise": reference_pages.premise_page, "script": reference_pages.script_page}[name]()
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    "model", sorted(MODELS, key=lambda model: model.__name__), ids=lambda model: model.__name__
)
def test_every_key_is_described_and_stands_in_a_page(model: type[BaseModel]) -> None:
    pages = reference_pages.premise_page() + reference_pages.script_page()
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name}"
        assert f"| `{field.alias or name}` | " in pages
