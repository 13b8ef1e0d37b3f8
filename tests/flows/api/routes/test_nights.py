"""The nights and the morning: what was made, what not and why, and scenes to be answered one by one."""

from __future__ import annotations

import json

from flows.studio.workspace import files
from tests.flows.api.conftest import FISH


def write_night(shelf, *, is_made):
    film = shelf.root / "episode.mp4"
    if is_made:
        film.write_bytes(b"film")
        note = files.read_json(shelf.root / "manifest.json")
        spans = [{"id": "s01", "start": 48, "end": 120}]
        timeline = {"num_frames": 120, "spans": spans, "lines": [], "laughs": []}
        files.write_json(shelf.root / "manifest.json", {**note, "title": "The Fish", "timeline": timeline})
    shows = [
        {
            "premise": "fish.yaml",
            "made": "yes" if is_made else "no",
            "seconds": "120",
            "film": str(film) if is_made else "",
        },
        {
            "premise": "broken.yaml",
            "made": "no",
            "seconds": "0",
            "film": "",
            "notes": "broken.yaml:3:1: wanted <b>…",
        },
        {"premise": None, "made": 7, "seconds": "x", "film": "../../etc/passwd", "notes": None},
    ]
    shows[0]["notes"] = "" if is_made else "the disk is full"
    record = {"began": "2026-11-30T01:00:02+00:00", "summary": "1 of 3 made.", "space": "", "shows": shows}
    (shelf.output / "nights.json").write_text(json.dumps({"nights": [record, "nonsense"]}))


def test_what_was_not_made_has_its_reason_and_a_button_to_finish_it(client, shelf):
    write_night(shelf, is_made=False)
    text = client.get("/nights").text
    assert "the disk is full" in text
    assert "Finish it" in text
    assert "&lt;b&gt;" in text
    assert f'href="/shows/{FISH}"' in text


def test_the_morning_plays_each_scene_of_the_night_and_forgets_approved_ones(client, api, shelf):
    write_night(shelf, is_made=True)
    assert "Finish it" not in client.get("/nights").text
    text = client.get("/nights/morning").text
    assert f"/shows/{FISH}/files/episode.mp4#t=2.0,5.0" in text
    assert "It blinked." in text
    api("POST", "scenes/s01/approve", approved=True)
    assert "Nothing to look at" in client.get("/nights/morning").text
    assert "Nothing to look at" in client.get("/nights/morning?episode=../../etc").text


def test_without_nights_the_pages_say_so(client):
    assert "No night yet" in client.get("/nights").text
    assert "Nothing to look at" in client.get("/nights/morning").text


def test_films_have_captions_download_and_the_shapes_that_are_missing(client, shelf):
    for name in ("episode.mp4", "episode.9x16.mp4", "draft.mp4", "episode.gif"):
        (shelf.root / name).write_bytes(b"film")
    (shelf.root / "episode.vtt").write_text("WEBVTT\n")
    text = client.get(f"/shows/{FISH}/films").text
    assert text.count("<track") == 2  # the episode's and the upright one's
    assert "Cut it 1:1" in text
    assert "Cut it 9:16" not in text
    assert text.count("download=true") == 4
    assert client.get(f"/shows/{FISH}/files/episode.vtt").headers["content-type"].startswith("text/vtt")


def test_make_asks_only_where_some_scenes_are_approved_and_others_not(client, api):
    api("POST", "scenes", slugline="INT. PIER - NIGHT")
    assert "data-ask" not in client.get(f"/shows/{FISH}/head").text
    api("POST", "scenes/s01/approve", approved=True)
    assert "1 scene is not approved" in client.get(f"/shows/{FISH}/head").text
    api("POST", "scenes/s02/approve", approved=True)
    assert "data-ask" not in client.get(f"/shows/{FISH}/head").text
