"""Where keys go, which servers are in the house, what a second of film costs, what a workflow is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.studio.cameras.film_model import ModelError
from flows.studio.cameras.names import read_name
from flows.studio.hosted.addresses import clean_url, is_in_the_house, key_of
from flows.studio.hosted.camera import describe
from flows.studio.hosted.camera_prices import find_price, price_fault
from flows.studio.hosted.comfyui import fill, read_workflow
from scripts_llm.errors import ScriptError


@pytest.mark.parametrize(
    ("url", "is_house"),
    [
        ("http://localhost:8091/v1", True),
        ("http://127.0.0.1:8091", True),
        ("http://[::1]:8091", True),
        ("http://gpu-box:8091", True),
        ("http://gpu.local", True),
        ("http://192.168.1.20:8188", True),
        ("http://10.1.2.3", True),
        ("https://gateway.example/v1", False),
        ("https://8.8.8.8/v1", False),
        ("http://[2a00:1450::1]", False),
    ],
)
def test_servers_in_the_house_are_this_machine_and_its_private_network(url: str, is_house: bool) -> None:
    assert is_in_the_house(url) is is_house


@pytest.mark.parametrize(
    ("source", "env", "key"),
    [
        ("m@http://localhost:1/v1", {"VIDEO_API_KEY": "k"}, "k"),
        ("m@http://localhost:1/v1", {"OPENAI_API_KEY": "k", "FAL_KEY": "f"}, ""),
        ("m@https://stranger.example", {"VIDEO_API_KEY": "k"}, ""),
        ("m@https://mine.example", {"VIDEO_API_KEY": "k", "VIDEO_BASE_URL": "https://mine.example/v1"}, "k"),
        ("m@http://localhost:1", {"VIDEO_API_KEY": "k", "VIDEO_BASE_URL": "https://mine.example/v1"}, ""),
        ("fal:m", {"VIDEO_API_KEY": "k", "FAL_KEY": " f\n"}, "f"),
        ("replicate:o/m", {"REPLICATE_API_TOKEN": "r"}, "r"),
    ],
)
def test_a_key_goes_where_it_belongs(source: str, env: dict[str, str], key: str) -> None:
    assert key_of(read_name(source), env)[1] == key


def test_a_key_that_no_header_holds_is_told_without_showing_it() -> None:
    with pytest.raises(ModelError) as caught:
        key_of(read_name("fal:m"), {"FAL_KEY": "abcé"})
    assert str(caught.value) == (
        "FAL_KEY: wanted a key of ASCII letters, got one whose letter 4 is none, try to copy it once more"
    )


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("m@http://host:1", "http://host:1/v1"),
        ("m@http://host:1/v1/videos/", "http://host:1/v1"),
        ("m@HTTPS://host/api/v2/", "https://host/api/v2"),
        ("a.json@http://host:8188/", "http://host:8188"),
    ],
)
def test_addresses_are_read_as_they_are_typed(source: str, url: str) -> None:
    assert clean_url(read_name(source)) == url


@pytest.mark.parametrize(
    "url", ["http://u:p@host/v1", "http://host/v1?key=secret", "http://host:port/v1", "http:///v1"]
)
def test_an_address_that_cannot_be_recorded_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="wanted an address") as caught:
        clean_url(read_name(f"m@{url}"))
    assert "secret" not in str(caught.value)


# ------------------------------------------------------------------------------------------------- prices


def test_the_shipped_prices_have_a_month_and_go_by_the_picture() -> None:
    h3 = read_name("fal:minimax/h3/text-to-video")
    prices = [find_price(h3, lines=lines) for lines in (480, 720, 1080, 4320)]
    assert [price and price.second for price in prices] == [0.05, 0.06, 0.13, 0.16]
    assert str(prices[0]) == "$0.05 a second (price of Nov 2026)"
    assert prices[0] is not None
    assert prices[0].of_film(5) == 0.25


def test_a_users_prices_win_and_a_host_may_have_one_for_every_model(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text(
        "cameras:\n  fal: {minimax/h3/text-to-video: {second: 0.5}}\n  gate.example: {any: {second: 0}}\n"
        "endpoints: {}\n"
    )
    price = find_price(read_name("fal:minimax/h3/text-to-video"), lines=720, own=[own])
    assert (price and price.second, str(price)) == (0.5, "$0.5 a second")
    free = find_price(read_name("m@https://gate.example/v1"), lines=720, own=[own])
    assert free is not None
    assert free.second == 0
    assert find_price(read_name("m@https://other.example"), lines=720, own=[own]) is None
    assert find_price(read_name("toon"), lines=64, own=[own]) is None


def test_a_price_that_is_none_is_a_fault_of_its_file(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text("cameras:\n  fal:\n    m: {second: cheap}\n")
    with pytest.raises(ScriptError, match=r"prices\.yaml:3"):
        find_price(read_name("fal:m"), lines=720, own=[own])


def test_only_what_is_in_the_house_films_without_a_price() -> None:
    assert price_fault(read_name("m@http://localhost:1")) is None
    assert "cameras: {stranger.example: {m: {second: 0.10}}}" in str(
        price_fault(read_name("m@https://stranger.example"))
    )
    assert "wanted the price of o/m at replicate" in str(price_fault(read_name("replicate:o/m")))


# ---------------------------------------------------------------------------------------------- workflows

NODE = {
    "class_type": "CLIPTextEncode",
    "inputs": {"text": "a film of {prompt}, not {negative}", "seed": "{seed}"},
}


def test_the_words_of_a_workflow_are_filled_in_as_texts_and_numbers() -> None:
    filled = fill(
        {"6": NODE, "7": {"inputs": {"image": ["6", 0]}}}, {"prompt": "a cat", "negative": "rain", "seed": 7}
    )
    assert filled["6"]["inputs"] == {"text": "a film of a cat, not rain", "seed": 7}
    assert filled["7"]["inputs"] == {"image": ["6", 0]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{torn", "wanted a ComfyUI workflow as JSON"),
        (json.dumps({"nodes": [], "links": []}), "got one for the editor, try Export (API)"),
        (json.dumps({"a": 1}), "nodes with class_type and inputs, got none"),
        (json.dumps({"6": {"class_type": "X", "inputs": {}}}), "wanted {prompt} in the text of a node"),
    ],
)
def test_another_file_is_no_workflow(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "shot.json"
    path.write_text(content)
    with pytest.raises(ModelError) as caught:
        read_workflow(path)
    assert message in str(caught.value)


def test_facts_of_cameras_are_known_without_asking_them(tmp_path: Path) -> None:
    path = tmp_path / "shot.json"
    path.write_text(json.dumps({"6": NODE, "9": {"class_type": "LoadImage", "inputs": {"image": "{first}"}}}))
    facts: dict[str, Any] = {
        source: (facts.name, facts.pictures, facts.references)
        for source in (
            f"{path}@http://gpu-box:8188",
            "wan@http://gpu-box:8091/v1",
            "fal:x/text-to-video",
            "fal:x/image-to-video",
            "fal:x/reference-to-video",
        )
        if (facts := describe(source))
    }
    assert list(facts.values()) == [
        ("shot@gpu-box", ("none", "first"), 0),
        ("wan@gpu-box", ("none", "first"), 0),
        ("fal:x/text-to-video", ("none", "first"), 0),
        ("fal:x/image-to-video", ("first",), 0),
        ("fal:x/reference-to-video", ("none",), 3),
    ]
