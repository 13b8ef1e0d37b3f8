"""Files that pages hand over: looked at, limited, into the episode alone."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from flows.api.storyboard import uploads
from tests.flows.api.conftest import FISH


def png():
    picture = io.BytesIO()
    Image.new("RGB", (112, 64), "red").save(picture, "PNG")
    return picture.getvalue()


def put(client, name, content):
    return client.put(f"/api/v1/episodes/{FISH}/files/{name}", content=content)


def test_a_picture_is_taken_in_and_a_shot_shows_it(client, api, shelf):
    answer = put(client, "my hat.png", png())
    assert (answer.status_code, answer.json()) == (201, {"file": "uploads/my hat.png"})
    assert api("PATCH", "shots/s01.1", file="uploads/my hat.png", old=None).status_code == 204
    assert "file: uploads/my hat.png" in shelf.text
    shot = client.get(f"/api/v1/episodes/{FISH}").json()["scenes"][0]["shots"][0]
    assert shot["file"] == "uploads/my hat.png"
    assert put(client, "my hat.png", png()).status_code == 201  # the same again is nothing new
    other = io.BytesIO()
    Image.new("RGB", (1, 1)).save(other, "PNG")
    assert put(client, "my hat.png", other.getvalue()).status_code == 422
    assert api("PATCH", "shots/s01.1", file=None, old="uploads/my hat.png").status_code == 204
    assert "file:" not in shelf.text


@pytest.mark.parametrize(
    "name",
    [
        "x.yaml",
        "x.py",
        "x.html",
        "x.svg",
        ".x.png",
        "..png",
        "a%2fb.png",
        "%2e%2e%2fx.png",
        "x",
        "x" * 90 + ".png",
        "a\\b.png",
    ],
)
def test_names_that_are_none_are_refused(client, shelf, name):
    assert put(client, name, png()).status_code in (404, 405, 422)
    assert not (shelf.root / "uploads").exists() or list((shelf.root / "uploads").iterdir()) == []


def test_what_it_says_it_is_it_has_to_be(client, shelf):
    for name, content in (("a.png", b"<html>"), ("a.mp4", png()), ("a.wav", b""), ("a.jpg", b"#!/bin/sh\n")):
        assert put(client, name, content).status_code == 422, name
    assert list((shelf.root / "uploads").iterdir()) == []


def test_sounds_and_films_are_opened_before_they_count(client, shelf):
    wav = next((shelf.root / "voices").glob("*.wav")).read_bytes()
    film = next((shelf.root / "clips").glob("*.mp4")).read_bytes()
    assert put(client, "said.wav", wav).status_code == 201
    assert put(client, "seen.MP4", film).status_code == 201
    for name, content in (("b.wav", wav[:20]), ("b.mp4", film[:60]), ("c.mp4", wav), ("c.wav", png())):
        assert put(client, name, content).status_code == 422, name
    assert sorted(path.name for path in (shelf.root / "uploads").iterdir()) == ["said.wav", "seen.MP4"]


def test_it_is_limited_and_leaves_nothing_behind(client, shelf, monkeypatch):
    monkeypatch.setitem(uploads.MOST_BYTES, "picture", 1000)
    answer = put(client, "a.png", png() + bytes(2000))
    assert answer.status_code == 413
    assert "at most" in answer.json()["detail"]
    monkeypatch.setattr(uploads, "MIN_FREE_BYTES", 10**18)
    assert put(client, "b.png", png()).status_code == 413
    assert list((shelf.root / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../../fish.yaml", "uploads/nothing.png", "script.yaml", "uploads/../x.png"]
)
def test_a_page_names_uploads_alone(api, shelf, file):
    before = shelf.text
    assert api("PATCH", "shots/s01.1", file=file, old=None).status_code == 422
    assert api("PATCH", "lines/s01-01", file=file, old=None).status_code == 422
    assert shelf.text == before
