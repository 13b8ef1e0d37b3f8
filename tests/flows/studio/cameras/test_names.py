"""The names of film models, and where each one films."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.cameras.names import CameraName, read_name, with_whole_path


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("toon", CameraName("here", "toon")),
        ("weights/wan", CameraName("here", "weights/wan")),
        ("Wan-AI/Wan2.2-TI2V-5B-Diffusers@main", CameraName("here", "Wan-AI/Wan2.2-TI2V-5B-Diffusers@main")),
        ("wan2.2@http://localhost:8091/v1", CameraName("server", "wan2.2", "http://localhost:8091/v1")),
        ("me@home/wan@https://a.example", CameraName("server", "me@home/wan", "https://a.example")),
        ("shot.json@http://pc:8188", CameraName("comfyui", "shot.json", "http://pc:8188")),
        ("fal:fal-ai/wan/v2.2", CameraName("fal", "fal-ai/wan/v2.2")),
        ("replicate:wan-video/wan-2.2", CameraName("replicate", "wan-video/wan-2.2")),
        ("fal:", CameraName("here", "fal:")),
        ("@http://localhost", CameraName("here", "@http://localhost")),
        (r"C:\films\wan", CameraName("here", r"C:\films\wan")),
    ],
)
def test_a_name_says_where_it_films(source: str, name: CameraName) -> None:
    assert read_name(source) == name
    assert str(name) == source


def test_files_and_folders_get_their_whole_path_wherever_they_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shows").mkdir()
    (tmp_path / "shows" / "shot.json").touch()
    (tmp_path / "wan").mkdir()
    workflow = read_name("shot.json@http://pc:8188")
    assert str(with_whole_path(workflow)) == "shot.json@http://pc:8188"
    assert str(with_whole_path(workflow, tmp_path / "shows")) == f"{tmp_path}/shows/shot.json@http://pc:8188"
    assert str(with_whole_path(read_name("wan"))) == str(tmp_path / "wan")
    assert str(with_whole_path(read_name("wan@http://pc:8091"))) == "wan@http://pc:8091"
