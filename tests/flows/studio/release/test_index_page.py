"""The page of all episodes."""

from __future__ import annotations

import os
from html.parser import HTMLParser

import pytest

from flows.studio.release import index_page
from flows.studio.workspace import files, folder


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data.strip())


@pytest.fixture
def episode(tmp_path):
    def made(show: str, code: str, at: int, manifest: dict, *, film=True):
        place = folder.EpisodeFolder(tmp_path / folder.show_folder_name(show) / code, folder.parse_code(code))
        files.write_json(place.manifest, {"show": show, **manifest})
        if film:
            place.film.write_bytes(b"film")
            place.poster.write_bytes(b"png")
            os.utime(place.film, (at, at))
        else:
            os.utime(place.manifest, (at, at))
        return place

    return made


def test_episodes_come_newest_first_with_poster_player_length_and_what_failed(tmp_path, episode):
    episode("Fish & Chips", "s01e01", 1_000, {"title": "Cod", "film": {"seconds": 83.4}})
    episode("Äpfel", "s01e01", 3_000, {"title": "Birne", "gag_cards": ["s02.1"]})
    shots = [{"clip": "a.mp4"}, {"clip": None}]
    episode("Late", "s01e02", 2_000, {"title": "Half", "shots": shots}, film=False)
    first, second, third = index_page.list_entries(tmp_path)
    assert [first.title, second.title, third.title] == ["Birne", "Half", "Cod"]
    assert first.warnings == ("gag cards: s02.1",)
    assert second.warnings == ("unfinished: 1 of 2 shots are filmed",)
    assert (third.duration, third.film) == ("1:23", "fish-chips/s01e01/episode.mp4")
    assert first.poster == "%C3%A4pfel/s01e01/poster.png"
    page = Page(index_page.write_index(tmp_path).read_text("utf-8"))
    films = [attributes["src"] for tag, attributes in page.tags if tag == "video"]
    assert films == [first.film, third.film]
    assert all((tmp_path / "fish-chips" / "s01e01" / name).exists() for name in ("episode.mp4", "poster.png"))


def test_what_people_wrote_is_text_and_never_html(tmp_path, episode):
    evil = '<script>alert("x")</script>'
    episode(evil, "s01e01", 1, {"title": evil, "logline": evil, "script": {"fell_back": evil}})
    night = {
        "began": "2026-01-02T03:00:00",
        "summary": evil,
        "space": "",
        "shows": [{"premise": evil, "made": "no", "notes": evil}],
    }
    files.write_json(tmp_path / "nights.json", {"nights": [night]})
    page = Page(index_page.write_index(tmp_path).read_text("utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(evil) >= 4


def test_nothing_on_the_page_comes_from_the_network(tmp_path, episode):
    episode("One", "s01e01", 1, {"title": "x"})
    page = Page(index_page.write_index(tmp_path).read_text("utf-8"))
    links = [value for _, attributes in page.tags for value in attributes.values() if value]
    assert not [link for link in links if "//" in link]


def test_an_empty_folder_and_a_torn_record_still_make_a_page(tmp_path):
    (tmp_path / "nights.json").write_text('{"nights": "torn', "utf-8")
    assert "0 episodes" in index_page.write_index(tmp_path).read_text("utf-8")
