"""Every page and every file of the board: there, escaped, found by look-up and never by path."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from starlette.routing import Match

from flows.api.pages.render import static_file
from tests.flows.api.conftest import FISH

HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
PAGES = ["/", "/clip", "/clip/results", "/queue", "/queue/list", f"/shows/{FISH}"]
PARTS = ["head", "films", "scenes", "scenes/s01", "shots/s01.1/takes"]


@pytest.mark.parametrize("path", [*PAGES, *(f"/shows/{FISH}/{part}" for part in PARTS)])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_every_page_is_there_in_both_languages(client, path, lang):
    answer = client.get(path, headers={"accept-language": lang})
    assert answer.status_code == 200
    assert answer.headers["content-language"] == lang
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert not re.search(r"\son\w+=", answer.text)


def test_pages_name_no_other_host(client):
    for path in PAGES:
        assert re.findall(r"(?:src|href|action)=\"(https?:)?//", client.get(path).text) == []


def test_what_the_templates_call_are_routes(client):
    text = "".join(client.get(path).text for path in [*PAGES, *(f"/shows/{FISH}/{part}" for part in PARTS)])
    called = {("GET", url) for url in re.findall(r'hx-get="([^"]+)"', text)}
    called |= {tuple(each.split(" ")) for each in re.findall(r'data-send="([^"]+)"', text)}
    called |= {("PATCH", url) for url in re.findall(r'data-(?:patch|set)="([^"]+)"', text)}
    called |= {("POST", url) for url in re.findall(r'data-add="([^"]+)"', text)}
    assert len(called) > 12
    for method, url in called:
        scope = {"type": "http", "path": url, "method": method}
        assert any(route.matches(scope)[0] == Match.FULL for route in client.app.routes), (method, url)


def test_the_vendored_script_is_the_one_that_was_looked_at():
    import hashlib

    content, _ = static_file("htmx.min.js")
    assert hashlib.sha256(content).hexdigest() == HTMX
    licence = (resources.files("templates") / "board" / "htmx.LICENSE.txt").read_text("utf-8")
    assert "Zero-Clause BSD" in licence


def test_static_files_are_kept_by_their_content(client):
    page = client.get("/").text
    for url in re.findall(r'"(/static/[^"]+)"', page):
        answer = client.get(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/0/board.css").headers["cache-control"] == "no-store"
    assert client.get("/static/0/ru.yaml").status_code == 404


def test_pictures_voices_and_films_are_there(client, shelf):
    (shelf.root / "episode.mp4").write_bytes(b"0123456789")
    scene = client.get(f"/api/v1/episodes/{FISH}").json()["scenes"][0]
    for kind in ("still", "moving"):
        answer = client.get(f"/shows/{FISH}/pictures/{scene['shots'][0]['digest']}/{kind}.webp")
        assert answer.content[:4] == b"RIFF"
        assert "immutable" in answer.headers["cache-control"]
    wav = client.get(f"/shows/{FISH}/voices/{scene['lines'][0]['wav']}.wav")
    assert wav.content[:4] == b"RIFF"
    part = client.get(f"/shows/{FISH}/files/episode.mp4", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    named = client.get(f"/shows/{FISH}/files/episode.mp4?download=true")
    assert "attachment" in named.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    [
        f"/shows/{FISH}/files/manifest.json",
        f"/shows/{FISH}/files/.lock",
        f"/shows/{FISH}/files/..%2f..%2f.board%2fkey",
        f"/shows/{FISH}/files/%2e%2e%2f%2e%2e%2ffish.yaml",
        f"/shows/{FISH}/files/secret.txt",
        f"/shows/{FISH}/voices/..%2fscript.wav",
        f"/shows/{FISH}/pictures/00000000/still.webp",
        f"/shows/{FISH}/pictures/..%2f..%2f/still.webp",
        "/shows/..%2f..%2fetc/s01e01",
        "/shows/.board/s01e01",
        "/shows/nobody/s01e01",
        "/jobs/1/preview.webp",
        "/jobs/-1/preview.webp",
        "/docs",
        "/redoc",
    ],
)
def test_nothing_outside_is_found(client, shelf, tmp_path, path):
    (tmp_path / "secret").write_text("outside")
    (shelf.root / "secret.txt").symlink_to(tmp_path / "secret")
    answer = client.get(path)
    assert answer.status_code in (404, 422), answer.text
    assert "outside" not in answer.text


HOSTILE = "</textarea><img src=x onerror=alert(1)>\"'{{7*7}} \u202e"


def test_what_people_and_models_write_is_text(client, api, shelf):
    api("PATCH", "lines/s01-01", line=HOSTILE, old="It blinked.")
    api("PATCH", "shots/s01.1", prompt=HOSTILE, old="Joe talking, the Don listening")
    api("PATCH", "scenes/s01", slugline=HOSTILE, old="INT. FISH SHOP - DAY")
    for path in [*PAGES, *(f"/shows/{FISH}/{part}" for part in PARTS)]:
        text = client.get(path).text
        assert "<img src=x" not in text
        assert "49" not in re.findall(r"&#39;(.{0,9})", text)
    assert "&lt;/textarea&gt;" in client.get(f"/shows/{FISH}").text


def test_errors_are_a_line_for_pages_and_json_for_scripts(client):
    assert client.get("/shows/no/s01e01").text == "there is no episode 'no/s01e01'"
    assert client.get("/api/v1/episodes/no/s01e01").json() == {"detail": "there is no episode 'no/s01e01'"}
    long = client.post("/api/v1/jobs", content=b"x" * 1_100_000)
    assert long.status_code == 413


def test_pages_are_packed(client, shelf):
    answer = client.get(f"/shows/{FISH}", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "The Fish" in answer.text


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("toon", "no money"),
        ("fal:minimax/h3/text-to-video", "about $"),
        ("fal:nobody/knows", "a price is not known"),
    ],
)
def test_the_bar_tells_what_services_will_cost(client, shelf, model, told):
    premise = shelf.premise.read_text("utf-8")
    shelf.premise.write_text(premise.replace("video: {steps: 2}", f"video: {{model: '{model}'}}"), "utf-8")
    shelf.write(shelf.text.replace("The Don talking", "The Don waiting"))
    page = client.get(f"/shows/{FISH}/head").text
    assert told in page
    assert "to make" in page
