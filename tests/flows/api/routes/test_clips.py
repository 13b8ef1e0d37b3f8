"""One clip over HTTP: its controls are the command's, files are looked at, clips are found by look-up."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image
from starlette.routing import Match

from flows.api.clips import controls as clip_controls
from flows.api.clips.controls import controls
from flows.api.routes.job_kinds import ClipJob
from flows.api.storyboard import uploads
from flows.studio.commands.clip import ClipOptions
from flows.studio.filming.models import describe_model
from flows.studio.media import clip_export

FRAMES = np.zeros((4, 64, 112, 3), np.uint8)


def png() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (56, 32), (200, 30, 30)).save(content, "PNG")
    return content.getvalue()


def ask(client, **values):
    return client.post("/api/v1/jobs", json={"kind": "clip", **values})


def shown(client, path="/clip"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def test_the_controls_are_the_commands_options_with_their_help(client):
    names = {field.name for field in fields(ClipOptions)} - clip_controls.NOT_HERE
    assert {control.name for control in controls()} == names
    assert set(ClipJob.model_fields) == {*names, "kind", "prompt"}
    page = shown(client)
    for control in controls():
        assert ClipJob.model_fields[control.name].description == control.help
        assert f'id="c-{control.name}"' in page
        assert f'id="d-{control.name}">' in page
    told = client.get("/api/v1/clip/controls").json()
    assert [control["name"] for control in told["controls"]] == [control.name for control in controls()]
    assert told["own"]["size"] == "224x128"
    assert 'placeholder="224x128"' in page


def test_presets_are_the_models_shapes_and_quicker_ways(client):
    page = shown(client)
    presets = [json.loads(each) for each in re.findall("data-preset='([^']+)'", page)]
    facts = describe_model("toon")
    assert len(presets) == len({json.dumps(each) for each in presets}) > len(facts.sizes)
    for (height, width), preset in zip(facts.sizes.values(), presets, strict=False):
        assert preset == {"size": f"{width}x{height}"}
    for preset in presets:
        assert ask(client, prompt="a cat", **preset).status_code == 202
    assert "data-preset" not in shown(client, "/clip?video_model=nobody")


def test_a_prompt_becomes_a_job_with_the_commands_options(client, site):
    answer = ask(client, prompt="orange cat\u202e dancing", steps=5, seed=0, eta=0, size="80x80", loop=True)
    assert answer.status_code == 202
    job = site.queue.get(answer.json()["number"]).job
    assert job.title == "orange cat dancing"
    options = site.clips.options(job.options)
    assert options == ClipOptions(
        out=site.output / "clips" / f"{job.options['name']}.mp4",
        gif=True,
        steps=5,
        seed=0,
        eta=0,
        size="80x80",
        loop=True,
    )
    assert job.options["name"].startswith("orange-cat-dancing-")
    assert "orange cat dancing" in shown(client, "/clip/results")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "a cat", "steps": 0}, "steps"),
        ({"prompt": "a cat", "sampler": "heun"}, "sampler"),
        ({"prompt": "a cat", "size": "big"}, "size"),
        ({"prompt": "a cat", "out": "/etc/passwd"}, "out"),
        ({"prompt": "a cat", "like": "x.mp4"}, "like"),
        ({"prompt": "a cat", "prompts_file": "/etc/passwd"}, "prompts_file"),
        ({"prompt": "a cat", "image": "/etc/passwd"}, "image"),
        ({"prompt": "a cat", "video": "../../fish.yaml"}, "video"),
        ({"prompt": "a cat", "video_model": "/etc"}, "wanted one of toon"),
        ({"prompt": "a cat", "video_model": "damo-vilab/text-to-video-ms-1.7b"}, "wanted one of toon"),
        ({"prompt": "a cat", "lora": ["/etc/passwd:0.5"]}, "lora: wanted one of those"),
    ],
)
def test_what_cannot_be_filmed_or_is_not_here_is_refused(client, site, values, told):
    answer = ask(client, **values)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert site.queue.all() == []


def test_a_picture_is_sent_and_named_by_its_content(client, site):
    answer = client.put("/api/v1/files/first frame.png", content=png())
    assert answer.status_code == 201
    name = answer.json()["file"]
    assert (site.clips.uploads / name).read_bytes() == png()
    number = ask(client, prompt="a cat", image=name).json()["number"]
    assert site.clips.options(site.queue.get(number).job.options).image == site.clips.uploads / name
    assert f'value="{name}"' in shown(client, f"/clip?image={name}")
    assert ask(client, prompt="a cat", image="0123456789abcdef.png").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.png", b"\x7fELF not a picture", 422),
        ("a.mp4", b"<script>", 422),
        ("a.sh", png(), 422),
        ("..%2F..%2Fa.png", png(), 404),
        ("a.png", b"", 422),
    ],
)
def test_what_is_no_picture_is_not_kept(client, site, name, content, status):
    assert client.put(f"/api/v1/files/{name}", content=content).status_code == status
    assert not site.clips.uploads.exists() or list(site.clips.uploads.iterdir()) == []


def test_a_file_that_is_too_long_is_not_kept(client, site, monkeypatch):
    monkeypatch.setitem(uploads.MOST_BYTES, "picture", 50)
    assert client.put("/api/v1/files/a.png", content=png()).status_code == 413
    assert list(site.clips.uploads.iterdir()) == []


def filmed(client, site, **settings) -> str:
    """A job whose clips lie there, as the worker leaves them; the first one's name."""
    number = ask(client, prompt="orange cat").json()["number"]
    options = site.clips.options(site.queue.get(number).job.options)
    told = {"prompt": "orange cat", "weights": "0" * 16, "seed": 7, **settings}
    for suffix in (".mp4", ".gif"):
        clip_export.export_clip(FRAMES, 8, options.out.with_suffix(suffix), told)
    site.queue.note(number, "begun", pid=1)
    site.queue.note(number, "done", code=0)
    return options.out.name


def test_films_are_shown_and_played_with_their_gifs(client, site):
    name = filmed(client, site)
    page = shown(client, "/clip/results")
    assert f'src="/clips/{name}?' in page
    assert "autoplay" in page
    assert f'href="/clips/{name[:-4]}.gif?download=true"' in page
    (job,) = client.get("/api/v1/clips").json()
    assert job["clips"] == [{"mp4": f"/clips/{name}", "gif": f"/clips/{name[:-4]}.gif"}]
    assert client.get(f"/api/v1/clips/{job['number']}").json() == job
    assert client.get(job["clips"][0]["mp4"], headers={"range": "bytes=4-7"}).content == b"ftyp"
    assert client.get(job["clips"][0]["gif"]).content[:4] == b"GIF8"


@pytest.mark.parametrize(
    "name", ["..%2f..%2ffish.yaml", "nothing.mp4", "notes.txt", ".hidden.mp4", "link.mp4"]
)
def test_only_clips_are_found(client, site, name):
    site.clips.clips.mkdir()
    for there in ("notes.txt", ".hidden.mp4"):
        (site.clips.clips / there).write_text("outside")
    (site.clips.clips / "link.mp4").symlink_to(site.clips.clips / "notes.txt")
    assert client.get(f"/clips/{name}").status_code == 404


def test_as_this_one_fills_the_controls(client, site):
    (site.clips.models / "mine").mkdir(parents=True)
    site.clips.loras.mkdir()
    for lora in ("hat.safetensors", "cat.safetensors"):
        (site.clips.loras / lora).write_bytes(b"")
    name = filmed(
        client,
        site,
        steps=9,
        sampler="unipc",
        video_model="/elsewhere/models/mine",
        image="/home/cat.png",
        lora=["loras/cat.safetensors:0.5", "hat.safetensors"],
    )
    answer = client.get(f"/clip?like={name}", follow_redirects=False)
    assert answer.status_code == 303
    page = shown(client, answer.headers["location"])
    assert 'value="9"' in page
    assert 'value="cat.safetensors:0.5,hat.safetensors"' in page
    number = ask(client, prompt="a cat", lora=["cat.safetensors:0.5"]).json()["number"]
    options = site.clips.options(site.queue.get(number).job.options)
    assert options.lora == (f"{site.clips.loras / 'cat.safetensors'}:0.5",)
    assert 'value="7"' in page
    assert "<option selected>unipc</option>" in page
    assert '<option value="mine" selected>' in page
    assert "orange cat</textarea>" in page
    sent = client.put("/api/v1/files/c.gif", content=(site.clips.clips / f"{name[:-4]}.gif").read_bytes())
    told = client.post(f"/api/v1/files/{sent.json()['file']}/settings").json()
    assert told["page"] == answer.headers["location"]
    assert told["lost"] == ["image: cat.png"]
    plain = client.put("/api/v1/files/p.png", content=png()).json()["file"]
    assert "says what it was filmed with" in client.post(f"/api/v1/files/{plain}/settings").json()["detail"]
    assert client.post("/api/v1/files/..%2Fkey/settings").status_code in (404, 422)


def test_the_address_is_text_and_nothing_else(client):
    hostile = "</textarea><img src=x onerror=alert(1)>"
    page = client.get(
        "/clip", params={"prompt": hostile, "size": '"><b>', "lora": hostile, "video_model": "/etc"}
    )
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert '"><b>' not in page.text


def test_what_the_clips_page_calls_are_routes(client, site):
    filmed(client, site)
    ask(client, prompt="waits")
    page = shown(client)
    for method, url in re.findall(r'data-send="(\w+) ([^"]+)"', page):
        scope = {"type": "http", "path": url, "method": method}
        assert any(route.matches(scope)[0] == Match.FULL for route in client.app.routes), (method, url)
    (anew,) = re.findall(r"data-body='([^']+)'", page)
    assert client.post("/api/v1/jobs", json=json.loads(anew)).status_code == 202
