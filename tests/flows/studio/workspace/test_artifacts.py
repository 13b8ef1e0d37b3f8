"""Recipes and the artifacts that are known by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.workspace import artifacts


def test_equal_recipes_have_one_hash_whatever_the_order_of_their_keys() -> None:
    one = {"prompt": "Рыба", "size": [64, 112], "steps": 20}
    other = {"steps": 20, "size": [64, 112], "prompt": "Рыба"}
    assert artifacts.digest(one) == artifacts.digest(other)
    assert artifacts.digest(one) != artifacts.digest({**one, "steps": 21})
    assert len(artifacts.digest(one)) == 8


def _make(place: Path, label: str, recipe: dict[str, object]) -> artifacts.Artifact:
    def write(path: Path) -> dict[str, object]:
        path.write_bytes(b"film")
        return {"seconds": 1.5}

    return artifacts.create(place, label, recipe, ".mp4", write=write)


def test_an_artefact_is_found_by_its_recipe_whatever_its_number(tmp_path: Path) -> None:
    made = _make(tmp_path, "s02.1", {"prompt": "a"})
    assert made.path.name == f"s02.1-{artifacts.digest({'prompt': 'a'})}.mp4"
    found = artifacts.stored(tmp_path, ".mp4")[artifacts.digest({"prompt": "a"})]
    assert found == made
    assert found.label == "s02.1"
    assert found.notes["seconds"] == 1.5


def test_an_artefact_without_its_note_does_not_count(tmp_path: Path) -> None:
    made = _make(tmp_path, "s01.1", {"prompt": "a"})
    made.path.with_suffix(".json").write_text('{"recipe": {"prom', "utf-8")
    assert artifacts.stored(tmp_path, ".mp4") == {}
    made.path.with_suffix(".json").unlink()
    assert artifacts.stored(tmp_path, ".mp4") == {}
    assert artifacts.stored(tmp_path / "nowhere", ".mp4") == {}


def test_a_note_that_was_edited_does_not_lend_its_file_to_another_recipe(tmp_path: Path) -> None:
    made = _make(tmp_path, "s01.1", {"prompt": "a"})
    note = made.path.with_suffix(".json")
    note.write_text(note.read_text("utf-8").replace('"a"', '"b"'), "utf-8")
    assert artifacts.stored(tmp_path, ".mp4") == {}


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> dict[str, object]:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        artifacts.create(tmp_path, "s01.1", {"prompt": "a"}, ".mp4", write=write)
    assert list(tmp_path.iterdir()) == []


def test_seeds_follow_from_names_and_fit_into_63_bits() -> None:
    seeds = {artifacts.seed_from(7, "s01", "Joe talking", count, 1) for count in range(200)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert artifacts.seed_from(7, "s01") == artifacts.seed_from(7, "s01")
    assert artifacts.seed_from("a", "bc") != artifacts.seed_from("ab", "c")


def test_what_changed_is_told_by_key() -> None:
    assert artifacts.changed_keys({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 0}) == ("b", "d", "c")
