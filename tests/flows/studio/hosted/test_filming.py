"""A film by a server: asked for once whatever goes wrong, paid once, resumed after a kill at any instant."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.studio.errors import StudioError
from flows.studio.hosted.asking import Asked, Provider
from flows.studio.hosted.comfyui import ComfyUI
from flows.studio.hosted.errors import BudgetError, HostedError, Refused, ShotError, UnheardError
from flows.studio.hosted.fal import FalQueue
from flows.studio.hosted.filming import Order, ask_ahead, film
from flows.studio.hosted.jobs import Job, Jobs
from flows.studio.hosted.replicate import Replicate
from flows.studio.hosted.videos import VideosServer
from flows.studio.hosted.wire import Patience, Wire
from tests.flows.studio.hosted.fakes import (
    KEY,
    FakeServer,
    cut_short,
    dropped,
    looks_like,
    says,
    serving,
    status,
    taken_and,
    taken_and_dropped,
)

SHAPES = ("videos", "fal", "replicate", "comfyui")
QUICK = Patience(
    first_seconds=0.001, longest_seconds=0.01, look_seconds=0.005, settle_seconds=0.05, film_seconds=20
)
WORKFLOW = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{prompt}", "seed": "{seed}"}}}


@pytest.fixture(params=SHAPES)
def server(request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    with serving(request.param) as fake:
        yield fake


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "jobs")


def provider_of(shape: str, base: str, key: str = KEY) -> Provider:
    if shape == "videos":
        return VideosServer(Wire(base, key, key_name="VIDEO_API_KEY", timeout=5), "fish")
    if shape == "fal":
        return FalQueue(Wire(base, key, scheme="Key", key_name="FAL_KEY", timeout=5), "fal-ai/fish")
    if shape == "replicate":
        return Replicate(Wire(base, key, key_name="REPLICATE_API_TOKEN", timeout=5), "fish/two")
    return ComfyUI(Wire(base, timeout=5), WORKFLOW)


def order_of(prompt: str = "a cat talks", **changes: Any) -> Order:
    asked = Asked(prompt, 4, 1280, 720, 24, seed=7)
    order = Order("0a1b2c3d", "s01.2", "fish", asked, dollars=0.4, max_cost=10.0)
    return replace(order, **changes)


def film_it(
    server: FakeServer, jobs: Jobs, key: str = KEY, patience: Patience = QUICK, **changes: Any
) -> Path:
    return film(provider_of(server.shape, server.base, key), order_of(**changes), jobs, patience=patience)


def kept(jobs: Jobs) -> Job:
    (job,) = jobs
    return job


# ------------------------------------------------------------------------------------------ what goes well


def test_a_film_is_asked_for_once_fetched_whole_and_found_again(server: FakeServer, jobs: Jobs) -> None:
    path = film_it(server, jobs)
    assert path.read_bytes() == server.film
    assert (kept(jobs).state, kept(jobs).spent) == ("filmed", 0.4)
    assert film_it(server, jobs) == path
    assert server.creates() == len(server.jobs) == 1


def test_the_job_is_on_the_disk_before_it_is_asked_for(server: FakeServer, jobs: Jobs) -> None:
    seen: list[str] = []

    def looking(handler: Any) -> None:
        seen.append(kept(jobs).state)
        handler.answer(429, {}, {"Retry-After": "0"})

    server.misbehave("create", looking)
    film_it(server, jobs)
    assert seen == ["asking"]


def test_jobs_that_are_asked_for_ahead_are_fetched_later(server: FakeServer, jobs: Jobs) -> None:
    provider = provider_of(server.shape, server.base)
    ask_ahead(provider, order_of(), jobs, patience=QUICK)
    assert kept(jobs).state == "asked"
    film_it(server, jobs)
    assert server.creates() == 1


def test_the_key_goes_to_its_server_alone_and_stands_in_no_file(jobs: Jobs) -> None:
    with serving("fal") as server, serving("fal") as storage:
        elsewhere = says({"video": {"url": f"{storage.root}/files/a.mp4"}})
        server.misbehave("result", elsewhere)
        film_it(server, jobs)
        assert {told for _, _, told in server.log} == {f"Key {KEY}"}
        assert {told for _, _, told in storage.log} == {""}
    assert not [path for path in jobs.folder.iterdir() if KEY.encode() in path.read_bytes()]


def test_a_redirect_of_the_film_leaves_the_key_behind(jobs: Jobs) -> None:
    with serving("videos") as server, serving("videos") as storage:
        server.misbehave("content", status(302, location=f"{storage.root}/files/a.mp4"))
        assert film_it(server, jobs).read_bytes() == storage.film
        assert [told for _, _, told in storage.log] == [""]


def test_what_is_asked_for_has_the_fields_of_its_shape(server: FakeServer, jobs: Jobs) -> None:
    asked = Asked(
        "a cat", 5, 1280, 720, 24, seed=2**40, negative_prompt="rain", first=b"\x89PNG", inputs={"x": 1}
    )
    film_it(server, jobs, asked=asked)
    (job,) = server.jobs.values()
    got = job["asked"]
    if server.shape == "videos":
        assert (got["seconds"], got["size"], got["has_picture"]) == ("5", "1280x720", True)
        assert "num_frames" not in got, "the server knows those of its model"
        assert (got["model"], got["negative_prompt"], got["x"]) == ("fish", "rain", "1")
    elif server.shape == "comfyui":
        assert got["prompt"]["6"]["inputs"] == {"text": "a cat", "seed": 2**40}
    else:
        inputs = got.get("input", got)
        assert (inputs["duration"], inputs["aspect_ratio"], inputs["resolution"]) == (5, "16:9", "720p")
        assert (inputs["seed"], inputs["x"]) == (2**40 % 2**31, 1)
        picture = inputs["image" if server.shape == "replicate" else "image_url"]
        assert picture.startswith("data:image/png;base64,")


# --------------------------------------------------------------------------------------------- misbehaviours

REFUSAL = {"error": {"message": "blocked by our moderation", "code": "moderation_blocked"}}
CHECKER = {"detail": [{"msg": "flagged by a content checker", "type": "content_policy_violation"}]}

# (shape, step, faults, exception, line, jobs that the server took, requests for a job)
FATAL: list[tuple[str, str, list[Any], type[HostedError], str, int, int]] = [
    (
        "videos",
        "create",
        [status(400, REFUSAL)],
        Refused,
        "its rules forbid this prompt or picture, 400 (blocked",
        0,
        1,
    ),
    (
        "fal",
        "create",
        [status(422, CHECKER)],
        Refused,
        "its rules forbid this prompt or picture, 422 (flagged",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(401, {"error": {"message": f"bad key {KEY}"}})],
        HostedError,
        "wanted a key that it knows, got 401, try VIDEO_API_KEY",
        0,
        1,
    ),
    (
        "fal",
        "create",
        [status(401, {"detail": "no"})],
        HostedError,
        "wanted a key that it knows, got 401, try FAL_KEY",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(402, {"error": {"message": "no credit"}})],
        HostedError,
        "wanted money on the account, got 402 (no credit), try to pay the provider",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(429, {"error": {"message": "over", "code": "insufficient_quota"}})],
        HostedError,
        "wanted money on the account, got 429 (over)",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(403, {"error": {"message": f"key {KEY} may not"}})],
        HostedError,
        "wanted a key that may film, got 403 (key *** may not), try VIDEO_API_KEY",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(404, {"error": {"message": "no model fish"}})],
        HostedError,
        "wanted a model or job that it has, got 404 (no model fish)",
        0,
        1,
    ),
    (
        "replicate",
        "create",
        [status(422, {"detail": "- input.duration: must be 5 or 10"})],
        HostedError,
        "wanted a film, got 422 (- input.duration: must be 5 or 10)",
        0,
        1,
    ),
    ("videos", "create", [status(413)], HostedError, "wanted a smaller request, got 413", 0, 1),
    (
        "videos",
        "create",
        [status(308, location="https://x.example/v1?key=1")],
        HostedError,
        "got a redirect to https://x.example/v1, try that address",
        0,
        1,
    ),
    (
        "videos",
        "create",
        [status(429, retry_after="7200")],
        HostedError,
        "the server asks to wait 7200 s",
        0,
        1,
    ),
    ("videos", "create", [status(503)] * 6, HostedError, "wanted a film, got 503", 0, 6),
    (
        "fal",
        "create",
        [taken_and(502, b"<html>Bad gateway</html>")],
        UnheardError,
        "0.40 dollars may have been paid; look at the provider's own list, and film it again with --pay",
        1,
        1,
    ),
    (
        "fal",
        "create",
        [taken_and_dropped],
        UnheardError,
        "got a connection that broke off; s01.2: fish was asked for this shot and no answer came",
        1,
        1,
    ),
    (
        "fal",
        "create",
        [taken_and(200, b"<html>hello</html>")],
        UnheardError,
        "wanted a job, got an answer that is none",
        1,
        1,
    ),
    (
        "fal",
        "create",
        [taken_and(200, {"request_id": "r"})],
        UnheardError,
        "wanted a job with status_url, got one without",
        1,
        1,
    ),
    (
        "videos",
        "create",
        [taken_and(200, [1])],
        UnheardError,
        "wanted a job, got an answer that is none",
        1,
        1,
    ),
    ("videos", "create", [taken_and(504)], UnheardError, "wanted a film, got 504", 1, 1),
    (
        "comfyui",
        "create",
        [
            status(
                400,
                {
                    "error": {"message": "Prompt outputs failed validation"},
                    "node_errors": {
                        "6": {
                            "class_type": "CLIPTextEncode",
                            "errors": [{"message": "Required input is missing", "details": "clip"}],
                        }
                    },
                },
            )
        ],
        HostedError,
        "wanted a film, got node 6 (CLIPTextEncode): Required input is missing",
        0,
        1,
    ),
    (
        "videos",
        "look",
        [
            looks_like(
                {"status": "failed", "error": {"code": "moderation_blocked", "message": "output blocked"}}
            )
        ],
        Refused,
        "its rules forbid this prompt or picture (output blocked)",
        1,
        1,
    ),
    (
        "videos",
        "look",
        [looks_like({"status": "failed", "error": {"code": 500, "message": "CUDA out of memory"}}, 500)],
        ShotError,
        "wanted a film, the job failed (CUDA out of memory)",
        1,
        1,
    ),
    (
        "videos",
        "look",
        [looks_like({"status": "cancelled"})],
        ShotError,
        "wanted a film, the job failed (no reason told)",
        1,
        1,
    ),
    (
        "fal",
        "look",
        [says({"status": "COMPLETED", "error": "Request timed out", "error_type": "request_timeout"})],
        ShotError,
        "wanted a film, the job failed (Request timed out)",
        1,
        1,
    ),
    (
        "fal",
        "result",
        [status(422, CHECKER, x_fal_retryable="false")],
        Refused,
        "its rules forbid this prompt or picture, 422",
        1,
        1,
    ),
    ("fal", "result", [says({"images": []})], ShotError, "the answer names no film", 1, 1),
    (
        "replicate",
        "look",
        [says({"status": "failed", "error": "The input was flagged as sensitive. (E005)"})],
        Refused,
        "its rules forbid this prompt or picture (The input was flagged",
        1,
        1,
    ),
    (
        "replicate",
        "look",
        [says({"status": "aborted", "error": None})],
        ShotError,
        "the job failed (aborted)",
        1,
        1,
    ),
    (
        "replicate",
        "look",
        [says({"status": "succeeded", "output": None})],
        ShotError,
        "the answer names no film",
        1,
        1,
    ),
    (
        "comfyui",
        "look",
        [
            says(
                {
                    "comfyui-1": {
                        "prompt": [],
                        "outputs": {},
                        "status": {
                            "status_str": "error",
                            "messages": [
                                [
                                    "execution_error",
                                    {
                                        "node_id": "3",
                                        "node_type": "KSampler",
                                        "exception_message": "out of memory",
                                    },
                                ]
                            ],
                        },
                    }
                }
            )
        ],
        ShotError,
        "the job failed (node 3 (KSampler): out of memory)",
        1,
        1,
    ),
    (
        "comfyui",
        "look",
        [says({"comfyui-1": {"prompt": [], "outputs": {}, "status": {"status_str": "success"}}})],
        ShotError,
        "the workflow saved no film, try a node like SaveVideo",
        1,
        1,
    ),
    (
        "videos",
        "content",
        [status(404)] * 3,
        UnheardError,
        "the film is not there any more, so 0.40 dollars may have been paid",
        1,
        1,
    ),
    (
        "videos",
        "content",
        [status(302, location="ftp://x/a.mp4")],
        HostedError,
        "wanted an address of https, got one of ftp",
        1,
        1,
    ),
    ("videos", "look", [status(401)], HostedError, "wanted a key that it knows, got 401", 1, 1),
]


@pytest.mark.parametrize(
    ("shape", "step", "faults", "kind", "line", "taken", "requests"),
    FATAL,
    ids=[f"{number}-{case[0]}-{case[1]}" for number, case in enumerate(FATAL)],
)
def test_a_server_that_fails_is_one_clear_line_and_never_asked_twice(
    jobs: Jobs,
    shape: str,
    step: str,
    faults: list[Any],
    kind: type[HostedError],
    line: str,
    taken: int,
    requests: int,
) -> None:
    with serving(shape) as server:
        server.misbehave(step, *faults)
        with pytest.raises(HostedError) as caught:
            film_it(server, jobs)
        said = str(caught.value)
        assert type(caught.value) is kind
        assert line in said
        assert len(said.splitlines()) == 1
        assert KEY not in said
        assert (len(server.jobs), server.creates()) == (taken, requests)
        assert not any(KEY in path.read_text("utf-8") for path in jobs.folder.glob("*.json"))


@pytest.mark.parametrize(
    ("step", "faults"),
    [
        ("create", [status(429, retry_after="0"), status(429)]),
        ("create", [status(503), status(503)]),
        ("look", [status(502, b"<html>bad gateway</html>"), status(500), dropped]),
        ("look", [says([1, 2]), says(b"no json")]),
        ("look", [looks_like({"status": "NOT_START"}), looks_like({"status": None})]),
        ("look", [status(404)]),
        ("content", [cut_short, cut_short]),
        ("content", [status(503), dropped]),
        ("content", [status(404), status(410)]),
        ("content", [says(b"")]),
        ("list", [status(502)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_passes_is_waited_for(jobs: Jobs, step: str, faults: list[Any]) -> None:
    with serving("videos") as server:
        server.misbehave(step, *faults)
        assert film_it(server, jobs).read_bytes() == server.film
        assert len(server.jobs) == 1


def test_no_server_is_told_and_nothing_is_spent(jobs: Jobs) -> None:
    with serving("videos") as server:
        pass
    with pytest.raises(HostedError, match="wanted a server, got no connection, try to start it"):
        film_it(server, jobs)
    assert jobs.spent == 0
    provider = provider_of("fal", server.base)
    with pytest.raises(HostedError, match="got no connection"):
        film(provider, order_of(), jobs, patience=QUICK)
    assert (kept(jobs).state, jobs.spent) == ("failed", 0)


def test_a_refused_shot_is_never_asked_for_again(jobs: Jobs) -> None:
    with serving("videos") as server:
        server.misbehave("create", status(400, REFUSAL))
        for _ in range(2):
            with pytest.raises(Refused, match="its rules forbid"):
                film_it(server, jobs)
        assert server.creates() == 1
        film_it(server, jobs, digest="99999999", prompt="another prompt")


def test_a_refusal_after_the_job_was_taken_counts_as_spent(jobs: Jobs) -> None:
    with serving("fal") as server:
        server.misbehave("result", status(422, CHECKER))
        with pytest.raises(Refused):
            film_it(server, jobs)
    assert jobs.spent == 0.4


def test_a_failed_job_is_asked_for_anew_by_the_next_run(server: FakeServer, jobs: Jobs) -> None:
    failed = {
        "videos": looks_like({"status": "failed"}),
        "fal": says({"status": "COMPLETED", "error": "no"}),
        "replicate": says({"status": "failed"}),
        "comfyui": says({"comfyui-1": {"status": {"status_str": "error", "messages": []}}}),
    }
    server.misbehave("look", failed[server.shape])
    with pytest.raises(ShotError):
        film_it(server, jobs)
    assert jobs.spent == 0
    film_it(server, jobs)
    assert len(server.jobs) == 2


@pytest.mark.parametrize("shape", ["videos", "replicate"])
def test_an_answer_that_nobody_heard_is_found_in_the_servers_list(jobs: Jobs, shape: str) -> None:
    with serving(shape) as server:
        film_it(server, jobs, digest="11111111")  # another job with the same prompt
        server.misbehave("create", taken_and_dropped)
        with pytest.raises(UnheardError, match="may have been paid"):
            film_it(server, jobs)
        assert film_it(server, jobs).is_file()
        assert len(server.jobs) == 2
        assert kept_of(jobs, "0a1b2c3d").where == {"id": f"{shape}-2"}


def kept_of(jobs: Jobs, digest: str) -> Job:
    job = jobs.get(digest)
    assert job is not None
    return job


def test_a_request_that_never_arrived_is_asked_again_where_the_list_is_sure(jobs: Jobs) -> None:
    with serving("videos") as server:
        server.misbehave("create", dropped)
        with pytest.raises(UnheardError):
            film_it(server, jobs)
        assert film_it(server, jobs).is_file()
        assert len(server.jobs) == 1


def test_a_list_without_prompts_is_sure_of_nothing(jobs: Jobs) -> None:
    with serving("videos") as server:
        server.misbehave("create", taken_and_dropped)
        with pytest.raises(UnheardError):
            film_it(server, jobs)
        server.misbehave("list", says({"data": [{"id": "other", "created_at": 1}]}))
        with pytest.raises(UnheardError, match="may have been paid"):
            film_it(server, jobs)
        assert len(server.jobs) == 1


def test_pay_again_asks_anew_and_goes_on_counting_what_may_be_paid(jobs: Jobs) -> None:
    with serving("fal") as server:
        server.misbehave("create", taken_and_dropped)
        for _ in range(2):
            with pytest.raises(UnheardError):
                film_it(server, jobs)
        assert (server.creates(), jobs.spent) == (1, 0.4)
        assert [job.label for job in jobs.give_up_unheard()] == ["s01.2"]
        film_it(server, jobs)
        assert (len(server.jobs), jobs.spent) == (2, 0.8)
        assert jobs.give_up_unheard() == []


def test_a_server_that_costs_nothing_is_asked_again(jobs: Jobs) -> None:
    with serving("comfyui") as server:
        server.misbehave("create", dropped)
        with pytest.raises(HostedError, match="broke off"):
            film_it(server, jobs, dollars=None)
        film_it(server, jobs, dollars=None)
        assert len(server.jobs) == 1


def test_a_job_that_the_server_has_forgotten(jobs: Jobs) -> None:
    """vLLM-Omni forgets its jobs when it is started anew."""
    with serving("videos") as server:
        ask_ahead(provider_of("videos", server.base), order_of(), jobs, patience=QUICK)
        server.jobs.clear()
        jobs.keep(kept(jobs), asked_at=time.time() - 3600)
        with pytest.raises(UnheardError, match="the server knows nothing of it any more"):
            film_it(server, jobs)
        with pytest.raises(UnheardError, match="knows nothing"):
            film_it(server, jobs)
        assert server.creates() == 1
        jobs.keep(kept(jobs), state="asked", dollars=0.0)
        with pytest.raises(ShotError, match="run again, and it is asked for anew"):
            film_it(server, jobs, dollars=None)
        film_it(server, jobs, dollars=None)
        assert len(server.jobs) == 1


def test_a_film_that_takes_too_long_is_fetched_by_the_next_run(jobs: Jobs) -> None:
    with serving("videos") as server:
        server.looks_needed = 10**6
        with pytest.raises(
            ShotError, match="it is still being made there; run again later, it is not asked for twice"
        ):
            film_it(server, jobs, patience=replace(QUICK, film_seconds=0.05))
        server.looks_needed = 1
        film_it(server, jobs)
        assert server.creates() == 1


def test_a_file_that_is_no_film_is_fetched_again_and_not_paid_again(jobs: Jobs) -> None:
    def check(path: Path) -> None:
        if b"mp4" not in path.read_bytes():
            raise StudioError(f"{path}: wanted a film, found no picture in it")

    with serving("videos") as server:
        server.misbehave("content", says(b"<html>sorry</html>"))
        provider = provider_of("videos", server.base)
        with pytest.raises(ShotError, match="got a file that is none"):
            film(provider, order_of(), jobs, patience=QUICK, check=check)
        assert not list(jobs.folder.glob("*.mp4"))
        film(provider, order_of(), jobs, patience=QUICK, check=check)
        assert server.creates() == 1


# ------------------------------------------------------------------------------------------------- money


def test_the_limit_is_kept_before_anything_is_asked_for(jobs: Jobs) -> None:
    with serving("fal") as server:
        film_it(server, jobs, digest="11111111", max_cost=1.0)
        film_it(server, jobs, digest="22222222", max_cost=1.0)
        with pytest.raises(BudgetError) as caught:
            film_it(server, jobs, digest="33333333", max_cost=1.0)
        assert str(caught.value) == (
            "video: max_cost 1 dollars: 0.80 are spent, and s01.2 by fish costs 0.40; nothing more was asked "
            "for, try a higher max_cost"
        )
        assert server.creates() == 2
        film_it(server, jobs, digest="33333333", max_cost=1.2)


def test_a_job_file_that_cannot_be_read_stops_before_money_is_spent(jobs: Jobs) -> None:
    with serving("fal") as server:
        jobs.folder.mkdir()
        (jobs.folder / "0a1b2c3d.json").write_text("{torn")
        with pytest.raises(
            StudioError, match="wanted a job that may be paid for, got a file that cannot be read"
        ):
            film_it(server, jobs)
        assert server.creates() == 0


def test_half_a_job_that_a_kill_left_behind_is_none(jobs: Jobs) -> None:
    def killed(path: Path) -> None:
        path.with_name(f".{path.stem}.1f-2e.part.json").write_text('{"digest": "0a1b')

    with serving("fal") as server:
        film_it(server, jobs)
        killed(jobs.folder / "0a1b2c3d.json")
        film_it(server, jobs, digest="11111111")
        assert [job.state for job in jobs] == ["filmed", "filmed"]


def test_a_job_of_a_later_version_is_read(jobs: Jobs) -> None:
    jobs.keep(Job("0a1b2c3d", "s01.2", "fish", "asked", 1.0, 0.4, where={"id": "x"}))
    path = jobs.folder / "0a1b2c3d.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert kept(jobs).where == {"id": "x"}


def test_two_programs_never_ask_for_one_shot_at_once(jobs: Jobs) -> None:
    with jobs.locked("0a1b2c3d"), serving("fal") as server:
        with pytest.raises(StudioError, match="another program is filming this shot"):
            film_it(server, jobs)
        assert server.creates() == 0


# ------------------------------------------------------------------------------------------------- kills


def film_in_a_process(shape: str, base: str, folder: Path, result: Path, digest: str, prompt: str) -> None:
    """What a child does: films, and writes down how it ended."""
    patience = replace(QUICK, settle_seconds=0.6, look_seconds=0.02)
    asked = Asked(prompt, 4, 1280, 720, 24, seed=7)
    order = Order(digest, "s01.2", "fish", asked, dollars=0.4, max_cost=100.0)
    try:
        film(provider_of(shape, base), order, Jobs(folder), patience=patience)
        told = "filmed"
    except StudioError as fault:
        told = str(fault)
    except Exception as fault:
        told = repr(fault)
    result.write_text(told)
    os._exit(0)


NUM_KILLS = 20


@pytest.mark.parametrize(
    "shape",
    ["videos", "fal", *(pytest.param(shape, marks=pytest.mark.slow) for shape in ("replicate", "comfyui"))],
)
def test_killed_at_any_instant_a_film_is_paid_for_once(shape: str, tmp_path: Path) -> None:
    """SIGKILL at twenty random instants: one job each; where no list tells, at most one, and a line."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.flows.studio.hosted.test_filming"])
    chance = random.Random(20261130)

    def start(number: int) -> Any:
        arguments = (
            shape,
            server.base,
            tmp_path / "jobs",
            tmp_path / "told",
            f"{number:08x}",
            f"cat {number}",
        )
        child = context.Process(target=film_in_a_process, args=arguments)
        child.start()
        return child

    with serving(shape) as server:
        server.create_seconds = 0.05
        begun = time.monotonic()
        start(99).join()
        whole = time.monotonic() - begun
        assert (tmp_path / "told").read_text() == "filmed"
        lines = 0
        for number in range(NUM_KILLS):
            child = start(number)
            time.sleep(chance.uniform(0, whole))
            child.kill()
            child.join()
            (tmp_path / "told").unlink(missing_ok=True)
            start(number).join()
            told = (tmp_path / "told").read_text()
            taken = sum(f"'cat {number}'" in repr([prompt]) for prompt in server.prompts())
            if told == "filmed":
                assert taken == 1
            else:
                assert shape == "fal", told
                assert "may have been paid" in told
                assert taken <= 1
                lines += 1
        assert lines < NUM_KILLS
