"""Five hundred malformed requests at every endpoint: never a 500, never a file outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from flows.api.live.site import Site
from flows.api.server.app import create_app
from flows.api.server.security import Rules
from tests.flows.api.conftest import FISH, KEY, make_shelf

STREAMS = {"/events"}
NAMES = st.sampled_from(
    ["fish-chips", "s01e01", "s01", "s01.1", "s01-01", "1", "-1", "9" * 30, "..", ".", "~"]
)
ODD = st.one_of(
    NAMES,
    st.sampled_from(["../../etc/passwd", "%00", "\x00", "C:\\", "a" * 300, "ж🐟‮"]),
    st.text(max_size=20),
)
KEYS = st.sampled_from(
    [
        "old",
        "new",
        "line",
        "who",
        "prompt",
        "pick",
        "skip",
        "slugline",
        "kind",
        "episode",
        "shot",
        "scene",
        "index",
        "logline",
        "shipped",
        "approved",
        "paused",
        "place",
        "beat",
        "seed",
        "note",
        "until",
        "aspect",
        "x",
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ODD),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["retake", "speak", "rewrite", "episode", "cut", "clip", "batch", "x"]),
        "episode": st.sampled_from([FISH, "../x/s01e01", "", "fish-chips/s99e99"]),
        "line": ODD,
        "prompt": ODD,
        "slugline": ODD,
        "old": st.one_of(st.none(), st.just("Cod."), ODD),
        "shot": ODD,
        "scene": ODD,
    },
)
BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    LIKELY.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.just(b'{"line": "\\ud800", "old": "Cod."}'),
    st.just(b"[" * 5000),
    st.just(b'{"pick": 1e999}'),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_premise, tiny_script):
    """A client over a filmed episode in a folder with a neighbour that nobody may touch."""
    home = tmp_path_factory.mktemp("fuzz")
    (home / "inside").mkdir()
    shelf = make_shelf(home / "inside", tiny_premise, tiny_script)
    (home / "outside").mkdir()
    (home / "outside" / "secret.yaml").write_text("OUTSIDE-7431")
    site = Site(shelf.output, shelf.output.parent / "premises")
    site.board_folder.mkdir(exist_ok=True)
    site.queue.pause("a test")
    app = create_app(site, Rules.of(KEY, 8612))
    headers = {"authorization": f"Bearer {KEY}"}
    client = TestClient(app, base_url="http://127.0.0.1:8612", headers=headers, raise_server_exceptions=False)
    return client, home, _endpoints(app)


def _endpoints(app):
    found = [(method, path) for path, methods in app.openapi()["paths"].items() for method in methods]
    pages = ["/", "/queue", "/queue/list", "/nights", "/nights/morning", "/api", "/static/{a}/{b}"]
    pages += ["/clip", "/clip?size={a}&video_model={b}", "/clip?like={a}", "/clip/results", "/clips/{a}"]
    pages += ["/jobs/{n}/preview.webp"]
    episode = "/shows/{show}/{code}"
    pages += [episode, *(f"{episode}/{part}" for part in ("head", "films", "scenes", "scenes/{s}"))]
    pages += [
        f"{episode}/{part}"
        for part in ("shots/{l}/takes", "pictures/{d}/{k}.webp", "voices/{d}.wav", "files/{f}")
    ]
    more = [("POST", "/t2v/run?prompt={a}&steps={b}&model={c}"), ("PUT", "/api/v1/files/{a}")]
    return [*((method.upper(), path) for method, path in found), *(("GET", path) for path in pages), *more]


def outside(home: Path) -> dict[str, bytes]:
    """Everything beside the folders of the board's own."""
    kept = [path for path in home.rglob("*") if path.is_file() and "inside" not in path.parts]
    return {str(path): path.read_bytes() for path in kept}


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(data=st.data(), body=BODIES, kind=st.sampled_from(["application/json", "text/plain", "x", ""]))
def test_no_request_breaks_the_server_or_leaves_the_folder(place, data, body, kind):
    client, home, endpoints = place
    method, template = data.draw(st.sampled_from(endpoints))
    path = re.sub(
        r"{\w+}", lambda _: quote(data.draw(ODD), safe=data.draw(st.sampled_from(["", "/"]))), template
    )
    if path in STREAMS or "\x00" in path:
        return
    query = data.draw(st.one_of(st.just(""), ODD.map(lambda text: "?" + quote(text) + "=" + quote(text))))
    before = outside(home)
    answer = client.request(method, path + query, content=body, headers={"content-type": kind})
    assert answer.status_code < 500, (method, path, body, answer.text[:500])
    assert b"OUTSIDE-7431" not in answer.content
    assert outside(home) == before
    inside = {each.name for each in (home / "inside").iterdir()}
    assert inside <= {"output", "fish.yaml", "premises"}
