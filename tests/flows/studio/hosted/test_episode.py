"""An episode by a server of `/v1/videos`: killed twice, paid for once; the ladder; a limit for a night."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.cli.app import main
from flows.studio.commands.approve import approve
from flows.studio.commands.check import check
from flows.studio.commands.plan import plan as tell_plan
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels, describe_model, open_model
from flows.studio.hosted.errors import BudgetError
from flows.studio.hosted.jobs import Jobs
from flows.studio.media import ffmpeg
from flows.studio.production import batch
from flows.studio.production.plan import Plan
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome
from tests.flows.fish import FISH, fish_request, make, plan_of
from tests.flows.studio.hosted.fakes import KEY, FakeServer, says, serving, status

REFUSAL = {"error": {"message": "blocked by our moderation", "code": "moderation_blocked"}}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of a real film, at 16 frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=16:d=2"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    ffmpeg.run(["-y", *source, *coding, str(path)], doing="a test film")
    return path.read_bytes()


@pytest.fixture
def server(film: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("VIDEO_API_KEY", KEY)
    with serving("videos", film) as fake:
        fake.looks_needed = 1
        yield fake


@pytest.fixture
def show(tiny: Path, tiny_script: str, server: FakeServer) -> Callable[..., Path]:
    """Writes the tiny show, filmed by the server, and gives the folder that it is in."""

    def write(video: str = "max_cost: 1, size: 320x180, frames: 48", price: str = "0.10") -> Path:
        named = f"video: {{camera: 'fish@{server.base}', {video}}}"
        tiny.write_text(tiny.read_text("utf-8").replace("video: {steps: 2}", named), "utf-8")
        prices = f"cameras: {{127.0.0.1: {{fish: {{second: {price}, checked: 2026-11}}}}}}\n" if price else ""
        (tiny.parent / "prices.yaml").write_text(prices, "utf-8")
        place = tiny.parent / "output" / FISH
        place.mkdir(parents=True)
        (place / "script.yaml").write_text(tiny_script, "utf-8")
        return tiny.parent

    return write


def planned(home: Path, **more: Any) -> Plan:
    plan = plan_of(fish_request(home, **more))
    assert plan is not None
    return plan


def jobs_of(home: Path) -> Jobs:
    return Jobs(home / "output" / FISH / "jobs")


def test_an_episode_is_filmed_by_a_server(show: Any, server: FakeServer, heard: Any) -> None:
    home, screen = show(), heard()
    outcome = make(fish_request(home), screen)
    assert outcome.code == 0
    plan = planned(home)
    clips = [plan.clips[shot.digest] for shot in plan.shots]
    assert [(clip.notes["num_frames"], clip.notes["full_frames"]) for clip in clips] == [(16, 48), (16, 48)]
    assert [clip.notes["usd"] for clip in clips] == [0.2, 0.2]
    assert (
        "2 shots × 2 s by fish at 127.0.0.1 = $0.40, $0.1 a second (price of Nov 2026); max_cost $1.00"
        in screen.text
    )
    assert "Filmed by fish at 127.0.0.1" in "\n".join(line for line in _credits(plan))
    asked = [job["asked"] for job in server.jobs.values()]
    assert [(one["seconds"], one["size"], one["model"]) for one in asked] == [("2", "320x180", "fish")] * 2
    assert not [
        path for path in (home / "output").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]

    for clip in clips:  # a clip that is deleted is made from the film that is kept
        clip.path.unlink()
    assert make(fish_request(home, until="clips"), heard()).code == 0
    assert server.creates() == 2


def _credits(plan: Plan) -> tuple[str, ...]:
    from flows.studio.production.edit import credits_of

    return credits_of(plan.premise, "hand", plan)


RUN = "from tests.flows.fish import *; import sys, pathlib; from tests.flows.conftest import Heard; make(fish_request(pathlib.Path(sys.argv[1]), until='clips'), Heard())"  # fmt: skip  # noqa: E501


def test_an_episode_that_is_killed_twice_is_paid_for_once(show: Any, server: FakeServer, heard: Any) -> None:
    home = show()
    server.looks_needed = 3
    moments: list[Callable[[], bool]] = [
        lambda: len(server.jobs) >= 1,  # between the request and its answer, or just behind it
        lambda: len(list((home / "output" / FISH / "clips").glob("*.mp4"))) == 1,
    ]
    server.create_seconds = 0.3
    for is_there in moments:
        run = subprocess.Popen([sys.executable, "-c", RUN, str(home)], cwd=Path(__file__).parents[4])
        until = time.monotonic() + 120
        while not is_there() and run.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert run.poll() is None, "it was still at work"
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert make(fish_request(home, until="clips"), heard()).code == 0
    assert len(server.jobs) == server.creates() == 2
    assert jobs_of(home).spent == pytest.approx(0.4)


def test_the_ladder_asks_the_service_for_approved_shots_alone(
    show: Any, server: FakeServer, heard: Any
) -> None:
    home = show("max_cost: 1, approve: true")
    waiting = tell_plan(fish_request(home)).lines
    told = "0 of 2 shots approved for fish at 127.0.0.1, the others are TOON's and would cost $1.00 there"
    assert any(told in line for line in waiting)
    approve(fish_request(home), ["s01.2"], undo=False)
    lines = tell_plan(fish_request(home)).lines
    assert (
        lines[-1]
        == "1 shot × 5 s by fish at 127.0.0.1 = $0.50, $0.1 a second (price of Nov 2026); max_cost $1.00"
    )
    assert server.log == []


def test_a_refused_shot_becomes_a_gag_card_and_a_broken_server_stops_the_run(
    show: Any, server: FakeServer, heard: Any
) -> None:
    home, screen = show(), heard()
    server.misbehave("create", status(400, REFUSAL))
    outcome = make(fish_request(home, until="clips"), screen)
    assert outcome.code == 3
    refused = next(line for line in screen.lines if "s01.1 has no film" in line)
    assert "its rules forbid this prompt or picture, 400 (blocked by our moderation)" in refused
    assert make(fish_request(home, until="clips"), heard()).code == 3
    assert server.creates() == 2, "what was refused is not asked for again"


@pytest.mark.parametrize(
    ("video", "price", "message"),
    [
        ("fit: loop", "0.10", "max_cost: wanted a limit in US dollars for fish at 127.0.0.1, $0.1 a second"),
        (
            "max_cost: 0.1",
            "0.10",
            "max_cost 0.1 dollars: 0.00 are spent, and s01.1 by fish at 127.0.0.1 costs 0.50",
        ),
    ],
)
def test_nothing_is_asked_for_without_a_limit_or_above_it(
    show: Any, server: FakeServer, heard: Any, video: str, price: str, message: str
) -> None:
    home = show(video, price)
    with pytest.raises(StudioError) as caught:
        make(fish_request(home), heard())
    assert message in str(caught.value)
    assert server.creates() == 0


def test_check_says_what_a_service_wants(show: Any, server: FakeServer) -> None:
    home = show("fit: loop")
    outcome = check(EpisodeRequest(premise=home / "fish.yaml", output=home / "output"), None)
    assert outcome.code == 2
    assert any("max_cost: wanted a limit in US dollars" in line for line in outcome.lines)


def test_check_says_that_nobody_waits_where_camera_and_draft_are_one(show: Any, server: FakeServer) -> None:
    home = show(f"max_cost: 1, approve: true, draft: 'fish@{server.base}'")
    outcome = check(EpisodeRequest(premise=home / "fish.yaml", output=home / "output"), None)
    assert any("approve: true waits for nothing" in line for line in outcome.lines)


def test_a_server_in_the_house_without_a_price_runs_free(show: Any, server: FakeServer, heard: Any) -> None:
    home, screen = show("frames: 48, size: 320x180", ""), heard()
    assert make(fish_request(home, until="clips"), screen).code == 0
    assert "2 shots × 2 s by fish at 127.0.0.1: no price, it costs nothing" in screen.text
    assert jobs_of(home).spent == 0


def test_a_service_without_a_price_is_told_before_it_is_asked(
    show: Any, heard: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    home = show()
    with pytest.raises(
        StudioError, match=r"wanted the price of fal-ai/fish at fal, got none, try a prices\.yaml"
    ):
        make(fish_request(home, video={"model": "fal:fal-ai/fish"}), heard())


def test_pay_again_is_said_and_counts_what_may_have_been_paid(
    show: Any, server: FakeServer, heard: Any
) -> None:
    home = show()
    make(fish_request(home, until="clips"), heard())
    jobs = jobs_of(home)
    first = next(iter(jobs))
    jobs.keep(first, state="lost")
    jobs.film(first.digest).unlink()
    for clip in planned(home).clips.values():
        clip.path.unlink()
    with pytest.raises(StudioError, match="film it again with --pay-again"):
        make(fish_request(home, until="clips"), heard())
    screen = heard()
    assert make(fish_request(home, until="clips", pay_again=True), screen).code == 0
    assert f"{first.label}: asked for again; $0.20 may have been paid before" in screen.text
    assert jobs.spent == pytest.approx(0.6)


def test_a_night_costs_no_more_than_it_may(show: Any, server: FakeServer, heard: Any, tmp_path: Path) -> None:
    home = show("frames: 48, size: 320x180, max_cost: 5")
    (home / "shows").mkdir()
    for name in ("a", "b", "c"):
        text = (home / "fish.yaml").read_text("utf-8").replace("Fish & Chips", f"Fish {name}")
        (home / "shows" / f"{name}.yaml").write_text(text, "utf-8")
    (home / "shows" / "prices.yaml").write_text((home / "prices.yaml").read_text("utf-8"), "utf-8")
    (home / "shows" / "prices.yaml").rename(home / "prices.yml.off")
    request = BatchRequest(premises=home / "shows", output=home / "night", writer="offline", max_cost=0.5)

    def film(one: EpisodeRequest) -> Outcome:
        return make(one.model_copy(update={"until": "clips"}), heard())

    config = tmp_path / "config" / "cold-open"
    config.mkdir(parents=True)
    (config / "prices.yaml").write_text((home / "prices.yaml").read_text("utf-8"), "utf-8")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    try:
        results = batch.make_batch(request, heard(), film, on_bug=lambda path, error: None)
    finally:
        del os.environ["XDG_CONFIG_HOME"]
    assert [result.outcome is not None for result in results] == [True, False, False]
    assert "max_cost 0.1 dollars: 0.00 are spent" in results[1].fault
    assert len(server.jobs) == 2


def test_another_films_settings_are_refused_in_a_line(server: FakeServer, tmp_path: Path) -> None:
    for source, line in (
        ("fish@http://me:secret@host/v1", "wanted an address without user, password or question mark"),
        (f"{tmp_path}/shot.json@http://localhost:8188", "wanted a ComfyUI workflow, there is no such file"),
    ):
        with pytest.raises(StudioError) as caught:
            describe_model(source)
        assert line in str(caught.value)
        assert "secret" not in str(caught.value)
    with pytest.raises(StudioError, match="wanted a key for fal, got none, try FAL_KEY"):
        open_model("fal:fish")
    with pytest.raises(StudioError, match="lora: fish@"):
        describe_model(f"fish@{server.base}", loras=[("a", 1.0)])


def test_one_clip_by_a_server(server: FakeServer, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tmp_path / "config" / "cold-open"
    config.mkdir(parents=True)
    (config / "prices.yaml").write_text("cameras: {127.0.0.1: {any: {second: 0.10}}}\n", "utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for code, limit in (
        (2, []),
        (1, ["--max-cost", "0.05"]),
        (0, ["--max-cost", "0.1"]),
        (0, ["--max-cost", "0"]),
    ):
        words = ["clip", "a cat", "--video-model", f"fish@{server.base}", "--seed", "1", *limit]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--frames", "24", "--size", "320x180", "--out", str(tmp_path / "cat.mp4")])
        said = capsys.readouterr().err
        assert ended.value.code == code, said
        assert code == 0 or "max_cost" in said
    assert ffmpeg.probe(tmp_path / "cat.mp4").num_frames > 0
    assert server.creates() == 1, "the same clip is not asked for twice"


def test_a_server_is_never_loaded_or_measured(show: Any, server: FakeServer, heard: Any) -> None:
    home, screen = show(), heard()
    make(fish_request(home, until="clips"), screen)
    assert not any("measuring" in label for label in screen.labels)
    assert any("%" in label for label in screen.labels) or server.looks_needed == 1
    with LoadedModels() as models:
        assert models.get(f"fish@{server.base}").facts.title == "fish at 127.0.0.1"


def test_an_answer_without_a_film_is_no_clip(show: Any, server: FakeServer, heard: Any) -> None:
    home, screen = show(), heard()
    server.misbehave("content", says(b"<html>sorry</html>"))
    assert make(fish_request(home, until="clips"), screen).code == 3
    assert "got a file that is none" in screen.text
    assert make(fish_request(home, until="clips"), heard()).code == 0
    assert server.creates() == 2


def test_the_limit_stops_in_the_middle_and_keeps_what_is_made(
    show: Any, server: FakeServer, heard: Any
) -> None:
    home = show("max_cost: 0.3, size: 320x180, frames: 48")
    with pytest.raises(BudgetError):
        make(fish_request(home), heard())
    assert [job.state for job in jobs_of(home)] == ["filmed"]
    assert make(fish_request(home, until="clips", video={"max_cost": 1.0}), heard()).code == 0
    assert server.creates() == 2
    assert planned(home).film.max_cost == 0.3, "the premise's bound counts before that of an earlier run"


def test_a_first_frame_goes_along_with_its_shot(show: Any, server: FakeServer, heard: Any) -> None:
    home = show("max_cost: 1, size: 320x180, frames: 48")
    Image.new("RGB", (640, 360), "red").save(home / "first.png")
    script = home / "output" / FISH / "script.yaml"
    script.write_text(
        script.read_text("utf-8").replace("who: don}", "who: don, first: first.png}", 1), "utf-8"
    )
    assert make(fish_request(home, until="clips"), heard()).code == 0
    assert [job["asked"]["has_picture"] for job in server.jobs.values()] == [False, True]
    Image.new("RGB", (640, 360), "blue").save(home / "first.png")
    assert [one.label for one in planned(home).missing if one.kind == "clip"] == ["s01.2"]


def test_portraits_go_to_a_model_that_takes_references(
    show: Any, film: bytes, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = show("max_cost: 1, size: 320x180, frames: 48")
    Image.new("RGB", (64, 64), "orange").save(home / "don.png")
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8").replace("don: {", "don: {picture: don.png, "), "utf-8")
    prices = home / "prices.yaml"
    prices.write_text("cameras: {fal: {fish/reference-to-video: {second: 0.1}}}\n", "utf-8")
    monkeypatch.setenv("FAL_KEY", KEY)
    with serving("fal", film) as fal:
        monkeypatch.setattr("flows.studio.hosted.fal.QUEUE", fal.root)
        request = fish_request(home, until="clips", video={"model": "fal:fish/reference-to-video"})
        assert make(request, heard()).code == 0
        asked = [job["asked"] for job in fal.jobs.values()]
    assert [len(one["reference_image_urls"]) for one in asked] == [1, 1]
    assert all("image_url" not in one for one in asked)
