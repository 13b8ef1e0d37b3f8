"""Prompts in sentences: looks in full, the place, the light, who speaks; and how long they may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.studio.commands import check
from flows.studio.filming import models, prose, vocabulary
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script, Shot

PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Fish",
        "logline": "A fish.",
        "characters": {
            "joe": {"look": "man, blue apron, moustache"},
            "don": {"look": "orange cat, black hat", "name": "The Don"},
            "eve": {},
        },
        "settings": {"shop": {"look": "small fish shop with white tiles"}},
        "style": {"prompt": "1990s sitcom still"},
    }
)
SCENE = {
    "id": "s01",
    "slugline": "INT. SHOP - NIGHT",
    "setting": "shop",
    "dialogue": [{"joe": "It blinked."}],
}


def compose(prompt: str, **more: Any) -> str:
    scene = Scene.model_validate({**SCENE, "dialogue": [{"who": "joe", "line": "It blinked."}]})
    return prose.compose(Shot(prompt=prompt, **more), scene, PREMISE)


def test_a_shot_is_told_in_sentences() -> None:
    assert compose("Joe talks to the Don, then Joe nods", size="medium", who="joe") == (
        "Medium shot: a man with blue apron and moustache talks to an orange cat with black hat, then the "
        "man nods. The place is a small fish shop with white tiles. Night, in the light of lamps. Only the "
        "mouth of the man moves. 1990s sitcom still. One continuous shot, without letters or subtitles."
    )


def test_weights_and_brackets_are_taken_out() -> None:
    told = compose("a (huge fish:1.4) in the shop")
    assert told.startswith("A huge fish in the small fish shop with white tiles.")
    assert not set("():") & set(told)
    assert "The place is" not in told


def test_nobody_is_told_to_speak_who_is_alone_silent_or_without_a_look() -> None:
    for prompt, who in (("Joe talks", "joe"), ("Joe and the Don dance", "joe"), ("Eve talks to Joe", "eve")):
        assert "mouth" not in compose(prompt, who=who)
    assert "Eve talks to a man" in compose("Eve talks to Joe", who="eve")


@pytest.mark.parametrize(("tokens", "most"), [(None, 90), (512, 90), (128, 76), (226, 90)])
def test_writers_get_as_many_words_as_the_model_reads(tokens: int | None, most: int) -> None:
    dialect = vocabulary.writers_dialect("prose", most_words=prose.most_words(tokens))
    assert (dialect.most_words, dialect.is_closed) == (most, False)
    names = {"joe": "Joe", "don": "The Don"}
    example = dialect.example_for("Joe", "The Don", "fish_shop")
    assert 40 <= len(example.split()) <= most
    assert dialect.find_fault(example, names, ("fish shop",)) is None
    assert "wanted at least 25" in str(
        dialect.find_fault("Joe talks in the fish shop", names, ("fish shop",))
    )
    assert f"wanted at most {most}" in str(dialect.find_fault("Joe talks " * 60, names, ()))


def test_check_counts_in_the_models_own_tokens(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("diffusers")
    from tests.t2v.guests import tiny

    cog = str(tiny.save("cog", tmp_path_factory.mktemp("guests")))
    counted = models.count_tokens(cog, "a cat dances in the kitchen")
    assert counted is not None
    assert counted >= 6
    script = Script.model_validate(
        {
            "schema": 1,
            "title": "The Fish",
            "scenes": [
                {**SCENE, "dialogue": [], "shots": [{"prompt": "Joe talks to a fish " * 20, "who": "joe"}]}
            ],
        }
    )

    def told(model: str) -> list[str]:
        premise = PREMISE.model_copy(update={"video": PREMISE.video.model_copy(update={"model": model})})
        return [one.text for one in check.of_script(script, premise, ()) if "tokens" in one.text]

    (long,) = told(cog)
    assert "s01.1: its prompt has " in long
    assert "tokens with looks and place, cog reads 226: its end is not seen" in long
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert models.count_tokens("ltx-video", "a cat") is None
    assert "has about" in told("ltx-video")[0]
    assert told("wan2.2-5b") == told("toon") == []


def test_the_dialect_of_any_camera_comes_from_its_facts(saved_model: Callable[[str], Path]) -> None:
    assert models.dialect_of("toon") == "toon"
    assert models.dialect_of(str(saved_model("modelscope"))) == "short"
    assert models.dialect_of("ltx-2") == models.dialect_of("fal:minimax/h3/text-to-video") == "prose"
