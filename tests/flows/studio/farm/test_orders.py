"""Orders cross the network as JSON and are the same on the other side."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio.errors import StudioError
from flows.studio.farm import orders, roster
from flows.studio.farm.orders import Model
from tests.flows.studio.farm.lab import film, planned

texts = st.text(max_size=30)


@settings(max_examples=20)
@given(
    prompt=texts,
    words=texts,
    seed=st.integers(0, 2**63 - 1),
    guidance=st.floats(0, 30),
    takes=st.sampled_from(["one", "auto"]),
)
def test_an_order_is_the_same_after_its_way_as_json(prompt, words, seed, guidance, takes):
    own = replace(film(), guidance_scale=guidance, takes=takes)
    recipe = {"kind": "clip", "prompt": prompt, "seed": seed, **own.recipe}
    shot = replace(planned(1)[0], prompt=prompt, words=words, seed=seed, recipe=recipe)
    model = Model("abc", (("0f", "ink.safetensors", 0.7),), "TOON")
    order = orders.order_of(shot, own, model, show="show s01e01")
    there = orders.read_order(json.loads(json.dumps(asdict(order))))
    assert there == order
    assert there.digest == shot.digest
    assert there.key == order.key


def test_a_camera_films_with_the_settings_of_the_order_and_its_own_paths(tmp_path):
    settings = replace(film(), model="/head/weights", memory="4GB")
    model = Model(settings.weights, (("0f", "ink.safetensors", 0.7),), "TOON")
    order = orders.order_of(planned(1)[0], settings, model, show="")
    there = orders.settings_of(order, "/camera/weights", {"0f": tmp_path / "ink"}, memory="auto")
    expected = replace(
        settings, model="/camera/weights", loras=((str(tmp_path / "ink"), 0.7),), memory="auto"
    )
    assert there == expected
    assert "/head" not in json.dumps(asdict(order))


def test_labels_change_with_the_release_and_the_weights(monkeypatch):
    first = orders.model_label("abc")
    assert orders.model_label("abd") != first
    monkeypatch.setattr(orders, "release", lambda: "another")
    assert orders.model_label("abc") != first


def test_the_release_holds_the_sources_that_film():
    version, _, sources = orders.release().partition("+")
    assert version
    assert len(sources) == 8
    int(sources, 16)


def test_a_lora_that_is_not_there_is_told(tmp_path):
    settings = replace(film(), loras=((str(tmp_path / "ink.safetensors"), 1.0),))
    with pytest.raises(StudioError, match=r"ink.safetensors: there is no such file"):
        orders.model_of(settings)


def listed(**more) -> roster.Listed:
    facts = {"release": orders.release(), "models": {"abc": "TOON"}, "loras": {}, "device": "cuda:0", **more}
    offers = {orders.model_label(weights): 1 for weights in facts["models"]}
    offers |= {orders.lora_label(content): 1 for content in facts["loras"]}
    info = {"workers": {"tls://1": {"name": "w1", "resources": offers, "coldopen": facts, "metrics": {}}}}
    return roster.read_roster(info)[0]


def test_a_camera_that_has_everything_fits():
    assert listed().why_not(Model("abc", (), "TOON")) == ""
    with_lora = listed(loras={"0f": "ink.safetensors"})
    assert with_lora.why_not(Model("abc", (("0f", "ink.safetensors", 0.7),), "TOON")) == ""


@pytest.mark.parametrize(
    ("camera", "model", "why"),
    [
        ({}, Model("xyz", (), "TOON"), "it has not TOON xyz but TOON abc; start it with --video-model"),
        ({}, Model("abc", (("0f", "ink", 1.0),), "TOON"), "it has not the LoRA ink; start it with --lora"),
        ({"models": {}}, Model("abc", (), "TOON"), "it has not TOON abc but nothing"),
    ],
)
def test_a_camera_that_lacks_something_says_what(camera, model, why):
    assert listed(**camera).why_not(model).startswith(why)


def test_another_release_stands_aside_also_in_the_status(monkeypatch):
    camera = replace(listed(), release="0.0.9+00000000", offers=frozenset())
    assert "its release is 0.0.9+00000000, ours is " in camera.why_not(Model("abc", (), "TOON"))
    assert "stands aside: its release is 0.0.9" in "\n".join(roster.describe([camera]))


def test_a_camera_that_tells_nothing_of_itself_is_listed_all_the_same():
    info = {"workers": {"tls://1": {"name": 5, "resources": {}}}}
    camera = roster.read_roster(info)[0]
    assert camera.why_not(Model("abc", (), "TOON")).startswith("its release is unknown")


def test_orders_leave_out_what_is_of_one_machine_or_of_a_service():
    order = orders.order_of(planned(1)[0], film(), Model("abc", (), ""), show="")
    assert {field for field in asdict(film()) if field not in order.film} == {
        "model",
        "loras",
        "memory",
        "inputs",
        "price",
        "max_cost",
    }
    assert orders.settings_of(order, "m", {}, memory="auto") == replace(film(), model="m")
