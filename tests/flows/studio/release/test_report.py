"""The report: everything about an episode on one page, and nothing that a person wrote is HTML."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.studio.media import clips
from flows.studio.release import index_page, report
from flows.studio.workspace import files, folder

EVIL = '<img src=x onerror="document.title=1">{{ 7 * 7 }}'


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def sources(self, tag: str) -> list[str | None]:
        return [attributes.get("src") for name, attributes in self.tags if name == tag]


@pytest.fixture
def place(tmp_path: Path) -> folder.EpisodeFolder:
    """An episode of one scene with two shots, of which one is filmed, and two lines."""
    place = folder.EpisodeFolder(tmp_path / "it's [a] show" / "s01e01", folder.EpisodeCode(1, 1))
    frames = np.zeros((16, 64, 112, 3), np.uint8)
    frames[:, :, :, 0] = np.linspace(0, 255, 16, dtype=np.uint8)[:, None, None]
    clips.write_clip(frames, 8, place.clips / "s01.1-aa.mp4")
    place.voices.mkdir()
    (place.voices / "s01-01-bb.wav").write_bytes(b"RIFF")
    place.film.write_bytes(b"film")
    shot = {"id": "s01.1", "scene": "s01", "size": "medium", "prompt": "Joe talks", "seed": 7, "take": 1}
    line = {"id": "s01-01", "scene": "s01", "who": "joe", "line": EVIL, "wav": "s01-01-bb.wav"}
    manifest = {
        "show": "A & B",
        "title": EVIL,
        "scenes": [{"id": "s01", "part": "cold_open", "slugline": "INT. SHOP - DAY", "action": "Joe waits."}],
        "shots": [
            {**shot, "understood": "blue man talking", "clip": "s01.1-aa.mp4", "seconds": 5.2},
            {**shot, "id": "s01.2", "clip": None},
        ],
        "lines": [line, {**line, "id": "s01-02", "wav": None, "murmured": True}],
        "gag_cards": ["s01.2"],
        "film": {"seconds": 83.2, "loudness_lufs": -14.02, "loudness_curve": [-20.0, -14.0, -70.0]},
        "timeline": {
            "num_frames": 240,
            "spans": [{"id": "s01", "start": 0, "end": 240}],
            "lines": [{"who": "joe", "text": "It blinked.", "start": 24, "end": 48}],
            "laughs": [{"size": "big", "start": 48, "end": 96}],
        },
        "writer_calls": [{"purpose": "script", "model": "m", "seconds": 2.0, "prompt_tokens": 10}],
    }
    files.write_json(place.manifest, manifest)
    return place


def test_everything_about_the_episode_is_on_the_page(place):
    page = Page(report.write_report(place).read_text("utf-8"))
    for told in ("A & B", "1:23", "-14.0 LUFS", "INT. SHOP - DAY", "understood: blue man talking", "seed 7"):
        assert told in page.text
    assert page.sources("video") == ["episode.mp4"]
    assert page.sources("audio") == ["voices/s01-01-bb.wav"]


def test_a_clip_is_a_still_that_moves_when_it_is_looked_at(place):
    page = Page(report.write_report(place).read_text("utf-8"))
    (clip,) = [attributes for tag, attributes in page.tags if tag == "img" and "data-moving" in attributes]
    assert str(clip["src"]).startswith("data:image/jpeg;base64,")
    moving = Image.open(io.BytesIO(base64.b64decode(str(clip["data-moving"]).split(",")[1])))
    assert (moving.size, moving.n_frames) == ((112, 64), 16)
    assert "a gag card" in page.text


def test_a_file_of_ones_own_moves_as_fast_as_in_the_film(place):
    note = place.clips / "s01.1-aa.json"
    files.write_json(note, {"recipe": {}, "made": {"num_frames": 6, "full_frames": 16}})
    page = Page(report.write_report(place).read_text("utf-8"))
    (moving,) = [attributes["data-moving"] for _, attributes in page.tags if "data-moving" in attributes]
    assert Image.open(io.BytesIO(base64.b64decode(str(moving).split(",")[1]))).n_frames == 6


def test_what_went_wrong_is_told_with_what_to_do(place):
    told = report.warnings(files.read_json(place.manifest), has_film=True)
    assert [warning.what for warning in told] == ["gag cards: s01.2", "murmured, for want of a voice: s01-02"]
    assert "run the same command again" in told[0].advice
    assert "voices" in told[1].advice


def test_what_people_wrote_is_text_and_never_html(place):
    page = Page(report.write_report(place).read_text("utf-8"))
    assert not [attributes for tag, attributes in page.tags if "onerror" in attributes]
    assert page.text.count("{{ 7 * 7 }}") == 4  # title twice, two lines


def test_nothing_comes_from_the_network(place):
    page = Page(report.write_report(place).read_text("utf-8"))
    links = [value for _, attributes in page.tags for value in attributes.values() if value]
    assert not [link for link in links if "//" in link and not link.startswith("data:")]


def test_the_timeline_is_drawn_to_scale(place):
    drawing = report.draw_timeline(files.read_json(place.manifest))
    assert drawing.scenes == (report.Bar(0, 1000, "s01"),)
    assert drawing.speakers == (("joe", (report.Bar(100, 100, "It blinked."),)),)
    assert drawing.laughs == (report.Bar(200, 200, "big"),)
    points = [tuple(map(float, point.split(","))) for point in drawing.loudness.split()]
    assert [x for x, _ in points] == [0, 500, 1000]
    assert points[1][1] < points[0][1] < points[2][1] == report.HEIGHT


def test_tokens_and_cost_that_are_not_known_are_never_nothing(place):
    page = Page(report.write_report(place).read_text("utf-8"))
    assert "cost" in page.text
    assert "$0" not in page.text
    assert page.text.count("n/a") >= 2


def test_a_gag_card_and_a_name_too_long_for_its_place_are_told(place):
    made = files.read_json(place.manifest)
    made["timeline"]["lines"][0]["who"] = "bartholomew_the_third"
    files.write_json(place.manifest, made)
    page = Page(report.write_report(place).read_text("utf-8"))
    assert "a gag card is in its place" in page.text
    assert "bartholomew_…" in page.text
    assert "bartholomew_the_third: It blinked." in page.text


def test_an_empty_manifest_still_makes_a_page(tmp_path):
    place = folder.EpisodeFolder(tmp_path / "s01e01", folder.EpisodeCode(1, 1))
    files.write_json(place.manifest, {})
    assert "there is no film yet" in report.write_report(place).read_text("utf-8")


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


FRAME = """<!doctype html>
<iframe style="width: {width}px; height: 900px" src="{page}"></iframe>
<script>
  onload = () => {{
    const inside = frames[0].document.documentElement, told = document.documentElement.dataset;
    told.width = frames[0].innerWidth;
    told.over = inside.scrollWidth - frames[0].innerWidth;
    told.text = inside.innerText;
  }};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_both_pages_without_running_over_the_edge(place, tmp_path, width):
    """Wide and as on a phone, with names and words of any length; a window alone is never under 500 wide."""
    made = files.read_json(place.manifest)
    made["title"] = made["show"] = "Donaudampfschifffahrts" * 6
    made["shots"][0]["prompt"] = "w" * 200
    made["lines"][0]["who"] = made["timeline"]["lines"][0]["who"] = "bartholomew_maximilian_the_third"
    files.write_json(place.manifest, made)
    night = {"premise": "a-premise-" * 20, "made": "with gag cards", "notes": "n" * 200}
    nights = [{"began": "2026-01-02", "summary": "s" * 100, "space": "", "shows": [night]}]
    files.write_json(tmp_path / "nights.json", {"nights": nights})
    pages = {
        report.write_report(place): "INT. SHOP - DAY",
        index_page.write_index(tmp_path): "with gag cards",
    }
    for page, wanted in pages.items():
        found = _in_a_browser(page, width, tmp_path)
        assert (found["data-width"], int(found["data-over"])) == (str(width), 0)
        assert wanted in found["data-text"]


def _in_a_browser(page: Path, width: int, folder: Path) -> dict[str, str]:
    """What a frame of this width that shows the page knows of it."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width, page=page.absolute().as_uri()), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += [
        "--allow-file-access-from-files",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
    ]
    done = subprocess.run(
        [str(CHROMIUM), *flags, frame.absolute().as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    (html,) = [attributes for tag, attributes in Page(done.stdout).tags if tag == "html"]
    assert "data-over" in html, done.stderr[-2000:]
    return {key: str(value) for key, value in html.items()}
