"""The web UI plug-in's endpoint: its arguments in, its answer out."""

from __future__ import annotations

import base64
import threading
import time

import pytest

from flows.api.routes.t2v import controls_of
from flows.studio.media import clip_export
from tests.flows.api.routes.test_clips import FRAMES, png


@pytest.fixture
def filming(site):
    """A queue that goes on, and somebody who films each of its clips at once, or fails with `fault`."""
    site.queue.pause("")
    seen: list = []
    done = threading.Event()
    fault: list[str] = []

    def work() -> None:
        while not done.wait(0.02):
            for state in site.queue.waiting():
                number, options = state.job.number, site.clips.options(state.job.options)
                site.queue.note(number, "begun", pid=1)
                seen.append(options)
                if fault:
                    site.queue.note(number, "failed", text=fault[0], code=2)
                    continue
                for seed in range(options.count or 1):
                    ending = f"-{seed + 1}" if (options.count or 1) > 1 else ""
                    out = options.out.with_name(f"{options.out.stem}{ending}.mp4")
                    clip_export.export_clip(FRAMES, 8, out, {"prompt": "x"})
                site.queue.note(number, "done", code=0)

    thread = threading.Thread(target=work)
    thread.start()
    yield seen, fault
    done.set()
    thread.join()


def run(client, files=None, **asked):
    return client.post("/t2v/run", params=asked, files=files)


def test_the_version_is_the_plug_ins(client):
    assert client.get("/t2v/api_version").json() == {"version": "1.0"}


def test_a_call_with_the_plug_ins_arguments_gives_films_as_data_urls(client, filming):
    answer = run(
        client,
        prompt="an orange cat",
        n_prompt="text",
        steps=9,
        frames=4,
        seed=5,
        cfg_scale=7,
        width=112,
        height=64,
        batch_count=2,
        fps=15,
    )
    assert answer.status_code == 200
    films = answer.json()["mp4s"]
    assert len(films) == 2
    for film in films:
        kind, _, content = film.partition(",")
        assert kind == "data:video/mp4;base64"
        assert base64.b64decode(content)[4:8] == b"ftyp"
    assert answer.json()["ignored"] == ["fps"]
    (options,) = filming[0]
    assert (options.negative, options.steps, options.frames, options.seed) == ("text", 9, 4, 5)
    assert (options.guidance, options.size, options.count) == (7, "112x64", 2)


def test_files_come_along_as_forms_send_them(client, filming, site):
    answer = run(
        client,
        files={"inpainting_image": ("cat", png(), "image/png")},
        prompt="a cat",
        inpainting_frames=1,
        do_vid2vid="false",
    )
    assert answer.status_code == 200
    (options,) = filming[0]
    assert options.image.read_bytes() == png()
    assert options.image.parent == site.clips.uploads


def test_samplers_have_our_names_and_eta_wants_ddim():
    assert controls_of({"sampler": "UniPC"})["sampler"] == "unipc"
    assert controls_of({"sampler": "DDIM_Gaussian"})["sampler"] == "ddim"
    assert controls_of({"eta": "0.5"})["sampler"] == "ddim"
    assert controls_of({"eta": "0"})["sampler"] is None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"prompt": ""},
        {"prompt": "a cat", "steps": "many"},
        {"prompt": "a cat", "model": "/etc"},
        {"prompt": "a cat", "width": "-1"},
        {"prompt": "a cat", "sampler": "heun"},
    ],
)
def test_what_cannot_be_filmed_is_a_line(client, site, asked):
    site.queue.pause("")
    answer = run(client, **asked)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)
    assert site.queue.all() == []


def test_a_failed_film_and_a_paused_queue_are_told(client, site, filming):
    filming[1].append("toon wants 1 to 1000 steps, got 0")
    answer = run(client, prompt="a cat")
    assert (answer.status_code, answer.json()["detail"]) == (422, "toon wants 1 to 1000 steps, got 0")
    site.queue.pause("a crash")
    begun = time.monotonic()
    assert run(client, prompt="a cat").status_code == 409
    assert time.monotonic() - begun < 5
